import {Agent} from 'node:http';
import type {Release} from '../../../src/proxy/version.ts';
import {isSeen} from '../../support/wait.ts';
import type {Cell} from './cells.ts';
import type {Held} from './pods.ts';
import type {Running} from './running.ts';

const CROWD = 20;
const FEW = 3;
/** So many that each server of a small backend has a request under way. */
const KEPT_CLIENTS = 3;

/** Longer than HAProxy lets one wait for its server. */
export const HELD_LIMIT_MS = 35_000;

/** A client that keeps its connection, with a request under way while servers change. */
export interface KeptClient {
  readonly first: Promise<string>;
  /** The answers to what it asks later on the same connection. */
  later(): Promise<string[]>;
  close(): void;
}

/** A request has come to its server by then, or never will: HAProxy 3.2 forgets the second one on a connection whose first `redir` answered under `compression`. */
const ARRIVES_WITHIN_MS = 5000;

/** Undefined where HAProxy itself, whatever it is told, sends the request nowhere. */
async function openKeptClient(
  running: Running,
  cell: Cell,
  held: Held,
  requestsBefore: number,
): Promise<KeptClient | undefined> {
  const agent = new Agent({keepAlive: true, maxSockets: 1});
  for (let count = 0; count < requestsBefore; count += 1) await running.get(cell, '/', {agent});
  const arrived = held.arrivedFor(cell.id);
  let isAnswered = false;
  const first = running.get(cell, held.path, {agent, limitMs: HELD_LIMIT_MS}).finally(() => {
    isAnswered = true;
  });
  const isUnderWay = () => isAnswered || held.arrivedFor(cell.id) > arrived;
  if (!(await isSeen(isUnderWay, ARRIVES_WITHIN_MS))) {
    agent.destroy();
    return undefined;
  }
  return {
    first,
    async later() {
      const answers: string[] = [];
      for (let count = 0; count < 3; count += 1) answers.push(await running.get(cell, '/', {agent}));
      return answers;
    },
    close: () => agent.destroy(),
  };
}

/** One after the other, with one request before the first's and two before the next's, so that two servers have one each. */
export async function openKeptClients(running: Running, cell: Cell, held: Held): Promise<KeptClient[]> {
  const clients: (KeptClient | undefined)[] = [];
  if (cell.trial.full) return [];
  for (let index = 0; index < Math.min(cell.before.length, KEPT_CLIENTS); index += 1)
    clients.push(await openKeptClient(running, cell, held, 1 + (index % 2)));
  return clients.filter(client => client !== undefined);
}

/** What they are answered once nothing is held any more. */
export async function askKept(clients: readonly KeptClient[]): Promise<string[]> {
  const answers: string[] = [];
  for (const client of clients) {
    await client.first;
    answers.push(...(await client.later()));
    client.close();
  }
  return answers;
}

export const tally = (answers: readonly string[]): string => [...new Set(answers)].sort().join(', ');

export async function inParallel(running: Running, cell: Cell): Promise<string> {
  const [count, path] = cell.trial.crowded ? [CROWD, '/slow'] : [FEW, '/'];
  return tally((await Promise.all(Array.from({length: count}, () => running.get(cell, path)))).map(answerKind));
}

/** Who answers may depend on the moment, whether somebody does must not. */
export const answerKind = (answer: string): string => (/^[\d.]+:\d+$/.test(answer) ? 'answered' : answer);

const HASHES = /balance (uri|url_param|hdr|hash)/;

const isRandom = ({section}: Cell): boolean => section.some(line => line.startsWith('balance random'));

/** So many for each turn that hardly a server is never drawn. */
const DRAWS = 16;

/** After so many requests every server has had its turn. */
const turnsOf = (cell: Cell): number =>
  cell.after.reduce((sum, line) => sum + Number(/.* weight (\d+)/.exec(line)?.[1] ?? 1), 0) *
  (isRandom(cell) ? DRAWS : 1);

/** A connection through a TCP proxy, or a tunnel, stays with one server. */
export const isTunnel = ({trial, section}: Cell): boolean =>
  trial.mode === 'tcp' || section.includes('option http-tunnel');

/** HAProxy 2.1 and later take no notice of `option http-tunnel`. */
export const FORGETS_TUNNELS: Release = 2.1;

/** Where each of some paths goes: the same everywhere for hashes, whom it may go to at all for others. */
export async function spread(running: Running, cell: Cell): Promise<string> {
  const agent = isTunnel(cell) ? undefined : new Agent({keepAlive: true, maxSockets: 1});
  const answers = await Promise.all(
    Array.from({length: turnsOf(cell) + 3}, (_, count) => running.get(cell, `/p${count}?x=${count}`, {agent})),
  );
  agent?.destroy();
  return cell.section.some(line => HASHES.test(line)) ? answers.join(', ') : tally(answers);
}

const LOOKS = 5;

/** The same of both, asked again where they differ: a check that a busy machine was late for sends requests elsewhere. */
export async function askBoth(
  both: readonly Running[],
  cell: Cell,
  ask: (running: Running, cell: Cell) => Promise<string>,
): Promise<string[]> {
  for (let look = 1; ; look += 1) {
    const answers = await Promise.all(both.map(one => ask(one, cell)));
    if (new Set(answers).size < 2 || look === LOOKS) return answers;
  }
}
