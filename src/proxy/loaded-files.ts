import type {Outline} from './outline.ts';
import {optionValue, type ServerLine} from './server-line.ts';

/** Options that name a file which HAProxy reads at its start; `add server` only takes one that was read then. */
const FILE_OPTIONS = ['ca-file', 'crl-file', 'crt'] as const;

const filesOf = ({options}: ServerLine): string[] =>
  FILE_OPTIONS.flatMap(option => {
    const file = optionValue(options, option);
    return file === undefined ? [] : [`${option} ${file}`];
  });

/** The files, as `ca-file PATH`, that a HAProxy which was started with this text has read for its servers. */
export const findLoadedFiles = ({backends}: Outline): ReadonlySet<string> =>
  new Set(backends.flatMap(({servers}) => servers.flatMap(filesOf)));

/** The option of a server whose file is not among those that were read; undefined when there is none. */
export const findUnreadFile = (server: ServerLine, loaded: ReadonlySet<string>): string | undefined =>
  filesOf(server)
    .find(file => !loaded.has(file))
    ?.split(' ')[0];
