import {DaemonError, foreseenReason, rethrowBug} from '../errors.ts';
import type {ProcessTable} from '../jobs/proc.ts';
import type {Log} from '../ports/log.ts';
import {parseStat} from '../proxy/answers.ts';
import {parseServedPorts} from '../proxy/served.ts';
import type {StagedGeneration} from './generation.ts';

/** `show stat` of the frontends alone (management.txt 9.3: any proxy, type 1, any server). */
const FRONTENDS = 'show stat -1 1 -1';

/** A frontend at its `maxconn` is full, and serves. */
const SERVING = new Set(['OPEN', 'FULL']);

/**
 * Looks whether a new generation, which has answered `show info` with its own PID, really serves, before the old one
 * is told to go: it holds a listening socket for every planned port, and its frontends are open. Rejects with APPLY.
 */
export async function checkServing(
  {text, paths, supervisor}: StagedGeneration,
  {ask, processes, log}: {ask: AskSocket; processes: Pick<ProcessTable, 'listeningPorts'>; log: Log},
): Promise<void> {
  const fail = (reason: string, cause?: unknown) =>
    new DaemonError('APPLY', `cannot switch to the new HAProxy: ${reason}`, {cause});
  const listening = await processes.listeningPorts(supervisor.child?.pid ?? 0).catch((err: unknown) => {
    rethrowBug(err);
    log.debug({err}, 'sockets of the new generation cannot be seen');
    return undefined;
  });
  const silent = listening && parseServedPorts(text)?.filter(port => !listening.includes(port));
  if (silent !== undefined && silent.length > 0) throw fail(`it does not listen on ${silent.join(', ')}`);
  const answer = await ask(paths.socket, FRONTENDS).catch((cause: unknown) => {
    throw fail(foreseenReason(cause), cause);
  });
  const shut = parseStat(answer).find(({svname, status}) => svname === 'FRONTEND' && !SERVING.has(status ?? ''));
  if (shut !== undefined) throw fail(`frontend ${shut.pxname} is ${shut.status}`);
}

type AskSocket = (socket: string, command: string) => Promise<string>;
