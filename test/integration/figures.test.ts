import assert from 'node:assert/strict';
import {once} from 'node:events';
import {connect} from 'node:net';
import {describe, test} from 'node:test';
import type {DrainLine} from '../../src/http/status-types.ts';
import {readSamples} from '../metrics/samples.ts';
import {SLOW_BYTES, SLOW_PATH} from '../support/backend.ts';
import {haproxyIsAtLeast} from '../support/haproxy-version.ts';
import {missing} from '../support/parts.ts';
import {startServed} from '../support/served.ts';
import {waitFor} from '../support/wait.ts';

const ROUNDS = 3;

const FIGURES = [
  'haproxy_frontend_http_requests_total{frontend="proxy"}',
  'haproxy_frontend_bytes_out_total{frontend="proxy"}',
  'haproxy_frontend_http_responses_total{code="2xx",frontend="proxy"}',
  'haproxy_backend_sessions_total{backend="web"}',
  'haproxy_server_sessions_total{backend="web",server="web-1"}',
];

describe('figures', {skip: missing('haproxy'), timeout: 180_000}, () => {
  test('a client holds its connection over a reload -> the drain is told with what it has left, and its end', async () => {
    await using served = await startServed();
    const client = connect({host: '127.0.0.1', port: served.port});
    using _client = {[Symbol.dispose]: () => client.destroy()};
    await once(client, 'connect');
    // Half a request: HAProxy waits for the rest.
    client.write('GET / HTTP/1.1\r\n');
    const {daemon} = served;
    await served.reload();
    const isTold = ({connections, endsInMs}: DrainLine) => connections === 1 && (endsInMs ?? 0) > 0;
    await daemon.waitFor(({proxy}) => proxy.draining.some(isTold), 'a drain with its connection and its end');
    client.destroy();
    await daemon.waitFor(({proxy}) => proxy.draining.length === 0, 'the end of the drain');
  });

  test('reloads and a death under traffic -> no counter falls, no request is left out, no false zero', async () => {
    await using served = await startServed();
    const {daemon} = served;
    const read = async (): Promise<number[]> => {
      const samples = readSamples((await daemon.get('/metrics'))?.body ?? '');
      return FIGURES.map(name => samples.get(name) ?? Number.NaN);
    };
    const first = await read();
    assert.ok(first.every(Number.isFinite), `a figure of ${FIGURES.join(', ')} is not there: ${first.join(', ')}`);
    const falls: string[] = [];
    const ended = new AbortController();
    using _ended = {[Symbol.dispose]: () => ended.abort()};
    let answered = 0;
    const watch = async () => {
      let before = first;
      while (!ended.signal.aborted) {
        const now = await read();
        for (const [index, name] of FIGURES.entries()) {
          if ((now[index] ?? 0) < (before[index] ?? 0)) falls.push(`${name}: ${before[index]} -> ${now[index]}`);
        }
        // While nothing answers, there are no figures.
        if (now.every(Number.isFinite)) before = now;
        await new Promise(resolve => setTimeout(resolve, 50));
      }
    };
    const ask = async () => {
      while (!ended.signal.aborted) {
        if ((await served.fetch()) === 'pod') answered += 1;
        await new Promise(resolve => setTimeout(resolve, 20));
      }
    };
    const running = [watch(), ask()];
    for (let round = 1; round <= ROUNDS; round += 1) {
      const {generation} = (await daemon.waitFor(({proxy}) => proxy, 'a status')) as {generation: number};
      const download = served.fetch(SLOW_PATH);
      await served.reload();
      await daemon.waitFor(({proxy, inSync}) => inSync && proxy.generation > generation, 'a reload');
      assert.equal(await download, 'x'.repeat(SLOW_BYTES));
      answered += 1;
    }
    await daemon.waitFor(({proxy}) => proxy.draining.length === 0, 'the end of the drains');
    const sent = answered;
    const counted = (await read())[0] ?? 0;
    // HAProxy 1.7 tells nothing of what it stopped: what it counts after that is not known.
    const least = haproxyIsAtLeast(2, 0) ? sent : sent * 0.9;
    assert.ok(counted - (first[0] ?? 0) >= least, `${counted} of ${sent} counted`);
    const {samples} = JSON.parse((await daemon.get('/traffic'))?.body ?? '{}');
    const idle = samples.slice(1).filter((one: {requestsPerSecond: number}) => one.requestsPerSecond === 0);
    assert.deepEqual(idle, []);

    process.kill(await served.pid(), 'SIGKILL');
    await daemon.waitFor(({proxy}) => proxy.restarts === 1 && proxy.state === 'RUNNING', 'a restart');
    await waitFor(async () => ((await read())[0] ?? 0) > counted, 'figures that go on');
    ended.abort();
    await Promise.all(running);
    assert.deepEqual(falls, []);
  });
});
