/** Where one generation's files lie under the data folder. Each generation has its own, so that a start that fails takes nothing from the one that serves. */
export interface GenerationPaths {
  /** The user-level text, as it becomes `proxy.cfg`. */
  readonly configuration: string;
  /** The copy of it that HAProxy reads instead where that is another text: `Inheritance.rewrite`. */
  readonly rewritten: string;
  /** The second `-f`: what the daemon adds. */
  readonly control: string;
  /** HAProxy's runtime socket; under 97 bytes by the bound on the data folder. */
  readonly socket: string;
  /** The state of the servers of the generation before, where the text asks for it. */
  readonly state: string;
}

export const runFolderOf = (dataFolder: string): string => `${dataFolder}/run`;

export function pathsOf(dataFolder: string, generation: number): GenerationPaths {
  const stem = `${runFolderOf(dataFolder)}/${generation}`;
  return {
    configuration: `${stem}.cfg`,
    rewritten: `${stem}.run.cfg`,
    control: `${stem}.control.cfg`,
    socket: `${stem}.sock`,
    state: `${stem}.state`,
  };
}

/** The generation whose configuration an argument of HAProxy names; 0 for `proxy.cfg` itself; undefined otherwise. */
export function generationNamedBy(argument: string, dataFolder: string): number | undefined {
  if (argument === `${dataFolder}/proxy.cfg`) return 0;
  const folder = `${runFolderOf(dataFolder)}/`;
  if (!argument.startsWith(folder)) return undefined;
  const match = /^(\d+)(?:\.run)?\.cfg$/.exec(argument.slice(folder.length));
  return match === null ? undefined : Number(match[1]);
}

/** What the control file of a generation says beside its runtime socket. */
export interface ControlSettings {
  /** HAProxy 1.8+: the next generation may fetch the listening sockets (`-x`). */
  readonly exposesListeners: boolean;
  /** HAProxy 1.7.4+, where the user's text does not say it: how long connections may outlive the generation. */
  readonly hardStopAfterMs: number | undefined;
  /** The user's text says how long a session on the runtime socket may be idle. */
  readonly statsTimeoutIsSet: boolean;
  /** How many connections all runtime sockets have together; undefined leaves it to the user's text. */
  readonly statsMaxconn: number | undefined;
  /** Where `load-server-state-from-file` looks, when the user's text asks for it and names no file. */
  readonly stateFile: string | undefined;
}

/**
 * The control file: a `global` section of our own behind the user's (repeated sections are merged), which adds a
 * runtime socket that only we can use. We add no `defaults`: the user's text means what it says.
 */
export const deriveControl = (paths: GenerationPaths, settings: ControlSettings): string =>
  [
    '# written by haproxy-kontrol; read by HAProxy after the rendered configuration',
    'global',
    // Above the socket: HAProxy 1.7 gives each the limit that stands above it.
    ...(settings.statsMaxconn === undefined ? [] : [`  stats maxconn ${settings.statsMaxconn}`]),
    `  stats socket ${paths.socket} mode 600 level admin${settings.exposesListeners ? EXPOSES : ''}`,
    ...(settings.statsTimeoutIsSet ? [] : ['  stats timeout 30s']),
    ...(settings.hardStopAfterMs === undefined ? [] : [`  hard-stop-after ${settings.hardStopAfterMs}`]),
    ...(settings.stateFile === undefined ? [] : [`  server-state-file ${settings.stateFile}`]),
    '',
  ].join('\n');

const EXPOSES = ' expose-fd listeners';

/** Whether the generation that a control file belongs to offers its listening sockets. */
export const exposesListeners = (control: string): boolean => control.includes(EXPOSES);

/** How HAProxy is to be started this once: whom it replaces by itself, and whose listeners it fetches. */
export interface StartOptions {
  /** `-sf`: told to finish by the new one. */
  readonly finish: readonly number[];
  /** `-x`: the runtime socket of the one that offers its listeners. */
  readonly transferFrom: string | undefined;
}

export const START_BESIDE: StartOptions = {finish: [], transferFrom: undefined};

/**
 * How HAProxy is started: in front, one process (`-db`), the files that it reads in their order (a log target comes
 * first: `log global` copies what is above it), and what is for this start alone.
 */
export const haproxyArguments = (files: readonly string[], {finish, transferFrom}: StartOptions): string[] => [
  '-db',
  ...files.flatMap(file => ['-f', file]),
  ...(transferFrom === undefined ? [] : ['-x', transferFrom]),
  ...(finish.length === 0 ? [] : ['-sf', ...finish.map(String)]),
];
