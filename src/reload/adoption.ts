import {adoptProcess} from '../jobs/adopted.ts';
import type {ProcessTable} from '../jobs/proc.ts';
import {pathsOf} from './files.ts';
import {createGeneration, type GenerationPorts} from './generation.ts';
import type {GenerationSet} from './generation-set.ts';
import {nothingInherited} from './inherited-sockets.ts';
import {findLeftovers, type Leftover} from './leftovers.ts';
import type {Records} from './records.ts';

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
    const given = {number, text, paths: {...paths, configuration}, inheritance: nothingInherited};
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
