import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {describe, test} from 'node:test';
import fc from 'fast-check';
import {parseServersState} from '../../src/proxy/answers.ts';
import {deriveDifference} from '../../src/proxy/difference.ts';
import {ask} from '../../src/proxy/runtime.ts';
import {deriveCommands} from '../../src/proxy/server-commands.ts';
import {parseVersion, releaseOf} from '../../src/proxy/version.ts';
import {haproxyBinary, missing} from '../support/parts.ts';
import {startProxy} from './real-proxy.ts';

/** Pairs of texts; more of them with `KONTROL_FUZZ=<count>`. */
const RUNS = Number(process.env.KONTROL_FUZZ ?? 12);

interface Server {
  readonly name: string;
  readonly ip: string;
  readonly port: number;
  readonly weight: number | undefined;
  readonly disabled: boolean;
}

/** Each with its settings; `checked` ones lose their servers in time, so only what is set is compared there. */
const BACKENDS = [
  {name: 'rr', settings: 'balance roundrobin', options: ''},
  {name: 'lc', settings: 'balance leastconn\n  default-server inter 60s weight 7', options: ' check'},
  {name: 'src', settings: 'balance source', options: ''},
] as const;

const server = fc.record({
  ip: fc.constantFrom('127.0.0.2', '127.0.0.3', '127.0.0.4', '::1', 'fd00::7'),
  port: fc.constantFrom(81, 82, 8080),
  weight: fc.constantFrom(undefined, 1, 5, 200),
  disabled: fc.boolean(),
});
const servers = fc
  .array(server, {minLength: 1, maxLength: 4})
  .map(list => list.map((one, index): Server => ({...one, name: `s${index + 1}`})));
const configuration = fc.tuple(servers, servers, servers);

const render = (lists: readonly (readonly Server[])[]): string => {
  const line = ({name, ip, port, weight, disabled}: Server, options: string) =>
    `  server ${name} ${ip.includes(':') ? `[${ip}]` : ip}:${port}${options}${weight === undefined ? '' : ` weight ${weight}`}${disabled ? ' disabled' : ''}\n`;
  const backend = ({name, settings, options}: (typeof BACKENDS)[number], list: readonly Server[]) =>
    `backend ${name}\n  ${settings}\n${list.map(one => line(one, options)).join('')}`;
  return `defaults
  mode http
  option http-server-close
  timeout connect 1s
  timeout client 1s
  timeout server 1s
frontend f
  bind 127.0.0.1:8080
  default_backend rr
${BACKENDS.map((one, index) => backend(one, lists[index] ?? [])).join('')}`;
};

const FORCED_MAINTENANCE = 1;

/** What a restart would make of it, by server: address, port where it is told, weight, maintenance, and state without checks. */
async function standings(socket: string): Promise<Record<string, unknown>> {
  const rows = parseServersState(await ask(socket, 'show servers state', {timeoutMs: 5000}));
  const entries = rows.map(row => {
    const out = (Number(row.srv_admin_state) & 5) !== 0 && row.srv_op_state === '0';
    const standing = {
      addr: row.srv_addr,
      port: row.srv_port,
      weight: row.srv_uweight,
      out: row.be_name === 'lc' ? (Number(row.srv_admin_state) & FORCED_MAINTENANCE) !== 0 : out,
    };
    return [`${row.be_name}/${row.srv_name}`, standing] as const;
  });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

describe('difference applied to a real HAProxy', {skip: missing('haproxy', 'netns', 'root'), timeout: 600_000}, () => {
  test('random pairs of texts -> runtime commands end where a reload would', async t => {
    const version = parseVersion(execFileSync(haproxyBinary, ['-v'], {encoding: 'utf8'}));
    const release = releaseOf(version);
    let applied = 0;
    const check = async (before: string, after: string) => {
      const difference = deriveDifference(before, after, {release});
      if (difference.is === 'reload' || difference.changes.length === 0) return;
      await using running = await startProxy(before);
      const answers: string[] = [];
      for (const change of difference.changes) {
        answers.push(await ask(running.socket, deriveCommands(change).join('; '), {timeoutMs: 5000}));
      }
      await using fresh = await startProxy(after);
      assert.deepEqual(await standings(running.socket), await standings(fresh.socket), answers.join('\n'));
      applied += 1;
    };
    await fc.assert(
      fc.asyncProperty(configuration, configuration, fc.boolean(), async (first, second, keepsNames) => {
        const next = second.map((list, index) => {
          if (BACKENDS[index]?.name === 'src') return likeIn(list, first[index] ?? [], true);
          return keepsNames ? likeIn(list, first[index] ?? [], false) : list;
        });
        await check(render(first), render(next));
      }),
      {numRuns: RUNS * 2, interruptAfterTimeLimit: 240_000},
    );
    t.diagnostic(`${applied} pairs applied`);
    assert.ok(applied > 0);
  });
});

/** The new standings for the names that are there; without their weights where those cannot be changed at run time. */
const likeIn = (list: readonly Server[], old: readonly Server[], keepsWeight: boolean): Server[] =>
  old.map((one, index) => {
    const next = {...one, ...list[index % list.length], name: one.name};
    return keepsWeight ? {...next, weight: one.weight} : next;
  });
