/** Where one generation's files lie under the data folder. Each generation has its own, so that a start that fails takes nothing from the one that serves. */
export interface GenerationPaths {
  /** The user-level text, as it becomes `proxy.cfg`. */
  readonly configuration: string;
  /** The second `-f`: what the daemon adds. */
  readonly control: string;
  /** HAProxy's runtime socket; under 97 bytes by the bound on the data folder. */
  readonly socket: string;
}

export const runFolderOf = (dataFolder: string): string => `${dataFolder}/run`;

export function pathsOf(dataFolder: string, generation: number): GenerationPaths {
  const stem = `${runFolderOf(dataFolder)}/${generation}`;
  return {configuration: `${stem}.cfg`, control: `${stem}.control.cfg`, socket: `${stem}.sock`};
}

/** The generation whose configuration an argument of HAProxy names; 0 for `proxy.cfg` itself; undefined otherwise. */
export function generationNamedBy(argument: string, dataFolder: string): number | undefined {
  if (argument === `${dataFolder}/proxy.cfg`) return 0;
  const folder = `${runFolderOf(dataFolder)}/`;
  if (!argument.startsWith(folder)) return undefined;
  const match = /^(\d+)\.cfg$/.exec(argument.slice(folder.length));
  return match === null ? undefined : Number(match[1]);
}

/**
 * The control file: a `global` section of our own behind the user's (repeated sections are merged), which adds a
 * runtime socket that only we can use. We add no `defaults`: the user's text means what it says.
 */
export const deriveControl = (paths: GenerationPaths): string =>
  `# written by haproxy-kontrol; read by HAProxy after the rendered configuration
global
  stats socket ${paths.socket} mode 600 level admin
  stats timeout 30s
`;

/** How HAProxy is started: in front, one process (`-db`), our files (a log target first: `log global` copies what is above it), and `-sf` with those it shall replace itself. */
export const haproxyArguments = (paths: GenerationPaths, finish: readonly number[], logFile?: string): string[] => [
  '-db',
  ...(logFile === undefined ? [] : ['-f', logFile]),
  '-f',
  paths.configuration,
  '-f',
  paths.control,
  ...(finish.length === 0 ? [] : ['-sf', ...finish.map(String)]),
];
