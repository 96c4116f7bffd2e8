import {stepByStep} from '../ports/event-loop.ts';
import {type Row, readStatFields} from '../proxy/answers.ts';
import {lineOf, type ServerChange} from '../proxy/difference.ts';
import {optionValue} from '../proxy/server-line.ts';

/** `show stat` of backends and servers (management.txt 9.3: any proxy, types 2 and 4, any server). */
const BACKENDS_AND_SERVERS = 'show stat -1 6 -1';

/**
 * Why servers may not be taken out now: requests that wait for one of them, or for any of a backend that nobody else
 * serves, would be sent elsewhere or turned away. The process that a reload leaves serves them. Undefined when there is
 * no reason. Rejects with PROXY.
 */
export async function findWaitingDoubt(
  ask: (socket: string, command: string) => Promise<string>,
  socket: string,
  changes: readonly ServerChange[],
): Promise<string | undefined> {
  const leaving = new Set(changes.filter(change => isTakenOut(change) && hasLimit(change)).map(keyOf));
  if (leaving.size === 0) return undefined;
  const rows = await stepByStep(
    readStatFields(await ask(socket, BACKENDS_AND_SERVERS), ['pxname', 'svname', 'qcur', 'status', 'weight']),
  );
  const out = new Set(changes.filter(isTakenOut).map(keyOf));
  const coming = changes.filter(change => change.do !== 'weigh' && change.do !== 'remove' && isActive(change));
  const served = new Set(coming.map(({backend}) => backend));
  for (const row of rows) if (isServing(row) && !out.has(keyIn(row))) served.add(row.pxname ?? '');
  const emptied = new Set(changes.filter(isTakenOut).map(({backend}) => `${backend}/BACKEND`));
  const row = rows.find(
    one =>
      Number(one.qcur) > 0 && (leaving.has(keyIn(one)) || (emptied.has(keyIn(one)) && !served.has(one.pxname ?? ''))),
  );
  return row === undefined
    ? undefined
    : `${row.qcur} requests wait for ${keyIn(row).replace('/BACKEND', '')}, and would be sent elsewhere or turned away`;
}

const keyOf = (change: ServerChange): string => `${change.backend}/${lineOf(change).name}`;
const keyIn = ({pxname, svname}: Row): string => `${pxname}/${svname}`;

const isActive = (change: ServerChange): boolean => {
  const {disabled, weight = 0} = lineOf(change);
  return !disabled && weight > 0;
};

/** It takes no requests afterwards, as far as this change says. */
const isTakenOut = (change: ServerChange): boolean => change.do === 'remove' || !isActive(change);

/** It is up and takes requests. */
const isServing = ({svname, status = '', weight}: Row): boolean =>
  svname !== 'BACKEND' && /^(UP|no check)/.test(status) && Number(weight) > 0;

const hasLimit = (change: ServerChange): boolean =>
  ['minconn', 'maxconn'].some(option => Number.parseInt(optionValue(lineOf(change).options, option) ?? '0', 10) > 0);
