import {stepByStep} from '../ports/event-loop.ts';
import {readStatFields} from '../proxy/answers.ts';
import type {ServerChange} from '../proxy/difference.ts';
import {optionValue} from '../proxy/server-line.ts';

/** `show stat` of the servers alone (management.txt 9.3: any proxy, type 4, any server). */
const SERVERS = 'show stat -1 4 -1';

/** So much of a limit may be taken by requests to the former address: it is hardly missed. */
const SHARE = 1 / 10;

/**
 * Why moves may not be told now: HAProxy counts the requests that are under way at a server's former address against
 * its `maxconn`, and the new one would have so much less room, or none, for as long as they last. A start counts from
 * nought. Those that wait for a server which goes would be sent to where it goes. Undefined when there is no reason.
 * Rejects with PROXY.
 */
export async function findLimitDoubt(
  ask: (socket: string, command: string) => Promise<string>,
  socket: string,
  changes: readonly ServerChange[],
): Promise<string | undefined> {
  const limits = new Map(changes.flatMap(change => limitOf(change) ?? []));
  if (limits.size === 0) return undefined;
  for (const {pxname, svname, scur, qcur} of await stepByStep(
    readStatFields(await ask(socket, SERVERS), ['pxname', 'svname', 'scur', 'qcur']),
  )) {
    const server = `${pxname}/${svname}`;
    const {limit, goes} = limits.get(server) ?? {};
    if (limit === undefined) continue;
    if (!goes && Number(scur) > limit * SHARE)
      return `${server} has ${scur} requests under way, which would count against its limit of ${limit} at another address`;
    if (goes && (Number(scur) >= limit || Number(qcur) > 0))
      return `${server} has ${scur} requests under way, and those that wait for its limit of ${limit} would be sent to another address`;
  }
  return undefined;
}

/** The limit of a server that moves and takes requests before or after; `minconn` is where one begins that grows with the load. */
function limitOf(
  change: ServerChange,
): [server: string, {readonly limit: number; readonly goes: boolean}][] | undefined {
  if (change.do !== 'move') return undefined;
  const {before, after} = change;
  if (before.disabled && after.disabled) return undefined;
  const limits = ['minconn', 'maxconn'].map(option => Number.parseInt(optionValue(after.options, option) ?? '0', 10));
  const limit = limits.find(one => one > 0);
  return limit === undefined ? undefined : [[`${change.backend}/${after.name}`, {limit, goes: after.disabled}]];
}
