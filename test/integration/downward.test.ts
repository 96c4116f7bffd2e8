import assert from 'node:assert/strict';
import {chmod, mkdtemp, readdir, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {openVolume, podinfoOf} from '../kubernetes/downward.ts';
import {makePair, secretOf} from '../kubernetes/pairs.ts';
import {
  CONFIG,
  LABELS,
  locationAt,
  PATIENCE_MS,
  SERVICES,
  see,
  seeCertificate,
  seeServed,
  TLS,
  templateOf,
  tlsTemplateOf,
} from '../kubernetes/served.ts';
import {nameShownAt, startTlsLoad} from '../kubernetes/tls-client.ts';
import {type Daemon, startDaemon} from '../support/daemon.ts';
import {freePort} from '../support/free-port.ts';
import {haproxyBinary, haproxyLacksTls, missing} from '../support/parts.ts';
import {waitFor} from '../support/wait.ts';

const MASTER = 'kontrol.unity3d.com/master';

/** What a pod without API access finds: no token, a volume, its address from the field reference. */
const environmentOf = (downward: string): Record<string, string> => ({
  HOSTNAME: 'haproxy-1',
  NAMESPACE: 'prod',
  KONTROL_DOWNWARD: downward,
  KONTROL_SERVICEACCOUNT: '/nonexistent',
  KONTROL_IP: '10.9.0.1',
  KONTROL_LABELS: '',
  KONTROL_TEMPLATE: '',
});

const certificateOf = async (daemon: Daemon) => (await daemon.status())?.kubernetes?.certificates[0];

describe('a pod without the API', {
  skip: missing('haproxy', 'openssl', 'faketime'),
  timeout: 900_000,
  concurrency: 3,
}, () => {
  test('boot and a swapped volume -> served at once; a torn or emptied one changes nothing', async () => {
    const port = await freePort();
    await using volume = await openVolume(podinfoOf(LABELS, {[CONFIG]: templateOf(port, 'one')}));
    await using daemon = await startDaemon({template: '', env: environmentOf(volume.path)});
    await seeServed(port, 'one', daemon);
    const {kubernetes} = (await daemon.status()) ?? {};
    assert.deepEqual(kubernetes?.pod.sources, {ip: 'variable', labels: 'downward', annotations: 'downward'});
    assert.deepEqual(
      [kubernetes?.pod.namespace, kubernetes?.pod.id, kubernetes?.pod.watch],
      ['prod', 'haproxy-1', null],
    );

    await volume.write(podinfoOf(LABELS, {[CONFIG]: templateOf(port, 'two')}));
    await seeServed(port, 'two', daemon);
    await volume.write({labels: 'app="hap', annotations: 'nothing of the kind'});
    await see(daemon, async () => daemon.logs.some(({msg}) => /volume unreadable/.test(String(msg))), 'a warning');
    await volume.write({});
    assert.equal(await locationAt(port), '/two');
    await volume.write(podinfoOf(LABELS, {[CONFIG]: templateOf(port, 'three')}));
    await seeServed(port, 'three', daemon);
  });

  test('a bad template or one that is gone -> the last good proxy serves, the reason shows, then it recovers', async () => {
    const port = await freePort();
    await using volume = await openVolume(podinfoOf(LABELS, {[CONFIG]: templateOf(port, 'one')}));
    await using daemon = await startDaemon({template: '', env: environmentOf(volume.path)});
    await seeServed(port, 'one', daemon);
    await volume.write(podinfoOf(LABELS, {[CONFIG]: `${templateOf(port, 'two')}\n  nonsense here`}));
    await daemon.waitFor(status => /nonsense/.test(status.lastError ?? ''), 'a refusal', PATIENCE_MS);
    await volume.write(podinfoOf(LABELS, {}));
    await daemon.waitFor(
      status => /annotation .* is gone/.test(status.lastError ?? ''),
      'a missing template',
      PATIENCE_MS,
    );
    assert.equal(await locationAt(port), '/one');
    await volume.write(podinfoOf(LABELS, {[CONFIG]: templateOf(port, 'three')}));
    await seeServed(port, 'three', daemon);
  });

  test('an explicit variable and a volume -> the variable holds', async () => {
    const port = await freePort();
    await using volume = await openVolume(podinfoOf(LABELS, {[CONFIG]: templateOf(port, 'volume')}));
    const env = {
      ...environmentOf(volume.path),
      KONTROL_ANNOTATIONS: JSON.stringify({[CONFIG]: templateOf(port, 'variable')}),
    };
    await using daemon = await startDaemon({template: '', env});
    await seeServed(port, 'variable', daemon);
    assert.equal((await daemon.status())?.kubernetes?.pod.sources.annotations, 'variable');
  });

  test('another master in the annotation -> it gets the keepalives, the one before a `down`', async () => {
    const [port, otherPort] = [await freePort(), await freePort()];
    await using one = await startDaemon({template: templateOf(port, 'one')});
    await using other = await startDaemon({template: templateOf(otherPort, 'other')});
    const annotationsOf = ({port: master}: Daemon) =>
      podinfoOf({app: 'web', role: 'x'}, {[MASTER]: `127.0.0.1:${master}`});
    await using volume = await openVolume(annotationsOf(one));
    await using slave = await startDaemon({
      template: '',
      env: {...environmentOf(volume.path), KONTROL_MODE: 'slave', KONTROL_IP: '10.9.1.7'},
    });
    await one.waitFor(status => status.hosts.web?.[0] === '10.9.1.7', 'a member', PATIENCE_MS);
    await volume.write(annotationsOf(other));
    await other.waitFor(status => status.hosts.web?.[0] === '10.9.1.7', 'a member', PATIENCE_MS);
    await one.waitFor(status => status.memberCount === 0, 'no member', PATIENCE_MS);
    slave.signal('SIGTERM');
    assert.equal((await slave.exited).code, 0);
    await other.waitFor(status => status.memberCount === 0, 'no member', PATIENCE_MS);
  });

  test('a shared token -> slaves that have it are taken, others refused and counted; a rotation loses nobody', async () => {
    const port = await freePort();
    await using tokens = await openVolume({token: 'the-first-shared-token\n'});
    const token = {KONTROL_PING_TOKEN_FILE: join(tokens.path, 'token')};
    await using master = await startDaemon({template: templateOf(port, 'one'), env: token});
    await using volume = await openVolume(podinfoOf({app: 'web', role: 'x'}, {[MASTER]: `127.0.0.1:${master.port}`}));
    await using slave = await startDaemon({
      template: '',
      env: {...environmentOf(volume.path), ...token, KONTROL_MODE: 'slave', KONTROL_IP: '10.9.1.7', KONTROL_TTL: '2'},
    });
    await master.waitFor(status => status.memberCount === 1, 'a member', PATIENCE_MS);
    const refused = await master.ping({ip: '10.9.1.8'});
    assert.ok(refused.is === 'answered' && refused.answer.status === 403);
    assert.match(refused.answer.body, /it carries no token/);
    assert.match((await master.get('/metrics'))?.body ?? '', /kontrol_pings_total\{result="forbidden-token"\} 1/);

    const refreshes = async () =>
      Number(/result="refreshed"\} (\d+)/.exec((await master.get('/metrics'))?.body ?? '')?.[1] ?? 0);
    const [first, second] = ['the-first-shared-token', 'the-second-shared-token'];
    // Accepted everywhere before it is sent, sent everywhere before the old one goes.
    for (const token of [`${first}\n${second}\n`, `${second}\n${first}\n`, `${second}\n`]) {
      await tokens.write({token});
      const before = await refreshes();
      await waitFor(async () => (await refreshes()) > before + 3, 'keepalives', {timeoutMs: PATIENCE_MS});
    }
    assert.match((await master.get('/metrics'))?.body ?? '', /result="forbidden-token"\} 1\n/);
    assert.ok(!slave.logs.some(({msg}) => /refused|failed/.test(String(msg))));
  });

  test('KONTROL_VERIFY=source -> a ping must come from the address it reports', async () => {
    const port = await freePort();
    await using daemon = await startDaemon({template: templateOf(port, 'one'), env: {KONTROL_VERIFY: 'source'}});
    await seeServed(port, 'one', daemon);
    const statusOf = async (localAddress: string) => {
      const outcome = await daemon.ping({ip: '127.0.0.9', localAddress});
      return outcome.is === 'answered' && outcome.answer.status;
    };
    assert.equal(await statusOf('127.0.0.9'), 200);
    assert.equal(await statusOf('127.0.0.8'), 403);
    assert.match((await daemon.get('/metrics'))?.body ?? '', /kontrol_pings_total\{result="forbidden-source"\} 1/);
  });

  test('nothing says what is needed, or a volume that is none -> one line that names all of it', async () => {
    await using daemon = await startDaemon({template: '', env: environmentOf('/nonexistent')});
    assert.equal((await daemon.exited).code, 2);
    const said = JSON.stringify(daemon.logs);
    assert.match(said, /KONTROL_DOWNWARD \/nonexistent has neither/);
    assert.match(said, /no label \\*"app\\*"/);
    assert.match(said, /there is no template/);
  });

  test('an annotation that needs the API -> a warning, everything else serves', async () => {
    const port = await freePort();
    const annotations = {[CONFIG]: templateOf(port, 'one'), [SERVICES]: 'web', [TLS]: 'absent'};
    await using volume = await openVolume(podinfoOf(LABELS, annotations));
    await using daemon = await startDaemon({template: '', env: environmentOf(volume.path)});
    await seeServed(port, 'one', daemon);
    assert.ok(daemon.logs.some(({reason}) => /services needs the Kubernetes API/.test(String(reason))));
    assert.match((await certificateOf(daemon))?.problem ?? '', /not mounted, and the API is not used/);
  });

  const rotations = [
    {how: 'named, rotated while it runs', crt: "{{ certs['site'] }}", old: false},
    {how: 'a whole folder, reloaded by an old HAProxy', crt: '{{ env.KONTROL_DATA }}/certs/', old: true},
  ];
  for (const {how, crt, old} of rotations) {
    test(`mounted certificates, ${how} -> the new one is shown, a broken one changes nothing`, {
      skip: haproxyLacksTls(),
    }, async t => {
      const port = await freePort();
      const [one, two] = [await makePair('one.test'), await makePair('two.test')];
      await using certs = await openVolume(filesOf('site', one));
      await using volume = await openVolume(podinfoOf(LABELS, {[CONFIG]: tlsTemplateOf(port, crt)}));
      await using binary = await openOldHaproxy();
      const env = {
        ...environmentOf(volume.path),
        KONTROL_CERTS: certs.path,
        ...(old && {KONTROL_HAPROXY: binary.path}),
      };
      await using daemon = await startDaemon({template: '', env});
      await seeCertificate(port, 'one.test', daemon);
      const generation = await daemon.waitFor(
        ({inSync, proxy}) => inSync && proxy.generation,
        'a generation in sync',
        PATIENCE_MS,
      );
      const load = startTlsLoad(port, 2);
      await waitFor(() => load.answered() > 10, 'requests', {timeoutMs: PATIENCE_MS});
      await certs.write(filesOf('site', two));
      await seeCertificate(port, 'two.test', daemon);
      const before = load.answered();
      await waitFor(() => load.answered() > before + 10, 'requests', {timeoutMs: PATIENCE_MS});
      await certs.write(filesOf('site', {chain: one.chain, key: two.key}));
      const refused = async () => /does not belong/.test((await certificateOf(daemon))?.problem ?? '');
      await see(daemon, refused, 'a refused pair');
      await certs.write({});
      await see(
        daemon,
        async () => /no longer mounted/.test((await certificateOf(daemon))?.problem ?? ''),
        'an empty mount',
      );
      assert.equal(await nameShownAt(port), 'two.test');
      const report = await load.stop();
      t.diagnostic(`load ${JSON.stringify(report)}`);
      // How gently a reload goes is another suite's matter; on the machine itself it is the plain way.
      if (!old) assert.equal(report.failed, 0);
      const after = (await daemon.status())?.proxy.generation;
      if (old) assert.equal(after, generation + 1);
      else assert.equal(after, generation);
      assert.deepEqual(await readdir(join(daemon.dataFolder, 'certs')), ['site.pem']);
    });
  }
});

const filesOf = (name: string, pair: {chain: string; key: string}): Record<string, string> =>
  Object.fromEntries(Object.entries(secretOf(pair)).map(([file, text]) => [`${name}/${file}`, text]));

/** The HAProxy under test, which says that it is a 2.0: that one has no command to change a certificate. */
async function openOldHaproxy(): Promise<AsyncDisposable & {readonly path: string}> {
  const folder = await mkdtemp(join(tmpdir(), 'kontrol-old-'));
  const path = join(folder, 'haproxy');
  const script = `#!/bin/sh\n[ "$1" = -v ] && { echo 'HA-Proxy version 2.0.0 2019/06/16'; exit; }\nexec ${haproxyBinary} "$@"\n`;
  await writeFile(path, script);
  await chmod(path, 0o755);
  return {path, [Symbol.asyncDispose]: () => rm(folder, {recursive: true})};
}
