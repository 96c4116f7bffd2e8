import type {ProcessTable} from '../jobs/proc.ts';
import {parseBinds} from '../proxy/binds.ts';
import {parseGlobals} from '../proxy/globals.ts';
import type {StagedGeneration} from './generation.ts';
import {deriveListeners, socketKey} from './listeners.ts';
import type {OldSide, PlanSide} from './plan.ts';

/** What a text means for a reload. */
export function derivePlanSide(text: string, kernel: {readonly bindV6Only: boolean}): PlanSide {
  const abstracts = parseBinds(text).flatMap(bind => (bind.is === 'abstract' ? [bind.name] : []));
  return {listeners: deriveListeners(text, kernel), noreuseport: parseGlobals(text).noreuseport, abstracts};
}

/** The text says all that HAProxy listens on: it knows every address. */
const isComplete = (text: string): boolean => parseBinds(text).every(({is}) => is !== 'unresolved');

/**
 * What the generations that still listen mean for a reload, all in one; undefined when none does. Where the text does
 * not say it all (a variable in an address, an adopted HAProxy that may run something else), the ports that are really
 * listened on count too.
 */
export async function readOldSide(
  old: readonly StagedGeneration[],
  kernel: {readonly bindV6Only: boolean},
  ports: {
    readonly processes: Pick<ProcessTable, 'listeningPorts'>;
    /** Whether a generation offers its listening sockets. */
    readonly offers: (generation: StagedGeneration) => Promise<boolean>;
    /** Its text is what it runs. */
    readonly isOurs: (generation: StagedGeneration) => boolean;
  },
): Promise<OldSide | undefined> {
  const newest = old.at(-1);
  if (newest === undefined) return undefined;
  const sides = old.map(({text}) => derivePlanSide(text, kernel));
  const seen = old
    .filter(generation => !ports.isOurs(generation) || !isComplete(generation.text))
    .map(({supervisor}) => ports.processes.listeningPorts(supervisor.child?.pid ?? 0).catch(() => []));
  const listeners = sides.flatMap(side => side.listeners);
  return {
    listeners,
    noreuseport: sides.some(side => side.noreuseport),
    abstracts: sides.flatMap(side => side.abstracts),
    // Only what all of them listen on is shared without loss.
    inherited: new Set(
      newest.inheritance.sockets
        .map(socketKey)
        .filter(key => old.every(({inheritance}) => inheritance.sockets.some(socket => socketKey(socket) === key))),
    ),
    ports: [...new Set([...listeners.flatMap(listener => listener.ports), ...(await Promise.all(seen)).flat()])],
    offers: old.length === 1 && (await ports.offers(newest)),
  };
}
