import {basename} from 'node:path';
import {adoptProcess} from '../jobs/adopted.ts';
import type {ProcessIdentity, ProcessTable} from '../jobs/proc.ts';
import {generationNamedBy, pathsOf} from './files.ts';
import {createGeneration, type GenerationPorts, writeRewritten} from './generation.ts';
import type {GenerationSet} from './generation-set.ts';
import {nothingInherited} from './inherited-sockets.ts';
import type {Records} from './process-records.ts';

/** A HAProxy that a killed daemon left behind. */
export interface Leftover {
  readonly identity: ProcessIdentity;
  readonly generation: number;
  /** It holds listening sockets; otherwise it was told to go and finishes its connections. */
  readonly listens: boolean;
}

/**
 * Finds them by the records (PID with its start time) and by what every process was started with (a death between a
 * start and its record leaves no other trace). A stranger, with a reused PID or the same path in a container of its
 * own, is never among them. Oldest generation first.
 */
export async function findLeftovers(
  records: Records,
  dataFolder: string,
  processes: Pick<ProcessTable, 'isAlive' | 'findByArguments' | 'listeningPorts' | 'seesFolder'>,
): Promise<Leftover[]> {
  const found = new Map<number, {identity: ProcessIdentity; generation: number}>();
  for (const {generation, ...identity} of records.processes) {
    if (await processes.isAlive(identity)) found.set(identity.pid, {identity, generation});
  }
  const started = await processes.findByArguments(args => generationOf(args, dataFolder) !== undefined);
  for (const {identity, args} of started) {
    if (!found.has(identity.pid) && (await processes.seesFolder(identity.pid, dataFolder))) {
      found.set(identity.pid, {identity, generation: generationOf(args, dataFolder) ?? 0});
    }
  }
  /** One whose sockets may not be seen is taken to listen: to drain it twice does no harm. */
  const listens = async (pid: number): Promise<boolean> =>
    (await processes.listeningPorts(pid).catch(() => [0])).length > 0;
  const leftovers = [...found.values()].map(async entry => ({...entry, listens: await listens(entry.identity.pid)}));
  return (await Promise.all(leftovers)).sort((a, b) => a.generation - b.generation);
}

/** The generation that a HAProxy's arguments name under our data folder, whichever daemon (or 2017 wrapper) gave them. */
function generationOf(args: readonly string[], dataFolder: string): number | undefined {
  if (!basename(args[0] ?? '').includes('haproxy') || args.includes('-c')) return undefined;
  const numbers = args.flatMap((argument, index) =>
    args[index - 1] === '-f' ? [generationNamedBy(argument, dataFolder)] : [],
  );
  return numbers.find(number => number !== undefined);
}

/**
 * Takes over the HAProxys that an earlier daemon left running: the newest that listens serves until the first pass, the
 * others finish their connections. Resolves with the highest generation number ever given.
 */
export async function adoptLeftovers(
  records: Records,
  generations: GenerationSet,
  generationPorts: GenerationPorts,
  ports: {readonly dataFolder: string; readonly committedPath: string; readonly processes: ProcessTable},
): Promise<number> {
  const {dataFolder, committedPath, processes} = ports;
  const {clock, files, log} = generationPorts;

  const adopt = async ({identity, generation: number, listens}: Leftover): Promise<void> => {
    const paths = pathsOf(dataFolder, number);
    const configuration = number === 0 ? committedPath : paths.configuration;
    const text = (await files.readText(configuration).catch(() => undefined)) ?? '';
    const given = {number, text, read: text, paths: {...paths, configuration}, inheritance: nothingInherited};
    // In case it has to be started anew: the copy that lies there names sockets of the earlier daemon's.
    await writeRewritten(files, given).catch((err: unknown) =>
      log.warn({err, generation: number}, 'cannot write the configuration of a HAProxy that is taken over'),
    );
    const generation = createGeneration(given, generationPorts);
    log.info({generation: number, pid: identity.pid, listens}, 'taking over a HAProxy that an earlier daemon left');
    generation.supervisor.adopt(adoptProcess(identity, {clock, processes}));
    if (listens) generations.promote(generation);
    else generations.retire(generation);
  };

  const leftovers = await findLeftovers(records, dataFolder, processes);
  for (const leftover of leftovers) await adopt(leftover);
  return Math.max(records.last, ...leftovers.map(({generation}) => generation));
}
