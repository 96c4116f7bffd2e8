import assert from 'node:assert/strict';
import {test} from 'node:test';
import {startDaemon} from '../support/daemon.ts';
import {freePort} from '../support/free-port.ts';
import type {PodSource} from './pod-world.ts';
import {CONFIG, locationAt, MASTER, PATIENCE_MS, SERVICES, see, seeServed, TLS, templateOf} from './served.ts';

/** What a pod's daemon does whatever tells it of its pod: run in a suite of each source. */
export function testPod(source: PodSource): void {
  const {says} = source;

  test('boot and a changed annotation -> served at once, status says where from', async () => {
    const port = await freePort();
    await using world = await source.open({annotations: {[CONFIG]: templateOf(port, 'one')}});
    await using daemon = await startDaemon({template: '', env: world.env});
    await seeServed(port, 'one', daemon);
    await world.annotate({[CONFIG]: templateOf(port, 'two')});
    await seeServed(port, 'two', daemon);
    const {pod} = (await daemon.status())?.kubernetes ?? {};
    assert.deepEqual(
      [pod?.sources.labels, pod?.sources.annotations, pod?.id, pod?.node],
      [source.name, source.name, 'haproxy-1', source.node],
    );
    assert.equal(pod?.ip, '10.9.0.1');
  });

  test('a pod that lacks a fact -> waited for; for too long -> one clear line and an exit code', async () => {
    const port = await freePort();
    await using world = await source.open({annotations: {[CONFIG]: templateOf(port, 'one')}, isIncomplete: true});
    {
      await using hasty = await startDaemon({template: '', env: {...world.env, KONTROL_POD_WAIT: '3'}});
      assert.equal((await hasty.exited).code, 20);
      assert.match(JSON.stringify(hasty.logs), says.incomplete);
    }
    await using patient = await startDaemon({template: '', env: world.env});
    await see(patient, async () => patient.logs.some(({msg}) => /^waiting for facts/.test(String(msg))), 'a wait');
    await world.complete();
    await seeServed(port, 'one', patient);
  });

  test('an explicit variable beside the source -> the variable holds', async () => {
    const port = await freePort();
    await using world = await source.open({annotations: {[CONFIG]: templateOf(port, 'source')}});
    const KONTROL_ANNOTATIONS = JSON.stringify({[CONFIG]: templateOf(port, 'variable')});
    await using daemon = await startDaemon({template: '', env: {...world.env, KONTROL_ANNOTATIONS}});
    await seeServed(port, 'variable', daemon);
    const {sources} = (await daemon.status())?.kubernetes?.pod ?? {};
    assert.deepEqual([sources?.annotations, sources?.labels], ['variable', source.name]);
  });

  test('a bad template or one that is gone -> the last good proxy serves, people are told, then it recovers', async () => {
    const port = await freePort();
    await using world = await source.open({annotations: {[CONFIG]: templateOf(port, 'one')}});
    await using daemon = await startDaemon({template: '', env: world.env});
    await seeServed(port, 'one', daemon);
    await world.annotate({[CONFIG]: `${templateOf(port, 'two')}\n  nonsense here`});
    await daemon.waitFor(status => /nonsense/.test(status.lastError ?? ''), 'a refusal', PATIENCE_MS);
    await see(daemon, () => world.isTold(daemon, 'ConfigurationRefused'), 'a refusal that is told');
    await world.annotate({[CONFIG]: null});
    await daemon.waitFor(
      status => /annotation .* is gone/.test(status.lastError ?? ''),
      'a missing template',
      PATIENCE_MS,
    );
    assert.equal(await locationAt(port), '/one');
    await world.annotate({[CONFIG]: templateOf(port, 'three')});
    await seeServed(port, 'three', daemon);
    await see(daemon, () => world.isTold(daemon, 'Recovered'), 'a recovery that is told');
  });

  test('the source fails while it runs -> proxy and pings go on; a change made meanwhile is served after', async () => {
    const port = await freePort();
    await using world = await source.open({annotations: {[CONFIG]: templateOf(port, 'one')}});
    await using daemon = await startDaemon({template: '', env: world.env});
    await seeServed(port, 'one', daemon);
    await world.fail(daemon);
    await world.annotate({[CONFIG]: templateOf(port, 'two')});
    const outcome = await daemon.ping({ip: '10.9.1.1'});
    assert.ok(outcome.is === 'answered' && outcome.answer.status === 200, JSON.stringify(outcome));
    await daemon.waitFor(({memberCount, inSync}) => memberCount === 1 && inSync, 'a pass with a member', PATIENCE_MS);
    assert.equal(await locationAt(port), '/one');
    await world.mend();
    await seeServed(port, 'two', daemon);
  });

  test('annotations nobody can obey -> each named once, everything else serves', async () => {
    const port = await freePort();
    const annotations = {[CONFIG]: templateOf(port, 'one'), [TLS]: '../a, secret-a', [SERVICES]: 'web=a=b, =x'};
    await using world = await source.open({annotations});
    await using daemon = await startDaemon({template: '', env: world.env});
    await seeServed(port, 'one', daemon);
    const warned = (wanted: RegExp) =>
      daemon.logs.filter(({msg}) => wanted.test(String(msg))).map(({reason}) => reason);
    assert.deepEqual(warned(/^names in \S+tls refused/), ['../a']);
    assert.deepEqual(warned(/^entries of \S+services refused/), ['web=a=b, =x']);
    await world.annotate({[CONFIG]: templateOf(port, 'two'), [TLS]: null, [SERVICES]: null});
    await seeServed(port, 'two', daemon);
  });

  test('what is not permitted or not there -> absent, said once, and everything else serves', async () => {
    const port = await freePort();
    const annotations = {[CONFIG]: templateOf(port, 'one'), [TLS]: 'secret-a', [SERVICES]: 'web'};
    await using world = await source.open({annotations});
    await using daemon = await startDaemon({template: '', env: world.env});
    await seeServed(port, 'one', daemon);
    const {kubernetes} = (await daemon.status()) ?? {};
    assert.match(kubernetes?.certificates[0]?.problem ?? '', says.noCertificate);
    const reasons = daemon.logs.map(({reason}) => String(reason));
    for (const wanted of [says.noServices, says.noCertificate]) {
      const [first, ...others] = reasons.filter(reason => wanted.test(reason));
      assert.ok(first !== undefined, `${wanted} in ${JSON.stringify(reasons)}`);
      assert.ok(!others.includes(first), first);
    }
    await world.annotate({[CONFIG]: templateOf(port, 'two')});
    await seeServed(port, 'two', daemon);
  });

  test('another master in the annotation of a slave -> it gets the keepalives, the one before a `down`', async () => {
    const [port, otherPort] = [await freePort(), await freePort()];
    await using one = await startDaemon({template: templateOf(port, 'one')});
    await using other = await startDaemon({template: templateOf(otherPort, 'other')});
    const labels = {app: 'web', role: 'x'};
    await using world = await source.open({labels, annotations: {[MASTER]: `127.0.0.1:${one.port}`}});
    await using slave = await startDaemon({template: '', env: {...world.env, KONTROL_MODE: 'slave'}});
    const isServed = ({hosts}: {hosts: Readonly<Record<string, readonly string[]>>}) => hosts.web?.[0] === '10.9.0.1';
    await one.waitFor(isServed, 'a member', PATIENCE_MS);
    await world.annotate({[MASTER]: `127.0.0.1:${other.port}`});
    await other.waitFor(isServed, 'a member', PATIENCE_MS);
    await one.waitFor(status => status.memberCount === 0, 'no member', PATIENCE_MS);
    slave.signal('SIGTERM');
    assert.equal((await slave.exited).code, 0);
    await other.waitFor(status => status.memberCount === 0, 'no member', PATIENCE_MS);
  });
}
