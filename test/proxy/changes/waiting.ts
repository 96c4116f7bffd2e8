import {readStatFields} from '../../../src/proxy/answers.ts';
import {atOnce} from '../../../src/steps.ts';
import {isSeen} from '../../support/wait.ts';
import type {Cell} from './cells.ts';
import {answerKind, HELD_LIMIT_MS} from './clients.ts';
import {cookiesOf} from './persisting.ts';
import type {Held} from './pods.ts';
import type {Running} from './running.ts';

/** Behind those that take all there is of a backend's limits. */
const WAITING = 3;

/** Requests have come to their servers or queues by then, or HAProxy answered them. */
const COME_WITHIN_MS = 5000;

const takesRequests = (line: string): boolean => !/ disabled$/.test(line) && !/ weight 0( |$)/.test(line);

/**
 * Sends each cell as many requests as its servers take, one each, and some that have to wait, of clients with a cookie
 * for each server, too. Resolves with what is answered to all of them once nothing is held any more.
 */
export async function fillServers(
  running: Running,
  cells: readonly Cell[],
  held: Held,
): Promise<ReadonlyMap<Cell, Promise<string[]>>> {
  const asked = new Map<Cell, Promise<string>[]>(cells.map(cell => [cell, []]));
  let answered = 0;
  const ask = (cell: Cell, headers = {}) => {
    const answer = running.get(cell, held.path, {headers, limitMs: HELD_LIMIT_MS}).finally(() => {
      answered += 1;
    });
    asked.get(cell)?.push(answer);
  };
  const count = () => [...asked.values()].reduce((sum, all) => sum + all.length, 0);
  const arrived = () => cells.reduce((sum, {id}) => sum + held.arrivedFor(id), 0);
  for (const cell of cells) for (const _ of cell.before.filter(takesRequests)) ask(cell);
  await isSeen(() => arrived() + answered >= count(), COME_WITHIN_MS);
  for (const cell of cells) {
    for (let more = 0; more < WAITING; more += 1) ask(cell);
    for (const headers of cookiesOf(cell)) ask(cell, headers);
  }
  const ids = new Set(cells.map(({id}) => id));
  await isSeen(async () => arrived() + answered + (await countWaiting(running, ids)) >= count(), COME_WITHIN_MS);
  return new Map([...asked].map(([cell, answers]) => [cell, Promise.all(answers)]));
}

/** So many requests wait in the queues of these backends and their servers. */
async function countWaiting(running: Running, ids: ReadonlySet<string>): Promise<number> {
  const rows = atOnce(readStatFields(await running.ask('show stat -1 6 -1'), ['pxname', 'qcur']));
  return rows.reduce((sum, {pxname = '', qcur}) => (ids.has(pxname) ? sum + Number(qcur) : sum), 0);
}

/** Whether fewer of those that wait are answered than where nothing changes, as in the HAProxy that a reload leaves; how many in words. */
export function waitingDifference(told: readonly string[], untold: readonly string[]): string | undefined {
  const [some, all] = [told, untold].map(one => one.filter(answer => answerKind(answer) === 'answered').length);
  if ((some ?? 0) >= (all ?? 0)) return undefined;
  const others = told.map(answerKind).filter(answer => answer !== 'answered');
  return `of ${told.length} requests that wait ${some} are answered (others: ${others.join(', ')}), without a change ${all}`;
}
