import {type Clock, sleep} from '../ports/clock.ts';
import {stepByStep} from '../ports/event-loop.ts';
import {type Row, readServersState, readStatAddresses} from '../proxy/answers.ts';
import type {ServerChange} from '../proxy/difference.ts';
import {findDeviation} from '../proxy/server-commands.ts';

/** `show stat` of the servers alone (management.txt 9.3: any proxy, type 4, any server). */
const SERVERS = 'show stat -1 4 -1';

/** Asking for single backends is worth it for a few of them. */
const MAX_SINGLE_BACKENDS = 4;

/** HAProxy 3.2+ carries an address out in a task of its own, which took up to 4.4 ms after its answer. */
const PATIENCE_MS = 100;
const LOOK_AGAIN_MS = 5;

type Ask = (socket: string, command: string) => Promise<string>;

/**
 * Reads back over the runtime socket whether servers stand as they shall after the changes: address, port, weight and
 * maintenance. Looks again for up to 100 ms where they do not, unless HAProxy is known to have refused. Resolves with
 * the first deviation, undefined when there is none. Rejects with PROXY.
 */
export async function readBack(
  socket: string,
  changes: readonly ServerChange[],
  {ask, clock, isRefused}: {readonly ask: Ask; readonly clock: Clock; readonly isRefused: boolean},
): Promise<string | undefined> {
  const untilMs = clock.nowMs() + (isRefused ? 0 : PATIENCE_MS);
  for (;;) {
    const deviation = await look(socket, changes, ask);
    if (deviation === undefined || clock.nowMs() >= untilMs) return deviation;
    await sleep(clock, LOOK_AGAIN_MS);
  }
}

async function look(socket: string, changes: readonly ServerChange[], ask: Ask): Promise<string | undefined> {
  const backends = [...new Set(changes.map(({backend}) => backend))];
  const questions = backends.length > MAX_SINGLE_BACKENDS ? [''] : backends.map(backend => ` ${backend}`);
  const states: Row[] = [];
  for (const question of questions) {
    const answer = await ask(socket, `show servers state${question}`);
    for (const row of await stepByStep(readServersState(answer))) states.push(row);
  }
  const stateOf = new Map(states.map(row => [`${row.be_name}/${row.srv_name}`, row]));
  // 1.7 does not tell the port there.
  const needsStat = changes.some(isPortChange) && states.some(row => row.srv_port === undefined);
  const addresses = needsStat ? await stepByStep(readStatAddresses(await ask(socket, SERVERS))) : undefined;
  for (const change of changes) {
    const {name} = change.do === 'remove' ? change.before : change.after;
    const key = `${change.backend}/${name}`;
    const deviation = findDeviation(change, {state: stateOf.get(key), statAddress: addresses?.get(key)});
    if (deviation !== undefined) return deviation;
  }
  return undefined;
}

const isPortChange = (change: ServerChange): boolean =>
  change.do === 'move' &&
  change.before.address.is === 'literal' &&
  change.after.address.is === 'literal' &&
  change.before.address.port !== change.after.address.port;
