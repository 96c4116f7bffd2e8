import {type Clock, sleep} from '../ports/clock.ts';
import {stepByStep} from '../ports/event-loop.ts';
import {type Row, readServersState, readStatAddresses} from '../proxy/answers.ts';
import {lineOf, type ServerChange} from '../proxy/difference.ts';
import {findDeviation} from '../proxy/server-commands.ts';
import {optionValue} from '../proxy/server-line.ts';

/** `show stat` of the servers alone (management.txt 9.3: any proxy, type 4, any server). */
const SERVERS = 'show stat -1 4 -1';

/** Asking for single backends is worth it for a few of them. */
const MAX_SINGLE_BACKENDS = 4;

/** HAProxy 3.2+ carries an address out in a task of its own, which took up to 4.4 ms after its answer. */
const PATIENCE_MS = 100;
const LOOK_AGAIN_MS = 5;
const LOOK_AGAIN_SOON_MS = 1;

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
  for (let pauseMs = LOOK_AGAIN_SOON_MS; ; pauseMs = LOOK_AGAIN_MS) {
    const deviation = await look(socket, changes, ask);
    if (deviation === undefined || clock.nowMs() >= untilMs) return deviation;
    await sleep(clock, Math.min(pauseMs, untilMs - clock.nowMs()));
  }
}

async function look(socket: string, changes: readonly ServerChange[], ask: Ask): Promise<string | undefined> {
  const stateOf = await readStates(socket, changes, ask);
  // 1.7 does not tell the port there.
  const needsStat = changes.some(isPortChange) && [...stateOf.values()].some(row => row.srv_port === undefined);
  const addresses = needsStat ? await stepByStep(readStatAddresses(await ask(socket, SERVERS))) : undefined;
  for (const change of changes) {
    const {name} = change.do === 'remove' ? change.before : change.after;
    const key = `${change.backend}/${name}`;
    const deviation = findDeviation(change, {state: stateOf.get(key), statAddress: addresses?.get(key)});
    if (deviation !== undefined) return deviation;
  }
  return undefined;
}

/** How the servers that change stand, by `backend/server`. */
async function readStates(
  socket: string,
  changes: readonly ServerChange[],
  ask: Ask,
): Promise<ReadonlyMap<string, Row>> {
  const backends = [...new Set(changes.map(({backend}) => backend))];
  const questions = backends.length > MAX_SINGLE_BACKENDS ? [''] : backends.map(backend => ` ${backend}`);
  const wanted = new Set(changes.map(change => `${change.backend}/${lineOf(change).name}`));
  const states = new Map<string, Row>();
  for (const question of questions) {
    const answer = await ask(socket, `show servers state${question}`);
    for (const row of await stepByStep(readServersState(answer, wanted)))
      states.set(`${row.be_name}/${row.srv_name}`, row);
  }
  return states;
}

/** `srv_op_state`: SRV_ST_STOPPED of HAProxy's server-t.h. */
const STOPPED = 0;

/**
 * A server that is to be changed and that HAProxy's checks or agents know to be down: told of a change it takes it for up
 * until they have failed again. Undefined when there is none. Rejects with PROXY.
 */
export async function findDown(
  socket: string,
  changes: readonly ServerChange[],
  ask: Ask,
): Promise<string | undefined> {
  const known = changes.filter(change => change.do !== 'add');
  const states = await readStates(socket, known, ask);
  return known
    .map(change => `${change.backend}/${lineOf(change).name}`)
    .find(key => {
      const row = states.get(key);
      return Number(row?.srv_op_state) === STOPPED && Number(row?.srv_admin_state) === 0;
    });
}

/** A bit of `srv_check_state`: CHK_ST_INPROGRESS of HAProxy's check-t.h. */
const UNDER_WAY = 0x01;

/** A pod that answers has done so by then: waiting costs less than a reload. */
const CHECK_PATIENCE_MS = 50;

/**
 * Why changes may not be told now: a server would be checked afresh while a check of how it was has not ended within
 * 50 ms, and that one's failure would be the first to count against it. Undefined when there is no reason. Rejects with
 * PROXY.
 */
export async function findCheckDoubt(
  socket: string,
  changes: readonly ServerChange[],
  {ask, clock}: {readonly ask: Ask; readonly clock: Clock},
): Promise<string | undefined> {
  const fragile = changes.filter(isFragile);
  const untilMs = clock.nowMs() + CHECK_PATIENCE_MS;
  for (;;) {
    const doubt = await findCheckUnderWay(socket, fragile, ask);
    if (doubt === undefined || clock.nowMs() >= untilMs) return doubt;
    await sleep(clock, LOOK_AGAIN_MS);
  }
}

async function findCheckUnderWay(
  socket: string,
  fragile: readonly ServerChange[],
  ask: Ask,
): Promise<string | undefined> {
  const states = await readStates(socket, fragile, ask);
  const checked = fragile
    .map(change => `${change.backend}/${lineOf(change).name}`)
    .find(key => (Number(states.get(key)?.srv_check_state) & UNDER_WAY) !== 0);
  return checked === undefined
    ? undefined
    : `${checked} is being checked as it was, and a failure of that check would count against it`;
}

/** Its first failure has it down. One that is alone is set up in full health, and has three unless it says so. */
function isFragile(change: ServerChange): boolean {
  if ((change.do !== 'move' && change.do !== 'enable') || !change.after.checked || change.after.disabled) return false;
  const isInFullHealth = change.do === 'move' && change.alone;
  return !isInFullHealth || Number.parseInt(optionValue(change.after.options, 'fall') ?? '3', 10) < 2;
}

const isPortChange = (change: ServerChange): boolean =>
  change.do === 'move' &&
  change.before.address.is === 'literal' &&
  change.after.address.is === 'literal' &&
  change.before.address.port !== change.after.address.port;
