import {parseFrameLines} from './lines.ts';

/** The settings of `global` sections that change how HAProxy may be supervised. */
export interface Globals {
  /** `noreuseport`: two generations cannot listen on one address. */
  readonly noreuseport: boolean;
  /** Processes, 1 by default; under -db HAProxy runs one all the same. */
  readonly nbproc: number;
  /** `daemon`: HAProxy leaves the foreground unless started with -db. */
  readonly daemon: boolean;
  /** `master-worker` (1.8+): HAProxy supervises itself. */
  readonly masterWorker: boolean;
  readonly pidfile: string | undefined;
  /** `hard-stop-after` is set (1.7.4+). */
  readonly hardStopAfter: boolean;
  /** `stats timeout` is set. */
  readonly statsTimeoutIsSet: boolean;
  /** Each `stats maxconn` there is, in the order of the text; NaN where it is no number to us. */
  readonly statsMaxconns: readonly number[];
  /** Addresses of the user's own `stats socket`s, as written. */
  readonly statsSockets: readonly string[];
}

/** Reads the `global` sections of a configuration; the last one to set something wins, as in HAProxy. */
export function parseGlobals(text: string): Globals {
  let globals: Globals = {
    noreuseport: false,
    nbproc: 1,
    daemon: false,
    masterWorker: false,
    pidfile: undefined,
    hardStopAfter: false,
    statsTimeoutIsSet: false,
    statsMaxconns: [],
    statsSockets: [],
  };
  for (const {section, words} of parseFrameLines(text)) {
    if (section.kind !== 'global') continue;
    const [keyword, value, third] = words.map(word => word.text);
    if (keyword === 'noreuseport' || keyword === 'daemon') globals = {...globals, [keyword]: true};
    if (keyword === 'master-worker') globals = {...globals, masterWorker: true};
    if (keyword === 'hard-stop-after') globals = {...globals, hardStopAfter: true};
    if (keyword === 'nbproc') globals = {...globals, nbproc: Number(value) || 1};
    if (keyword === 'pidfile') globals = {...globals, pidfile: value};
    if (keyword === 'stats' && value === 'timeout') globals = {...globals, statsTimeoutIsSet: true};
    if (keyword === 'stats' && value === 'maxconn') {
      globals = {...globals, statsMaxconns: [...globals.statsMaxconns, Number(third)]};
    }
    if (keyword === 'stats' && value === 'socket' && third !== undefined) {
      globals = {...globals, statsSockets: [...globals.statsSockets, third]};
    }
  }
  return globals;
}
