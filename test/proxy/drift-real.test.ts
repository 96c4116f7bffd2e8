import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {systemClock as clock} from '../../src/ports/clock.ts';
import {openLog} from '../../src/ports/log.ts';
import {type DriftWatch, openDriftWatch} from '../../src/proxy/drift-watch.ts';
import {ask} from '../../src/proxy/runtime.ts';
import {haproxyIsAtLeast} from '../support/haproxy-version.ts';
import {missing} from '../support/parts.ts';
import {waitFor} from '../support/wait.ts';
import {startProxy} from './real-proxy.ts';

const {log} = openLog('info', {write: () => {}});

const HEAD = `
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend f
  bind 127.0.0.1:8080
  default_backend web
`;

/** Servers of every kind that a text can say without another program. */
const TEXT = `${HEAD}
listen both
  bind 127.0.0.1:8081
  server one 127.0.0.1:1
backend web
  balance leastconn
  default-server inter 100 fall 1 weight 3
  server plain 10.0.0.1:80
  server no-port 10.0.0.1
  server shifted 10.0.0.1:+10
  server six [2001:db8::1]:80 weight 0
  server six-long [2001:DB8:0:0::2]:080
  server off 10.0.0.2:80 disabled
  server unix unix@/run/nobody.sock
  server dead 127.0.0.1:1 check
  server follows 10.0.0.5:80 track dead
  server agent 10.0.0.5:80 agent-check agent-port 1
  server slow 10.0.0.6:80 slowstart 60s maxconn 10
  server spare 10.0.0.7:80 backup
  server named localhost:80
  server much 10.0.0.8:80 weight 10x
backend stopped
  disabled
  server one 10.0.0.1:80
backend empty
${haproxyIsAtLeast(1, 8) ? 'backend many\n  server-template tpl 2-4 localhost:80\n' : ''}
`;

interface Bench extends AsyncDisposable {
  readonly watch: DriftWatch;
  /** One command of an operator. */
  tell(command: string): Promise<string>;
  /** What is seen now. */
  look(): Promise<string[]>;
}

async function startBench(text = TEXT): Promise<Bench> {
  const proxy = await startProxy(text);
  const askSocket = (socket: string, command: string) => ask(socket, command, {timeoutMs: 5000});
  const running = {pid: proxy.pid, socket: proxy.socket, text};
  const watch = openDriftWatch({clock, log, ask: askSocket, running: () => running});
  return {
    watch,
    tell: command => askSocket(proxy.socket, command),
    async look() {
      await watch.look();
      return watch.drift.deviations.map(one => `${one.server} ${one.what}: ${one.expected} -> ${one.found}`);
    },
    async [Symbol.asyncDispose]() {
      watch.close();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

describe('drift of a real HAProxy', {skip: missing('haproxy', 'netns', 'root'), timeout: 120_000}, () => {
  test('servers of every kind, some down, some off -> runs what its text says', async () => {
    await using bench = await startBench();
    await waitFor(
      async () => /web \d+ dead \S+ 0|dead 127\.0\.0\.1 0/.test(await bench.tell('show servers state')),
      'a dead server',
    );
    assert.deepEqual(await bench.look(), []);
  });

  for (const [command, deviation] of [
    ['set server web/plain state maint', 'plain state: ready -> maint'],
    ['set server web/plain state drain', 'plain state: ready -> drain'],
    ['disable server web/plain', 'plain state: ready -> maint'],
    ['set server web/off state ready', 'off state: maint -> ready'],
    ['set server web/slow weight 7', 'slow weight: 3 -> 7'],
    ['set server web/plain addr 10.9.9.9', 'plain address: 10.0.0.1 -> 10.9.9.9'],
    ['set server web/plain addr 10.0.0.1 port 81', 'plain port: 80 -> 81'],
    ['set server web/six-long addr 2001:db8::3', 'six-long address: 2001:db8::2 -> 2001:db8::3'],
    ['set server web/unix state maint', 'unix state: ready -> maint'],
    ['set server web/named state maint', 'named state: ready -> maint'],
    ['set server web/follows weight 9', 'follows weight: 3 -> 9'],
  ] as const) {
    test(`an operator says ${command} -> ${deviation}; put back -> none`, async () => {
      await using bench = await startBench();
      await bench.tell(command);
      // From 3.2 on an address is carried out a moment later.
      await waitFor(async () => (await bench.look()).length > 0, 'a deviation');
      assert.deepEqual(await bench.look(), [deviation]);
      for (const back of [
        'set server web/plain addr 10.0.0.1 port 80',
        'set server web/six-long addr 2001:db8::2',
        ...['plain', 'unix', 'named'].map(name => `set server web/${name} state ready`),
        'set server web/off state maint',
        ...['slow', 'follows'].map(name => `set server web/${name} weight 3`),
      ]) {
        await bench.tell(back);
      }
      await waitFor(async () => (await bench.look()).length === 0, 'no deviation');
    });
  }

  for (const command of [
    'disable agent web/agent',
    'set server web/dead health up',
    'set server web/plain health down',
  ]) {
    test(`an operator says ${command} -> none: health is not the text's`, async () => {
      await using bench = await startBench();
      await bench.tell(command);
      assert.deepEqual(await bench.look(), []);
    });
  }

  test('a tracked server goes into maintenance -> it alone deviates', async () => {
    await using bench = await startBench();
    await bench.tell('set server web/dead state maint');
    assert.deepEqual(await bench.look(), ['dead state: ready -> maint']);
  });

  test('servers added and deleted by an operator -> unexpected once it takes requests, missing', {
    skip: !haproxyIsAtLeast(2, 6),
  }, async () => {
    await using bench = await startBench();
    await bench.tell('add server empty/extra 10.0.0.9:80');
    assert.deepEqual(await bench.look(), []);
    await bench.tell('set server empty/extra state ready');
    await bench.tell('set server web/spare state maint');
    await bench.tell('del server web/spare');
    assert.deepEqual((await bench.look()).sort(), [
      'extra unexpected: absent -> present',
      'spare missing: present -> absent',
    ]);
  });

  test('a server of a template is taken out -> its state deviates', {skip: !haproxyIsAtLeast(1, 8)}, async () => {
    await using bench = await startBench();
    await bench.tell('set server many/tpl3 state maint');
    assert.deepEqual(await bench.look(), ['tpl3 state: ready -> maint']);
  });
});
