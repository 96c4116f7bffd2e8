import {parseInfo} from '../proxy/answers.ts';
import type {ServerChange} from '../proxy/difference.ts';

/**
 * HAProxy sizes its limit of open files when it starts, with room for the checks of the servers that its text has; those
 * of servers that come later have to do with what is spare. This share of the limit may be theirs.
 */
const SHARE = 1 / 16;

export const countCheckedAdds = (changes: readonly ServerChange[]): number =>
  changes.filter(change => change.do === 'add' && change.after.checked).length;

/** Why `count` servers with checks are too many for a HAProxy that started without them. Rejects with PROXY. */
export async function findRoomDoubt(
  ask: (socket: string, command: string) => Promise<string>,
  socket: string,
  count: number,
): Promise<string | undefined> {
  const limit = Number(parseInfo(await ask(socket, 'show info')).get('Maxsock'));
  return count <= limit * SHARE
    ? undefined
    : `the limit of ${limit} open files, fixed at the start, may not do for the checks of ${count} more servers`;
}
