import assert from 'node:assert/strict';
import {once} from 'node:events';
import {readFile} from 'node:fs/promises';
import {createServer, type Server} from 'node:http';
import {connect} from 'node:net';
import {beforeEach, describe, test} from 'node:test';
import {parseServersState, type Row} from '../../src/proxy/answers.ts';
import {freePort} from '../support/free-port.ts';
import {haproxyIsAtLeast} from '../support/haproxy-version.ts';
import {missing} from '../support/parts.ts';
import {waitFor} from '../support/wait.ts';
import {type Here, openHere, textOn} from './here.ts';

const UP = '2';
const DOWN = '0';
const MAINT = '5';
const READY = '0';

async function rowOf(here: Here, server: string): Promise<Row> {
  const rows = parseServersState(await here.ask('show servers state'));
  const row = rows.find(({srv_name: name}) => name === server);
  assert.ok(row, `no ${server}`);
  return row;
}

async function listenOn(port: number, server: Server): Promise<AsyncDisposable> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

describe("servers' states from one generation to the next", {
  skip: missing('haproxy'),
  timeout: 300_000,
}, () => {
  let port = 0;
  let servers: readonly number[] = [];
  beforeEach(async () => {
    port = await freePort();
    servers = [await freePort(), await freePort()];
  });

  /** `round` makes it a text that takes a reload. */
  const textWith = (lines: readonly string[], round: number): string =>
    [
      textOn([port], round).replace('default_backend none', 'default_backend checked'),
      'backend checked',
      '  load-server-state-from-file global',
      ...lines.map(line => `  ${line}`),
      '',
    ].join('\n');

  /** Applies texts one after another. Gives the number of the generation that serves. */
  async function applyAll(here: Here, ...texts: readonly string[]): Promise<number> {
    for (const text of texts) await here.apply(text);
    return here.generations.status.generation;
  }

  test('a server leaves with a download running and returns -> takes requests', async () => {
    await using here = await openHere();
    await using _backend = await listenOn(
      servers[0] ?? 0,
      createServer((_request, response) => void response.writeHead(200).write('begun')),
    );
    const stays = `server a 127.0.0.1:${servers[1]} weight 0`;
    const both = [stays, `server b 127.0.0.1:${servers[0]}`];
    await here.apply(textWith(both, 0));
    const client = connect(port, '127.0.0.1').on('error', () => {});
    client.write('GET / HTTP/1.1\r\nHost: here\r\n\r\n');
    await once(client, 'data');
    const {way} = await here.apply(textWith([stays], 0));
    assert.equal(way === 'runtime', haproxyIsAtLeast(2, 6));
    await here.apply(textWith(both, 1));
    const {srv_op_state: state, srv_admin_state: admin} = await rowOf(here, 'b');
    assert.deepEqual([state, admin], [UP, READY]);
    client.destroy();
  });

  for (const [name, lines, expected] of [
    ['enabled, disabled at run time, enabled', ['', ' disabled', ''], [READY, '1']],
    ['weight 10, 20 at run time, 10', [' weight 10', ' weight 20', ' weight 10'], [READY, '10']],
    ['weight 10, 20 at run time, 20', [' weight 10', ' weight 20', ' weight 20'], [READY, '20']],
    ['disabled, enabled at run time, disabled', [' disabled', '', ' disabled'], [MAINT, '1']],
    ['disabled, enabled at run time, enabled', [' disabled', '', ''], [READY, '1']],
    ['enabled, disabled at run time, disabled', ['', ' disabled', ' disabled'], [MAINT, '1']],
  ] as const) {
    test(`${name} by a reload -> what the text says`, async () => {
      await using here = await openHere();
      const texts = lines.map((options, index) =>
        textWith([`server a 127.0.0.1:1${options}`, 'server b 127.0.0.1:1'], index < 2 ? 0 : 1),
      );
      assert.equal(await applyAll(here, ...texts), 2);
      const {srv_admin_state: admin, srv_uweight: weight} = await rowOf(here, 'a');
      assert.deepEqual([admin, weight], expected);
    });
  }

  for (const [name, command] of [
    ['maintenance', 'set server checked/a state maint'],
    ['drain', 'set server checked/a state drain'],
    ['a weight', 'set server checked/a weight 7'],
    ['checks switched off', 'disable health checked/a'],
    ['another address', 'set server checked/a addr 127.0.0.9 port 9'],
  ] as const) {
    test(`an operator sets ${name} -> gone after a reload, for whose sake it was not`, async () => {
      await using here = await openHere();
      const lines = ['server a 127.0.0.1:1 check inter 60s', 'server b 127.0.0.1:1'];
      await here.apply(textWith(lines, 0));
      const before = await rowOf(here, 'a');
      await here.ask(command);
      await here.apply(textWith(lines, 1));
      const after = await rowOf(here, 'a');
      for (const column of ['srv_admin_state', 'srv_uweight', 'srv_addr', 'srv_port', 'srv_check_state']) {
        assert.equal(after[column], before[column], column);
      }
    });
  }

  test('found down, its line unchanged -> down at once; its line or what bears on it changed -> up until checked', async () => {
    await using here = await openHere();
    // Once it answers it would have to rise for ever, so that nothing but a start has it up.
    const lineOf = (options = '') => `server a 127.0.0.1:${servers[0]} check inter 100 fall 1 rise 1000${options}`;
    const state = async () => (await rowOf(here, 'a')).srv_op_state;
    await here.apply(textWith([lineOf()], 0));
    await waitFor(async () => (await state()) === DOWN, 'the server down');
    await using _backend = await listenOn(servers[0] ?? 0, createServer());
    await here.apply(textWith([lineOf()], 1));
    assert.equal(await state(), DOWN);
    await here.apply(textWith(['server new 127.0.0.1:1', lineOf()], 2));
    assert.equal(await state(), DOWN);
    await here.apply(textWith([lineOf(' maxconn 9')], 3));
    assert.equal(await state(), UP);
  });

  test('found down, then a line of its backend changed -> up until checked', async () => {
    await using here = await openHere();
    const lines = [`server a 127.0.0.1:${servers[0]} check inter 100 fall 1 rise 1000`];
    const state = async () => (await rowOf(here, 'a')).srv_op_state;
    await here.apply(textWith(lines, 0));
    await waitFor(async () => (await state()) === DOWN, 'the server down');
    await using _backend = await listenOn(servers[0] ?? 0, createServer());
    await here.apply(textWith(['timeout check 3s', ...lines], 1));
    assert.equal(await state(), UP);
  });

  test('a server that follows another -> down with it', async () => {
    await using here = await openHere();
    const lines = [`server a 127.0.0.1:${servers[0]} check inter 100 fall 1 rise 1000`, 'server b 127.0.0.1:1 track a'];
    const states = async () =>
      (await Promise.all(['a', 'b'].map(name => rowOf(here, name)))).map(row => row.srv_op_state);
    await here.apply(textWith(lines, 0));
    await waitFor(async () => (await states()).every(state => state === DOWN), 'both down');
    await using _backend = await listenOn(servers[0] ?? 0, createServer());
    await here.apply(textWith(lines, 1));
    assert.deepEqual(await states(), [DOWN, DOWN]);
    await here.apply(textWith([`${lines[0]} maxconn 9`, lines[1] ?? ''], 2));
    assert.deepEqual(await states(), [UP, UP]);
  });

  test('HAProxy dies later -> begins with what its text says by then, silently', async () => {
    await using here = await openHere();
    const lines = [`server a 127.0.0.1:${servers[0]} check inter 100 fall 1 rise 1000`, 'server b 127.0.0.1:1'];
    await here.apply(textWith(lines, 0));
    await waitFor(async () => (await rowOf(here, 'a')).srv_op_state === DOWN, 'the server down');
    await using _backend = await listenOn(servers[0] ?? 0, createServer());
    await here.apply(textWith(lines, 1));
    assert.equal(await readFile(`${here.folder}/run/2.state`, 'utf8'), '1\n');
    const said = here.lines.length;
    process.kill(here.generations.status.pid ?? 0, 'SIGKILL');
    await waitFor(
      () => here.generations.status.restarts === 1 && here.generations.status.state === 'RUNNING',
      'a restart',
    );
    assert.equal((await rowOf(here, 'a')).srv_op_state, UP);
    assert.deepEqual(
      here.lines.slice(said).filter(line => /state file/.test(line)),
      [],
    );
  });
});
