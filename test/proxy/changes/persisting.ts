import type {Cell} from './cells.ts';
import {answerKind, tally} from './clients.ts';
import type {Running} from './running.ts';

/** What a client of each server sends along, before and after the change, where servers are told apart by a cookie. */
export function cookiesOf({section, before, after}: Cell): Record<string, string>[] {
  const [, name, mode] = section.map(line => /^cookie (\S+) (\S+)/.exec(line)).findLast(found => found !== null) ?? [];
  if (name === undefined) return [];
  const values = [...before, ...after].flatMap(line => / cookie (\S+)/.exec(line)?.[1] ?? []);
  return [...new Set(values)].sort().map(value => ({cookie: `${name}=${value}${mode === 'prefix' ? '~x' : ''}`}));
}

const AGAIN = 3;

/** Whom the clients of each server meet by what they send along: the same one each time, or whom it may be. */
export async function meetAgain(running: Running, cell: Cell): Promise<string> {
  const met: string[] = [];
  for (const headers of cookiesOf(cell)) {
    const answers: string[] = [];
    for (let again = 0; again < AGAIN; again += 1) answers.push(await running.get(cell, `/p${again}`, {headers}));
    met.push(`${headers.cookie}: ${new Set(answers).size === 1 ? answers[0] : 'others'}`);
  }
  return met.join('; ');
}

/** What a stick table knows clients by here. */
export const STICKS_BY = 'x-client';

const CLIENTS = ['a', 'b', 'c', 'd'];

const sticks = ({section}: Cell): boolean =>
  section.some(line => line.startsWith('stick ') && line.includes(STICKS_BY));

/** Has a stick table learn of some clients. */
export async function acquaint(running: Running, cell: Cell): Promise<void> {
  if (sticks(cell)) await Promise.all(CLIENTS.map(client => running.get(cell, '/', {headers: {[STICKS_BY]: client}})));
}

/** How clients of a table fare: whether they are answered, and by whom. */
export interface Returned {
  readonly kinds: string;
  readonly by: readonly string[];
}

/** How those clients fare, in a process whose table knows them, or not. */
export async function returnAll(running: Running, cell: Cell): Promise<Returned> {
  if (!sticks(cell)) return {kinds: '', by: []};
  const answers: string[] = [];
  for (const client of CLIENTS) {
    for (let again = 0; again < AGAIN; again += 1)
      answers.push(await running.get(cell, '/', {headers: {[STICKS_BY]: client}}));
  }
  return {kinds: tally(answers.map(answerKind)), by: answers.filter(answer => answerKind(answer) === 'answered')};
}

/**
 * A table is lost by a reload and kept at run time, so that whom its clients meet may differ: anybody who takes requests,
 * of weight 0, too, as that is for clients who are known. Where a server is dead it depends on whom they were sent to.
 */
export function returnDifferences({after}: Cell, [told, fresh]: readonly Returned[], isDead: boolean): string[] {
  const taking = after.filter(line => !line.endsWith(' disabled')).join(' ');
  const elsewhere = told?.by.filter(answer => !taking.includes(answer)) ?? [];
  return [
    ...(isDead || told?.kinds === fresh?.kinds
      ? []
      : [`clients that a table knows: ${told?.kinds}, after a start ${fresh?.kinds}`]),
    ...(elsewhere.length > 0 ? [`clients that a table knows: answers from ${tally(elsewhere)}`] : []),
  ];
}
