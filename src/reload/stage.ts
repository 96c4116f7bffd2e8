import {rethrowBug} from '../errors.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {writeFault} from '../ports/write-fault.ts';
import {type Globals, parseGlobals} from '../proxy/globals.ts';
import {parseStateFile} from '../proxy/server-state.ts';
import type {Version} from '../proxy/version.ts';
import type {Candidate} from './candidate.ts';
import {isAtLeast} from './capabilities.ts';
import {type ControlSettings, type GenerationPaths, pathsOf} from './files.ts';
import {type Given, writeGeneration, writeRewritten} from './generation.ts';
import {nothingInherited} from './inherited-sockets.ts';
import type {RunFolder} from './run-folder.ts';

export interface StagePorts {
  readonly dataFolder: string;
  readonly files: Files;
  readonly version: Version;
  readonly drain: {readonly maxAgeMs: number};
  readonly run: Pick<RunFolder, 'claim' | 'forget'>;
  /** As a generation has it: HAProxy would warn of a `log global` without a target that it is to have. */
  readonly logFileFor?: (text: string) => Promise<string | undefined>;
}

/** The longest time that HAProxy takes, in milliseconds; none at all would be for ever. */
const MAX_TIME_MS = 2_147_483_647;

/**
 * Writes a candidate's files under the number of the generation that it may become. Rejects with APPLY, with none of
 * them left: on a full disk each try would leave some more.
 */
export async function stageGeneration(generation: number, text: string, ports: StagePorts): Promise<Candidate> {
  const paths = pathsOf(ports.dataFolder, generation);
  ports.run.claim(generation);
  try {
    await writeGeneration(ports.files, paths, text, deriveControlSettings(text, paths, ports));
  } catch (error) {
    await ports.run.forget(generation);
    throw error;
  }
  const logFile = await ports.logFileFor?.(text);
  const configuration = nothingInherited.rewrite(text) === text ? paths.configuration : paths.rewritten;
  return {text, generation, configuration, files: [...(logFile ? [logFile] : []), configuration, paths.control]};
}

/** Writes the files of a generation again where they are gone or cannot be read: somebody emptied the data folder. Rejects with APPLY. */
export async function restoreGeneration(generation: Given, ports: StagePorts & {readonly log: Log}): Promise<void> {
  const {number, text, paths} = generation;
  const {files, log} = ports;
  if ((await isReadable(paths.configuration, files)) && (await isReadable(paths.control, files))) return;
  log.warn({generation: number}, 'files of a generation are gone: they are written again');
  await writeGeneration(files, paths, text, deriveControlSettings(text, paths, ports));
  await writeRewritten(files, generation).catch(cause => {
    throw writeFault(paths.rewritten, cause);
  });
}

/** False, too, for what HAProxy could not read either. */
export const isReadable = async (path: string, files: Pick<Files, 'readText'>): Promise<boolean> => {
  const text = await files.readText(path).catch(rethrowBug);
  return text !== undefined;
};

/** What the version has and the user's text leaves to us. */
function deriveControlSettings(text: string, paths: GenerationPaths, {version, drain}: StagePorts): ControlSettings {
  const globals = parseGlobals(text);
  const isOurs = isAtLeast(version, 1, 7, 4) && !globals.hardStopAfter && drain.maxAgeMs > 0;
  const {isWanted, path} = parseStateFile(text);
  return {
    exposesListeners: isAtLeast(version, 1, 8),
    hardStopAfterMs: isOurs ? Math.min(drain.maxAgeMs, MAX_TIME_MS) : undefined,
    statsTimeoutIsSet: globals.statsTimeoutIsSet,
    statsMaxconn: deriveStatsMaxconn(globals),
    stateFile: isWanted && path === undefined ? paths.state : undefined,
  };
}

/** What HAProxy's runtime sockets have together where the text says nothing. */
const STATS_MAXCONN = 10;
/** Our questions are never so many at once. Each is a descriptor less for clients where HAProxy reckons by `ulimit -n`. */
const OUR_CONNECTIONS = 20;
/** Who allows more has room for us; HAProxy reads a 32-bit number. */
const MANY_CONNECTIONS = 10_000;

/**
 * Clients that keep connections to the user's runtime sockets, or to ours, would leave none for our questions. Undefined
 * where the text's limit is not known. Pure.
 */
export function deriveStatsMaxconn({statsMaxconns}: Pick<Globals, 'statsMaxconns'>): number | undefined {
  const theirs = statsMaxconns.length === 0 ? STATS_MAXCONN : Math.max(...statsMaxconns);
  return theirs < MANY_CONNECTIONS ? theirs + OUR_CONNECTIONS : undefined;
}
