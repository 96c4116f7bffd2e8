import assert from 'node:assert/strict';
import {once} from 'node:events';
import {Agent, createServer, request} from 'node:http';
import type {AddressInfo} from 'node:net';
import {describe, test} from 'node:test';
import {parseServersState} from '../../src/proxy/answers.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';
import {waitFor} from '../support/wait.ts';
import {openHere} from './here.ts';

/** Whom an answer is from, and whether it is the last one on its connection. */
interface Answer {
  readonly from: string;
  readonly isLast: boolean;
}

/** `status 503` or the system's error where no server has answered. */
function get(port: number, agent: Agent | false = false): Promise<Answer> {
  return new Promise(resolve => {
    const asked = request({port, host: '127.0.0.1', agent}, response => {
      let body = '';
      response.on('data', chunk => {
        body += chunk;
      });
      response.on('end', () =>
        resolve({
          from: response.statusCode === 200 ? body : `status ${response.statusCode}`,
          isLast: response.headers.connection === 'close',
        }),
      );
      response.on('error', error => resolve({from: error.message, isLast: true}));
    });
    asked.on('error', error => resolve({from: error.message, isLast: true}));
    asked.end();
  });
}

/** A pod that answers with its name after a while. */
async function startPod(name: string, afterMs = 0): Promise<{readonly port: number} & AsyncDisposable> {
  const server = createServer((_request, response) => void setTimeout(() => response.end(name), afterMs).unref());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** What stands in templates of 2017, and no more. */
const textOf = (port: number, servers: readonly string[], {queue = '2s', more = ''} = {}): string => `defaults
  mode http
  timeout connect 2s
  timeout client 20s
  timeout server 20s
  timeout queue ${queue}
frontend f
  bind 127.0.0.1:${port}
  default_backend b
backend b
  balance roundrobin
${more}${servers.map((server, index) => `  server s${index} 127.0.0.1:${server}\n`).join('')}`;

describe('clients of servers that move', {skip: missing('haproxy'), timeout: 120_000}, () => {
  test('one keeps its connection -> one more answer of the former at most, then the new one', async () => {
    await using here = await openHere();
    await using former = await startPod('former');
    await using next = await startPod('next');
    const port = await freePort();
    await here.apply(textOf(port, [String(former.port)]));
    const agent = new Agent({keepAlive: true, maxSockets: 1});
    assert.equal((await get(port, agent)).from, 'former');
    let isApplied = false;
    const pending = here.apply(textOf(port, [String(next.port)])).finally(() => {
      isApplied = true;
    });
    // It goes on asking: HAProxy closes a connection that nobody uses in any case.
    while (!isApplied) await get(port, agent);
    const {way, why} = await pending;
    assert.ok(way !== 'runtime' && /keep-alive connections/.test(why), `${way}: ${why}`);
    const after: Answer[] = [];
    for (let count = 0; count < 20; count += 1) after.push(await get(port, agent));
    agent.destroy();
    const stale = after.filter(({from}) => from === 'former');
    assert.ok(stale.length <= 1 && stale.every(({isLast}) => isLast), JSON.stringify(after));
    assert.equal(after.at(-1)?.from, 'next');
  });

  test('the former one does not answer its check, which has not ended -> the next one is up all the same', async () => {
    await using here = await openHere();
    await using next = await startPod('next');
    await using silent = await startPod('silent', 600_000);
    const port = await freePort();
    // A failure that was not its own would have it down for ever.
    const at = (server: number) =>
      textOf(port, [`${server} check inter 2s fall 1 rise 1000`, '1'], {
        more: '  option httpchk\n  option http-server-close\n',
      });
    await here.apply(at(silent.port));
    const state = async () =>
      parseServersState(await here.ask('show servers state')).find(({srv_name: name}) => name === 's0');
    await waitFor(async () => (Number((await state())?.srv_check_state) & 1) !== 0, 'a check under way');
    const {way, why} = await here.apply(at(next.port));
    assert.ok(way !== 'runtime' && /^b\/s0 is being checked as it was/.test(why), `${way}: ${why}`);
    await waitFor(async () => /^b,s0,.*L7OK/m.test(await here.ask('show stat')), 'a check of its own');
    assert.equal((await state())?.srv_op_state, '2');
  });

  test('slow start and a limit, all are others or the first comes -> twenty at once are served', async () => {
    await using here = await openHere();
    await using pod = await startPod('pod', 300);
    await using other = await startPod('other', 300);
    const port = await freePort();
    const limited = (maxconn: number) => `check inter 60s slowstart 60s maxconn ${maxconn}`;
    const texts = [
      [`1 ${limited(10)}`, `2 ${limited(10)}`],
      [`${pod.port} ${limited(10)}`, `${other.port} ${limited(10)}`],
      [],
      [`${pod.port} ${limited(20)}`],
    ];
    for (const [index, servers] of texts.entries()) {
      await here.apply(textOf(port, servers, {queue: '200ms'}));
      if (index % 2 === 0) continue;
      const answers = await Promise.all(Array.from({length: 20}, () => get(port)));
      assert.deepEqual(
        answers.map(({from}) => from).filter(from => from !== 'pod' && from !== 'other'),
        [],
      );
    }
  });
});
