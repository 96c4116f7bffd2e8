import assert from 'node:assert/strict';
import {once} from 'node:events';
import {writeFile} from 'node:fs/promises';
import {createServer} from 'node:net';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {startBackends} from '../support/backend.ts';
import {startDaemon} from '../support/daemon.ts';
import {openFolder} from '../support/folder.ts';
import {freePort} from '../support/free-port.ts';
import {openNamespaces, podIps} from '../support/namespaces.ts';
import {missing} from '../support/parts.ts';
import {type Served, startServed} from '../support/served.ts';
import {fetchText, webTemplate} from '../support/web.ts';

/** What a failed pass may not touch. */
const before = async ({committed, daemon}: Served): Promise<[text: string, generation: number]> => [
  await committed(),
  (await daemon.status())?.proxy.generation ?? 0,
];

/** Waits until a pass has failed for a reason that matches, and checks that nothing else has changed. */
async function seeFailed(served: Served, committed: string, generation: number, reason: RegExp): Promise<void> {
  const {daemon} = served;
  const status = await daemon.waitFor(seen => !seen.inSync && seen.lastError !== null && seen, 'a failed pass');
  assert.match(status.lastError ?? '', reason);
  assert.equal(status.reload.last?.verdict, 'failed');
  assert.equal(status.ready, true);
  assert.equal(await served.committed(), committed);
  assert.equal(status.proxy.generation, generation);
  assert.equal(await served.fetch(), 'pod');
}

describe('old fault 4, a pass that fails later -> the last good serves, in sync again once it is mended', {
  concurrency: 3,
  skip: missing('haproxy'),
  timeout: 180_000,
}, () => {
  const WARM = {KONTROL_WARMUP: '0'};

  for (const [situation, spoil, reason] of [
    ['template fails to render', (good: string) => `${good}{{ hosts.web. }}`, /^cannot render the template: /],
    [
      'configuration refused by HAProxy',
      (good: string) => `${good}  bogus word\n`,
      /^cannot validate .*unknown keyword/,
    ],
    ['configuration that binds nothing', () => 'defaults\n  mode http\n', /^cannot validate .*binds no port/],
  ] as const) {
    test(situation, async () => {
      await using served = await startServed(WARM);
      const [committed, generation] = await before(served);
      await served.rewrite(spoil(served.template));
      await seeFailed(served, committed, generation, reason);

      // The inputs change, the fault stays: tried again at once, to the same end; the pod is served all the same.
      const {pass} = (await served.daemon.status())?.reload.last ?? {};
      const other = served.daemon.slave({ip: '127.0.9.2'});
      using _silence = {[Symbol.dispose]: other.silence};
      other.run(500);
      await served.daemon.waitFor(({reload}) => (reload.last?.pass ?? 0) > (pass ?? 0), 'another pass');
      await served.daemon.waitFor(
        async () => /server web-2 127.0.9.2/.test(await served.committed()),
        'the pod served',
      );
      const {lastError, inSync} = (await served.daemon.status()) ?? {};
      assert.match(lastError ?? '', reason);
      assert.equal(inSync, false);

      await served.rewrite(served.template);
      await served.daemon.waitFor(({inSync, lastError}) => inSync && lastError === null, 'the mended template');
      assert.match(await served.committed(), /server web-2 127.0.9.2/);
    });
  }

  test('port already in use -> the text is not committed, tried again until the port is free', async () => {
    await using served = await startServed(WARM);
    const [committed, generation] = await before(served);
    const taken = await freePort();
    const stranger = createServer().listen(taken, '0.0.0.0');
    await once(stranger, 'listening');
    await served.rewrite(served.template.replace('  timeout client', `  bind 127.0.0.1:${taken}\n  timeout client`));
    await seeFailed(served, committed, generation, /^cannot start HAProxy: exit code 1: .*cannot bind socket/);
    stranger.close();
    await served.daemon.waitFor(({inSync}) => inSync, 'the freed port taken');
    assert.equal(await fetchText({port: taken}), 'pod');
    assert.equal(await fetchText({port: served.port}), 'pod');
  });

  test('every ping is answered meanwhile', async () => {
    await using served = await startServed(WARM);
    await served.rewrite('{% for %}');
    await served.daemon.waitFor(({lastError}) => lastError !== null, 'a failed pass');
    const slaves = Array.from({length: 50}, (_, n) => served.daemon.slave({ip: `10.9.0.${n}`}));
    using _silence = {
      [Symbol.dispose]() {
        for (const slave of slaves) slave.silence();
      },
    };
    for (const slave of slaves) slave.run(5000);
    await served.daemon.waitFor(({memberCount, inSync}) => memberCount === 51 && !inSync, 'all members');
  });
});

test('port already in use under the SYN gate -> the old generation keeps its ports, no rule stays', {
  skip: missing('root', 'haproxy', 'netns', 'iptables'),
  timeout: 180_000,
}, async () => {
  await using net = await openNamespaces();
  const [pod] = podIps;
  await using _pods = await startBackends([{name: 'pod', host: pod, port: 80}], net.client);
  await using _stranger = await startBackends([{name: 'stranger', host: '10.77.0.1', port: 81}], net.proxy);
  await using folder = await openFolder();
  const template = join(folder.path, 'proxy.j2');
  await writeFile(template, webTemplate('*:80', 80));
  await using daemon = await startDaemon({template, place: net.proxy});
  const slave = daemon.slave({ip: pod, place: net.client});
  using _silence = {[Symbol.dispose]: slave.silence};
  slave.run(500);
  const fetch = () => fetchText({host: net.proxy.ip, port: 80, place: net.client});
  await daemon.waitFor(async ({inSync}) => inSync && (await fetch()) === 'pod', 'the pod served');
  await writeFile(template, `${webTemplate('*:80', 80)}frontend more\n  bind *:81\n  default_backend web\n`);
  const status = await daemon.waitFor(seen => seen.lastError !== null && seen, 'a failed pass');
  assert.match(status.lastError ?? '', /cannot bind socket/);
  assert.equal(await fetch(), 'pod');
});
