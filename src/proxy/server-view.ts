import {STEP, type Steps} from '../steps.ts';
import type {Row} from './answers.ts';
import {parseServerAddress} from './server-line.ts';

/** A server as HAProxy sees it now. */
export interface ServerView {
  readonly backend: string;
  readonly server: string;
  /** As HAProxy has it: `10.0.0.1:80`. */
  readonly address: string;
  /** `drain`: it finishes what it has, and gets nothing new (by hand, by its own check, or with weight 0). */
  readonly state: 'up' | 'down' | 'drain' | 'maint';
  /** In HAProxy's words: `UP 1/3`, `MAINT (resolution)`, `no check`. */
  readonly status: string;
  /** How long it has been up or down; null where HAProxy does not check it. */
  readonly sinceMs: number | null;
  /** The last check that ended: `L4CON`, and why it failed (`Connection refused`), null when there is nothing to say. */
  readonly check: {readonly result: string; readonly reason: string | null} | null;
  readonly weight: number;
  readonly sessions: number;
  readonly queue: number;
  /** Connections and responses that failed, and answers of class 5xx, since the daemon knows of it. */
  readonly errors: number;
}

/** The servers at each address. */
export type ServersByIp = ReadonlyMap<string, readonly ServerView[]>;

/** `type` of `show stat` (management.txt 9.1). */
const SERVER = '2';

/**
 * Reads the servers out of the rows of `show stat`, in steps. Those without an IP address (UNIX sockets, names that DNS
 * has not told yet) belong to nobody. A check that fails tells what it looked for: secrets in that are hidden.
 */
export function* readServersByIp(rows: readonly Row[], hideSecrets: (said: string) => string): Steps<ServersByIp> {
  const servers = new Map<string, ServerView[]>();
  for (const [index, row] of rows.entries()) {
    if (index % STEP === 0) yield;
    const address = parseServerAddress(row.addr ?? '');
    if (row.type !== SERVER || address.is === 'other') continue;
    const there = servers.get(address.ip);
    if (there === undefined) servers.set(address.ip, [viewOf(row, hideSecrets)]);
    else there.push(viewOf(row, hideSecrets));
  }
  return servers;
}

const numberIn = (row: Row, field: string): number => Number(row[field]) || 0;

function viewOf(row: Row, hideSecrets: (said: string) => string): ServerView {
  const {pxname = '', svname = '', addr = '', status = '', lastchg = ''} = row;
  return {
    backend: pxname,
    server: svname,
    address: addr,
    state: stateOf(status, row),
    status,
    sinceMs: lastchg === '' ? null : Number(lastchg) * 1000,
    check: checkOf(row, hideSecrets),
    weight: numberIn(row, 'weight'),
    sessions: numberIn(row, 'scur'),
    queue: numberIn(row, 'qcur'),
    errors: numberIn(row, 'econ') + numberIn(row, 'eresp') + numberIn(row, 'hrsp_5xx'),
  };
}

function stateOf(status: string, row: Row): ServerView['state'] {
  if (status.startsWith('MAINT')) return 'maint';
  if (status.startsWith('DOWN')) return 'down';
  return /^(?:DRAIN|NOLB)/.test(status) || row.weight === '0' ? 'drain' : 'up';
}

/** `* L4OK`: another check is under way, and that is the result of the one before. */
function checkOf(
  {check_status = '', check_code = '', check_desc = '', last_chk = ''}: Row,
  hideSecrets: (said: string) => string,
): ServerView['check'] {
  const result = check_status.replace(/^\* /, '');
  if (result === '') return null;
  const code = check_code === '' || check_code === '0' ? '' : check_code;
  // HAProxy's description names the kind of failure, the check itself what was said: "Layer4 connection problem", "Connection refused".
  const [said = ''] = [last_chk, check_desc].filter(text => text !== '' && text !== result);
  const reason = [code, said].filter(text => text !== '').join(' ');
  return {result, reason: reason === '' || /^L\dOK/.test(result) ? null : hideSecrets(reason)};
}
