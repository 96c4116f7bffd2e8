import assert from 'node:assert/strict';
import {chmod, mkdtemp, readdir, rm, stat, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {test} from 'node:test';
import {type Daemon, startDaemon} from '../support/daemon.ts';
import {freePort} from '../support/free-port.ts';
import {haproxyBinary, haproxyLacksTls} from '../support/parts.ts';
import {waitFor} from '../support/wait.ts';
import {makePair, secretOf} from './pairs.ts';
import type {PodSource} from './pod-world.ts';
import {CONFIG, PATIENCE_MS, see, seeCertificate, TLS, tlsTemplateOf} from './served.ts';
import {nameShownAt, startTlsLoad} from './tls-client.ts';

const ROTATIONS = [
  {how: 'named in the template', crt: "{{ certs['secret-a'] }}", isOld: false},
  {how: 'a whole folder, an old HAProxy', crt: '{{ env.KONTROL_DATA }}/certs/', isOld: true},
];

/** How certificates come to be served, whatever brings them: run in a suite of each source. */
export function testCertificates({open, says}: PodSource): void {
  for (const {how, crt, isOld} of ROTATIONS) {
    const title = `a certificate is rotated, ${how} -> the next handshake shows it, no request fails; bad ones change nothing`;
    test(title, {skip: haproxyLacksTls()}, async t => {
      const port = await freePort();
      const annotations = {[CONFIG]: tlsTemplateOf(port, crt), [TLS]: 'secret-a'};
      await using world = await open({annotations, permits: 'certificates'});
      await world.setCertificate(secretOf(await makePair('one.test')));
      await using binary = await openOldHaproxy();
      const env = {...world.env, ...(isOld && {KONTROL_HAPROXY: binary.path})};
      await using daemon = await startDaemon({template: '', env});
      await seeCertificate(port, 'one.test', daemon);
      const file = await stat(join(daemon.dataFolder, 'certs/secret-a.pem'));
      assert.equal(file.mode & 0o777, 0o600);
      const generation = await inSync(daemon);

      const load = startTlsLoad(port, 2);
      const moreAnswers = async (before = load.answered()) =>
        await waitFor(() => load.answered() > before + 20, 'requests', {timeoutMs: PATIENCE_MS});
      await moreAnswers();
      await world.setCertificate(secretOf(await makePair('two.test')));
      await seeCertificate(port, 'two.test', daemon);
      await moreAnswers();

      const seeProblem = (wanted: RegExp) =>
        see(daemon, async () => wanted.test((await certificateOf(daemon))?.problem ?? ''), String(wanted));
      const [x, y] = [await makePair('x.test'), await makePair('y.test')];
      await world.setCertificate(secretOf({chain: x.chain, key: y.key}));
      await seeProblem(/does not belong/);
      await world.setCertificate(secretOf(await makePair('old.test', '2020-01-01')));
      await seeProblem(/expired/);
      await world.setCertificate(null);
      await seeProblem(says.lostCertificate);
      assert.equal(await nameShownAt(port), 'two.test');
      const {expiresAt} = (await certificateOf(daemon)) ?? {};
      const metrics = (await daemon.get('/metrics'))?.body ?? '';
      const [, inMetrics] =
        /kontrol_certificate_expiry_timestamp_seconds\{[^}]*secret-a[^}]*\} (\S+)/.exec(metrics) ?? [];
      assert.equal(Number(inMetrics) * 1000, expiresAt);
      await world.setCertificate(secretOf(await makePair('three.test')));
      await seeCertificate(port, 'three.test', daemon);
      await moreAnswers();

      const report = await load.stop();
      t.diagnostic(`load ${JSON.stringify(report)}`);
      // How gently a reload goes is another suite's matter; on the machine itself it is the plain way.
      if (!isOld) assert.equal(report.failed, 0);
      assert.equal(await inSync(daemon), isOld ? generation + 2 : generation);
      assert.deepEqual(await readdir(join(daemon.dataFolder, 'certs')), ['secret-a.pem']);
    });
  }
}

const certificateOf = async (daemon: Daemon) => (await daemon.status())?.kubernetes?.certificates[0];

const inSync = (daemon: Daemon) =>
  daemon.waitFor(status => status.inSync && status.proxy.generation, 'a generation in sync', PATIENCE_MS);

/** The HAProxy under test, which says that it is a 2.0: that one has no command to change a certificate. */
async function openOldHaproxy(): Promise<AsyncDisposable & {readonly path: string}> {
  const folder = await mkdtemp(join(tmpdir(), 'kontrol-old-'));
  const path = join(folder, 'haproxy');
  const script = `#!/bin/sh\n[ "$1" = -v ] && { echo 'HA-Proxy version 2.0.0 2019/06/16'; exit; }\nexec ${haproxyBinary} "$@"\n`;
  await writeFile(path, script);
  await chmod(path, 0o755);
  return {path, [Symbol.asyncDispose]: () => rm(folder, {recursive: true})};
}
