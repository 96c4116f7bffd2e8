import {execFile} from 'node:child_process';
import {writeFile} from 'node:fs/promises';
import {type Agent, request} from 'node:http';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {systemSpawn} from '../../../src/ports/spawn.ts';
import {parseServersState, type Row, readStatFields} from '../../../src/proxy/answers.ts';
import {ask} from '../../../src/proxy/runtime.ts';
import {atOnce} from '../../../src/steps.ts';
import {openFolder} from '../../support/folder.ts';
import {waitFor} from '../../support/wait.ts';
import {type Cell, CHECK_REQUEST} from './cells.ts';

export interface Asking {
  readonly agent?: Agent | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** `no answer` by then. */
  readonly limitMs?: number;
}

/** A HAProxy that runs one of two texts; its sockets are in a folder of its own, `{run}` in the text. */
export interface Running extends AsyncDisposable {
  readonly socket: string;
  ask(command: string): Promise<string>;
  /** Answers of a cell's servers on connections of their own; `cell` may be asked by many at a time. */
  get(cell: Cell, path: string, asking?: Asking): Promise<string>;
  isAlive(): boolean;
}

/** Checks begin within two seconds: HAProxy would spread them over the longest `inter` of all. */
const HEAD = `global
  maxconn 4000
  max-spread-checks 2000
  stats socket {run}/runtime.sock level admin
  stats timeout 5m
defaults
  mode http
  retries 0
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  timeout queue 10s
  timeout check 3s
resolvers dns
  nameserver one 127.0.0.1:9
backend tracked
  ${CHECK_REQUEST}
  server t1 {tracked} check inter 1s
frontend all
  bind unix@{run}/front.sock
  use_backend %[path,field(2,/)]
`;

/** What cells that name it take their checks from (2.4+). */
const NAMED_DEFAULTS = `defaults quick
  mode http
  option http-server-close
  ${CHECK_REQUEST}
  default-server check inter 4s fall 1 rise 5
  timeout connect 2s
  timeout client 30s
  timeout server 10s
`;
const usesNamed = ({trial}: Cell): boolean => trial.from !== undefined;

export const textOf = (cells: readonly Cell[], when: 'before' | 'after', tracked: string, isSpared = false): string =>
  [
    ...(cells.some(usesNamed) ? [NAMED_DEFAULTS] : []),
    HEAD.replace('{tracked}', tracked),
    ...cells.map(cell => {
      const spares = isSpared ? (cell.spares?.[when] ?? []) : [];
      return `${[...cell.section, ...cell[when], ...spares].join('\n  ')}\n`;
    }),
  ].join('');

/** HAProxy gives up after some twenty faults: it is shown few cells at a time. */
const CELLS_A_CHECK = 200;

/** The cells that a HAProxy takes both texts of, and why it refuses the others. */
export async function takenBy(
  binary: string,
  cells: readonly Cell[],
  tracked: string,
): Promise<{readonly taken: Cell[]; readonly refused: ReadonlyMap<Cell, string>}> {
  await using folder = await openFolder();
  const refused = new Map<Cell, string>();
  const checks: (() => Promise<void>)[] = [];
  for (let at = 0; at < cells.length; at += CELLS_A_CHECK) {
    const few = cells.slice(at, at + CELLS_A_CHECK);
    checks.push(async () => {
      for (const when of ['before', 'after'] as const) {
        for (const [cell, why] of await findRefused(
          binary,
          few.filter(cell => !refused.has(cell)),
          {when, tracked, folder: folder.path, file: `proxy${at}.cfg`},
        ))
          refused.set(cell, why);
      }
    });
  }
  await inTurn(checks, 2, check => check());
  return {taken: cells.filter(cell => !refused.has(cell)), refused};
}

interface Checked {
  readonly when: 'before' | 'after';
  readonly tracked: string;
  readonly folder: string;
  readonly file: string;
}

async function findRefused(
  binary: string,
  cells: readonly Cell[],
  {when, tracked, folder, file}: Checked,
): Promise<Map<Cell, string>> {
  const refused = new Map<Cell, string>();
  const path = join(folder, file);
  for (;;) {
    const left = cells.filter(cell => !refused.has(cell));
    const text = textOf(left, when, tracked).replaceAll('{run}', folder);
    await writeFile(path, text);
    const stderr = await promisify(execFile)(binary, ['-c', '-f', path], {maxBuffer: 64 << 20}).then(
      () => undefined,
      (error: {stderr: string}) => error.stderr,
    );
    if (stderr === undefined) return refused;
    const cellAt: (Cell | undefined)[] = [];
    const before = refused.size;
    const byId = new Map(left.map(cell => [cell.id, cell]));
    let current: Cell | undefined;
    for (const line of text.split('\n')) {
      const [, id] = /^(?:backend|listen) (c\d+)/.exec(line) ?? [];
      if (id !== undefined) current = byId.get(id);
      cellAt.push(current);
    }
    for (const line of stderr.split('\n').filter(one => one.includes('[ALERT]'))) {
      const number = /proxy\d+\.cfg:(\d+)/.exec(line)?.[1];
      const id = /['" /](c\d+)['"/ ]/.exec(line)?.[1];
      const cell = number !== undefined ? cellAt[Number(number) - 1] : byId.get(id ?? '');
      for (const blamed of cell === undefined ? left.filter(usesNamed) : [cell])
        refused.set(blamed, line.replace(/^.*?(proxy\d+\.cfg:\d+\] ?: ?|config : )/, '').slice(0, 120));
    }
    if (refused.size === before) throw new Error(`HAProxy refuses, nobody knows whom:\n${stderr}`);
  }
}

/** Works on all of them, on so many at a time. */
export async function inTurn<T>(all: readonly T[], atOnce: number, work: (one: T) => Promise<void>): Promise<void> {
  const queue = [...all];
  const worker = async () => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) await work(one);
  };
  await Promise.all(Array.from({length: atOnce}, worker));
}

const ASK_LIMIT_MS = 30_000;

/** Longer than a request waits in a queue. */
const ANSWER_LIMIT_MS = 12_000;

export async function run(binary: string, text: string): Promise<Running> {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await openFolder());
  const path = join(folder.path, 'proxy.cfg');
  await writeFile(path, text.replaceAll('{run}', folder.path));
  const lines: string[] = [];
  let alive = true;
  const child = await systemSpawn.start({file: binary, args: ['-db', '-f', path]}, line => lines.push(line));
  void child.exited.then(() => {
    alive = false;
  });
  undo.defer(async () => {
    child.kill('SIGKILL');
    await child.exited;
  });
  const socket = join(folder.path, 'runtime.sock');
  const evidence = () => lines.slice(-20).join('\n');
  await waitFor(() => ask(socket, 'show info', {timeoutMs: 1000}).catch(() => undefined), 'an answer of HAProxy', {
    evidence,
  });
  const started = undo.move();
  return {
    socket,
    ask: command => ask(socket, command, {timeoutMs: ASK_LIMIT_MS}),
    get(cell, path, {agent, headers, limitMs = ANSWER_LIMIT_MS} = {}) {
      const own = cell.section[0]?.startsWith('listen');
      const socketPath = join(folder.path, own ? `${cell.id}.sock` : 'front.sock');
      return new Promise(resolve => {
        const asked = request(
          {socketPath, path: `/${cell.id}${path}`, agent: agent ?? false, headers: {host: 'x', ...headers}},
          response => {
            let body = '';
            response.on('data', chunk => {
              body += chunk;
            });
            response.on('end', () => resolve(response.statusCode === 200 ? body : `status ${response.statusCode}`));
            response.on('error', error => resolve(error.message));
          },
        );
        asked.setTimeout(limitMs, () => asked.destroy(new Error('no answer')));
        asked.on('error', error => resolve(error.message));
        asked.end();
      });
    },
    isAlive: () => alive,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

/** Of `show stat`, as far as both texts' processes must agree. */
const STAT_FIELDS = `status weight act bck cookie check_status check_code agent_status agent_code addr
  qlimit slim check_rise check_fall check_health tracked algo mode`.split(/\s+/);
/** All columns of thousands of rows would cost most of a run. */
const SHOWN_FIELDS = ['pxname', 'svname', 'throttle', ...STAT_FIELDS];

const SERVERS_AND_BACKENDS = 'show stat -1 6 -1';

/**
 * Of `show servers state`; its bits are below. Left out is what need not agree: the numbers of servers (they are given as
 * they are free; where anything asks for them it is a reload), the weight that a server began with (the same), and how
 * long a state lasts.
 */
const STATE_FIELDS =
  `srv_addr bk_f_forced_id srv_f_forced_id srv_op_state srv_uweight srv_check_status srv_check_health srv_port
  srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port srv_fqdn srv_srvrecord`.split(/\s+/);

/** SRV_ADMF_FMAINT. */
const MAINTENANCE_BIT = 0b001;
/** SRV_ADMF_CMAINT only remembers that the text said `disabled`. */
const REMEMBERED_BIT = 0b100;

/** CHK_ST_INPROGRESS, which is of the instant. */
const UNDER_WAY_BIT = 0b1;

/** CHK_ST_CONFIGURED: the others bear on nothing without it. */
const CONFIGURED_BIT = 0b10;

const checkBits = (bits: string | undefined): number =>
  (Number(bits) & CONFIGURED_BIT) === 0 ? 0 : Number(bits) & ~UNDER_WAY_BIT;

/** What the last check of each server came to: nothing is shown of that while the next one is under way. */
const lastResults = new WeakMap<Running, Map<string, string>>();

function resultOf(running: Running, key: string, {srv_check_state: bits, srv_check_result: result = ''}: Row): string {
  const known = lastResults.get(running) ?? new Map<string, string>();
  lastResults.set(running, known);
  if ((Number(bits) & UNDER_WAY_BIT) === 0) known.set(key, result);
  return known.get(key) ?? '';
}

/** How it is administered, and what is made of its checks and its agent: on, paused. */
const bitsOf = ({srv_admin_state, srv_check_state, srv_agent_state}: Row): string =>
  `admin=${Number(srv_admin_state) & ~REMEMBERED_BIT} checks=${checkBits(srv_check_state)} agent=${checkBits(srv_agent_state)}`;

/** What stands there of a server without checks, and of one that is out: it bears on nothing before the server is back. */
const UNCHECKED = / (srv_)?check_(status|health|code|result)=\S*/g;
const ASLEEP = / (weight|throttled|(srv_)?check_(status|health|rise|fall|code|result))=\S*/g;

/** What a server weighs while it starts slowly, and its backend with it, depends on the instant. */
const WEIGHT = / weight=\S*/;

const pick = (row: Row, fields: readonly string[]): string =>
  fields.flatMap(field => (row[field] === undefined ? [] : [`${field}=${row[field].replace(/^\* /, '')}`])).join(' ');

/** How all servers and backends stand, by `backend/server`: what stays as it is once checks are made. */
export async function standings(running: Running): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const isChecked = new Set<string>();
  const rows = atOnce(readStatFields(await running.ask(SERVERS_AND_BACKENDS), SHOWN_FIELDS));
  const isThrottled = ({throttle = ''}: Row) => throttle !== '';
  const throttled = new Set(rows.filter(isThrottled).map(row => row.pxname));
  for (const row of rows) {
    const key = `${row.pxname}/${row.svname}`;
    if (row.check_status !== '') isChecked.add(key);
    const weighsLess = isThrottled(row) || (row.svname === 'BACKEND' && throttled.has(row.pxname));
    const text = `${pick(row, STAT_FIELDS)} throttled=${isThrottled(row)}`;
    found.set(key, weighsLess ? text.replace(WEIGHT, '') : text);
  }
  for (const row of parseServersState(await running.ask('show servers state'))) {
    const key = `${row.be_name}/${row.srv_name}`;
    const out = (Number(row.srv_admin_state) & MAINTENANCE_BIT) !== 0;
    const text = `${found.get(key) ?? 'not in show stat'} ${pick(row, STATE_FIELDS)} ${bitsOf(row)} srv_check_result=${resultOf(running, key, row)} out=${out}`;
    const bears = !out && isChecked.has(key);
    found.set(key, bears ? text : text.replace(out ? ASLEEP : UNCHECKED, ''));
  }
  for (const [key, pool] of readPools(await running.ask('show servers conn')))
    found.set(key, `${pool} ${found.get(key) ?? ''}`);
  return found;
}

/** How many connections servers keep that nobody uses, and for how long (2.2+). */
function readPools(answer: string): [string, string][] {
  const [header = '', ...lines] = answer.trim().split('\n');
  const columns = header.split(' ').slice(1);
  const [limit, delay] = [columns.indexOf('idle_lim'), columns.indexOf('purge_delay')];
  return limit < 0
    ? []
    : lines.map(line => line.split(' ')).map(row => [row[0] ?? '', `pool=${row[limit]},${row[delay]}`]);
}

/** It is in maintenance. */
export const isOut = (standing: string): boolean => standing.endsWith('out=true');

/** A check has not come to its first end. */
export const isPending = (standing: string): boolean => standing.includes('check_status=INI');

/** The checks of all servers that are not out have come to their first end. */
export async function isCheckedOnce(running: Running): Promise<boolean> {
  const rows = atOnce(readStatFields(await running.ask(SERVERS_AND_BACKENDS), ['status', 'check_status']));
  return !rows.some(({status = '', check_status = ''}) => check_status.includes('INI') && !status.startsWith('MAINT'));
}
