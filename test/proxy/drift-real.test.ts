import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {systemClock} from '../../src/ports/clock.ts';
import {openLog} from '../../src/ports/log.ts';
import {type DriftWatch, openDriftWatch} from '../../src/proxy/drift-watch.ts';
import {ask, askShort} from '../../src/proxy/runtime.ts';
import {haproxyIsAtLeast, haproxyTellsOfPaused} from '../support/haproxy-version.ts';
import {missing} from '../support/parts.ts';
import {waitFor} from '../support/wait.ts';
import {startProxy} from './real-proxy.ts';

const {log} = openLog('info', {write: () => {}});

const HEAD = `
global
  maxconn 90
defaults
  mode http
  maxconn 50
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend f
  bind 127.0.0.1:8080
  acl never path_beg /never
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
  server probed 127.0.0.1:1 check port 2
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
${haproxyIsAtLeast(1, 8) ? 'backend baked\n  cookie S insert dynamic\n  dynamic-cookie-key x\n  server one 10.0.0.1:80\n' : ''}
${haproxyIsAtLeast(2, 4) ? 'backend tls\n  server secured 10.0.0.1:443 ssl verify none\n' : ''}
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
  let shiftMs = 0;
  const clock = {...systemClock, nowMs: () => systemClock.nowMs() + shiftMs};
  const watch = openDriftWatch({
    clock,
    log,
    ask: askSocket,
    askShort: (socket, command) => askShort(socket, command, 5000),
    running: () => running,
    changedFiles: async () => [],
  });
  return {
    watch,
    tell: command => askSocket(proxy.socket, command),
    async look() {
      // What is no server is looked at every 10 s.
      shiftMs += 10_000;
      await watch.look();
      return watch.drift.deviations.map(
        one => `${one.server || one.subject} ${one.what}: ${one.expected} -> ${one.found}`,
      );
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

  /** What operators say, how they take it back, and what is seen in between. */
  const BY_HAND = [
    ['set server web/plain state maint', 'set server web/plain state ready', 'plain state: ready -> maint'],
    ['set server web/plain state drain', 'set server web/plain state ready', 'plain state: ready -> drain'],
    ['disable server web/plain', 'enable server web/plain', 'plain state: ready -> maint'],
    ['set server web/off state ready', 'set server web/off state maint', 'off state: maint -> ready'],
    ['set server web/slow weight 7', 'set server web/slow weight 3', 'slow weight: 3 -> 7'],
    ['set server web/plain addr 10.9.9.9', 'set server web/plain addr 10.0.0.1', 'plain address: 10.0.0.1 -> 10.9.9.9'],
    [
      'set server web/plain addr 10.0.0.1 port 81',
      'set server web/plain addr 10.0.0.1 port 80',
      'plain port: 80 -> 81',
    ],
    [
      'set server web/six-long addr 2001:db8::3',
      'set server web/six-long addr 2001:db8::2',
      'six-long address: 2001:db8::2 -> 2001:db8::3',
    ],
    ['set server web/unix state maint', 'set server web/unix state ready', 'unix state: ready -> maint'],
    ['set server web/unix weight 0', 'set server web/unix weight 3', 'unix weight: 3 -> 0'],
    ['set server web/named state maint', 'set server web/named state ready', 'named state: ready -> maint'],
    ['set server web/named weight 0', 'set server web/named weight 3', 'named weight: 3 -> 0'],
    [
      'set server web/named addr 127.0.0.1 port 81',
      'set server web/named addr 127.0.0.1 port 80',
      'named port: 80 -> 81',
    ],
    ['set server web/follows weight 9', 'set server web/follows weight 3', 'follows weight: 3 -> 9'],
    ['set server web/agent state maint', 'set server web/agent state ready', 'agent state: ready -> maint'],
    ['disable agent web/agent', 'enable agent web/agent', 'agent agent: on -> off'],
    ['disable health web/dead', 'enable health web/dead', 'dead checks: on -> off'],
    ['set server web/plain health down', 'set server web/plain health up', 'plain health: up -> down'],
    ['set maxconn server web/slow 1', 'set maxconn server web/slow 10', 'slow maxconn: 10 -> 1'],
    ...(haproxyTellsOfPaused()
      ? [['disable frontend f', 'enable frontend f', 'frontend f state: open -> stopped'] as const]
      : []),
    ['set maxconn frontend f 9', 'set maxconn frontend f 50', 'frontend f maxconn: 50 -> 9'],
    ['set maxconn global 9', 'set maxconn global 90', "HAProxy's Maxconn limit: 90 -> 9"],
    ['set rate-limit sessions global 7', 'set rate-limit sessions global 0', "HAProxy's SessRateLimit limit: 0 -> 7"],
    [
      'add acl #0 /b; del acl #0 /never',
      'add acl #0 /never; del acl #0 /b',
      `acl #0 entries: ${haproxyIsAtLeast(2, 4) ? '1 ' : ''}entries -> other entries or values`,
    ],
    ...(haproxyIsAtLeast(2, 4)
      ? ([
          ['add acl #0 /b', 'del acl #0 /b', 'acl #0 entries: 1 entries -> 2 entries'],
          ['set server tls/secured ssl off', 'set server tls/secured ssl on', 'secured setting: TLS on -> TLS off'],
          [
            'set server web/probed check-port 3',
            'set server web/probed check-port 2',
            'probed setting: check port 2 -> check port 3',
          ],
          [
            'set server web/agent agent-port 2',
            'set server web/agent agent-port 1',
            'agent setting: agent port 1 -> agent port 2',
          ],
        ] as const)
      : []),
    ...(haproxyIsAtLeast(3, 4)
      ? [['unpublish backend web', 'publish backend web', 'backend web state: published -> unpublished'] as const]
      : []),
    ...(haproxyIsAtLeast(1, 8)
      ? [
          ['set server many/tpl3 weight 0', 'set server many/tpl3 weight 1', 'tpl3 weight: 1 -> 0'] as const,
          [
            'set server many/tpl3 state maint',
            'set server many/tpl3 state ready',
            'tpl3 state: ready -> maint',
          ] as const,
          [
            'disable dynamic-cookie backend baked',
            'enable dynamic-cookie backend baked',
            'one setting: the cookie of its start -> no cookie',
          ] as const,
        ]
      : []),
  ] as const;

  test(`an operator says each of ${BY_HAND.length} things, and takes it back -> that is seen, then nothing`, async () => {
    await using bench = await startBench();
    assert.deepEqual(await bench.look(), []);
    for (const [command, back, deviation] of BY_HAND) {
      const answer = await bench.tell(command);
      // From 3.2 on an address is carried out a moment later.
      await waitFor(async () => (await bench.look()).length > 0, `a deviation after ${command}`, {
        evidence: () => answer,
      });
      assert.deepEqual(await bench.look(), [deviation], command);
      const answered = await bench.tell(back);
      await waitFor(async () => (await bench.look()).length === 0, `none after ${back}`, {evidence: () => answered});
    }
  });

  test('a port where the text has none -> seen', async () => {
    await using bench = await startBench();
    await bench.look();
    await bench.tell('set server web/no-port addr 10.0.0.1 port 81');
    await waitFor(async () => (await bench.look()).length > 0, 'a deviation');
    assert.deepEqual(await bench.look(), ['no-port port: 0 -> 81']);
  });

  test("an operator says set server health up of one that checks find down -> none: that is not the text's", async () => {
    await using bench = await startBench();
    await bench.tell('set server web/dead health up');
    assert.deepEqual(await bench.look(), []);
  });

  test('a condition, and servers come and go by hand -> seen against the start', {
    skip: !haproxyIsAtLeast(2, 6),
  }, async () => {
    await using bench = await startBench(`.if defined(NOBODY)\nglobal\n  nbthread 1\n.endif\n${TEXT}`);
    assert.deepEqual(await bench.look(), []);
    await bench.tell('add server empty/extra 10.0.0.9:80; set server empty/extra state ready');
    await bench.tell('set server web/spare state maint; del server web/spare');
    assert.deepEqual((await bench.look()).sort(), [
      'extra unexpected: absent -> present',
      'spare missing: present -> absent',
    ]);
  });

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
});
