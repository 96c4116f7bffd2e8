import {appendFileSync, mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {Daemon} from '../support/daemon.ts';
import {describeAction, type Step} from './plan.ts';

/** What was done and seen, on disk as it happens: a run that dies can be understood too. */
export interface Journal {
  readonly folder: string;
  step(step: Step): void;
  note(what: string, detail?: string): void;
  /** All that a daemon said. */
  keep(daemon: Daemon, name: string): void;
  /** How often each kind of action was done. */
  readonly counts: ReadonlyMap<string, number>;
  /** The last lines, for a person. */
  tail(): string;
}

const SHOWN_LINES = 25;

/** Opens `soak.log` in `folder`; times in it are milliseconds from now. */
export function openJournal(folder: string, onLine: (line: string) => void = () => {}): Journal {
  mkdirSync(folder, {recursive: true});
  const startedMs = Date.now();
  const counts = new Map<string, number>();
  const last: string[] = [];
  const write = (line: string) => {
    const timed = `${String(Date.now() - startedMs).padStart(8)} ${line}`;
    appendFileSync(join(folder, 'soak.log'), `${timed}\n`);
    last.push(timed);
    if (last.length > SHOWN_LINES) last.shift();
    onLine(timed);
  };
  return {
    folder,
    counts,
    step({n, action}) {
      counts.set(action.do, (counts.get(action.do) ?? 0) + 1);
      write(`#${n} ${describeAction(action)}`);
    },
    note: (what, detail) => write(`  ${what}${detail === undefined ? '' : `: ${detail}`}`),
    keep(daemon, name) {
      writeFileSync(join(folder, name), daemon.logs.map(line => `${JSON.stringify(line)}\n`).join(''));
    },
    tail: () => last.join('\n'),
  };
}
