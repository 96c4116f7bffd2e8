import {stepByStep} from '../ports/event-loop.ts';
import {readStatFields} from '../proxy/answers.ts';
import {lineOf, type ServerChange} from '../proxy/difference.ts';
import {optionValue} from '../proxy/server-line.ts';

/** `show stat` of the servers alone (management.txt 9.3: any proxy, type 4, any server). */
const SERVERS = 'show stat -1 4 -1';

/** So much of a limit may be taken by requests to the former address: it is hardly missed. */
const SHARE = 1 / 10;

/**
 * Why moves may not be told now: HAProxy counts the requests that are under way at a server's former address against
 * its `maxconn`, and the new one would have so much less room, or none, for as long as they last. A start counts from
 * nought. Undefined when there is no reason. Rejects with PROXY.
 */
export async function findLimitDoubt(
  ask: (socket: string, command: string) => Promise<string>,
  socket: string,
  changes: readonly ServerChange[],
): Promise<string | undefined> {
  const limits = new Map<string, number>(
    changes.flatMap(change => {
      const limit = limitOf(change);
      return limit === undefined ? [] : [[`${change.backend}/${lineOf(change).name}`, limit] as const];
    }),
  );
  if (limits.size === 0) return undefined;
  for (const {pxname, svname, scur} of await stepByStep(
    readStatFields(await ask(socket, SERVERS), ['pxname', 'svname', 'scur']),
  )) {
    const server = `${pxname}/${svname}`;
    const limit = limits.get(server);
    if (limit !== undefined && Number(scur) > limit * SHARE)
      return `${server} has ${scur} requests under way, which would count against its limit of ${limit} at another address`;
  }
  return undefined;
}

/** The limit of a server that moves and takes requests; `minconn` is where one begins that grows with the load. */
function limitOf(change: ServerChange): number | undefined {
  if (change.do !== 'move' || change.after.disabled) return undefined;
  const limits = ['minconn', 'maxconn'].map(option =>
    Number.parseInt(optionValue(change.after.options, option) ?? '0', 10),
  );
  return limits.find(limit => limit > 0);
}
