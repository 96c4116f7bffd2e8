import assert from 'node:assert/strict';
import {existsSync} from 'node:fs';
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {ask} from '../../src/proxy/runtime.ts';
import {ENDLESS_PATH, SLOW_BYTES, SLOW_PATH} from '../support/backend.ts';
import {startDaemon} from '../support/daemon.ts';
import {withEarlySignal} from '../support/early-signal.ts';
import {openFolder} from '../support/folder.ts';
import {freePort} from '../support/free-port.ts';
import {haproxyBinary, missing} from '../support/parts.ts';
import {haproxiesOf} from '../support/processes.ts';
import {type Served, startServed} from '../support/served.ts';
import {waitFor} from '../support/wait.ts';
import {webTemplate} from '../support/web.ts';

/** Begins a slow download and waits until HAProxy serves it; `ended` is what came of it. */
async function startDownload({fetch, daemon}: Served, path = SLOW_PATH): Promise<{ended: Promise<string>}> {
  const ended = fetch(path);
  await waitFor(async () => (await sessionsOf(daemon.dataFolder)).includes('proto=tcpv4'), 'the download under way');
  return {ended};
}

const sessionsOf = (dataFolder: string): Promise<string> =>
  ask(`${dataFolder}/haproxy.sock`, 'show sess', {timeoutMs: 2000}).catch(() => '');

describe('stop (old fault 10, no drain)', {concurrency: 3, skip: missing('haproxy'), timeout: 180_000}, () => {
  test('SIGTERM with a slow download -> it finishes within the grace, exit 0', async () => {
    await using served = await startServed({KONTROL_GRACE: '20'});
    const {daemon} = served;
    const download = await startDownload(served);
    daemon.signal('SIGTERM');
    await waitFor(async () => (await served.fetch()) === 'refused', 'new connections refused');
    assert.equal((await download.ended).length, SLOW_BYTES);
    assert.deepEqual(await daemon.exited, {code: 0, signal: null});
    assert.deepEqual(haproxiesOf(daemon.dataFolder), []);
  });

  test('SIGTERM with a download that outlasts the grace -> cut, exit 11, nothing left behind', async () => {
    await using served = await startServed({KONTROL_GRACE: '0.3'});
    const {daemon} = served;
    const download = await startDownload(served, ENDLESS_PATH);
    daemon.signal('SIGTERM');
    assert.deepEqual(await daemon.exited, {code: 11, signal: null});
    assert.notEqual((await download.ended).length, SLOW_BYTES);
    assert.deepEqual(haproxiesOf(daemon.dataFolder), []);
    assert.ok(daemon.logs.some(({msg}) => String(msg).startsWith('connections outlived the grace')));
  });

  test('SIGTERM -> not ready and still serving while it lingers', async () => {
    await using served = await startServed({KONTROL_LINGER: '3', KONTROL_WARMUP: '0'});
    const {daemon} = served;
    await daemon.waitFor(({ready}) => ready, 'a ready daemon');
    daemon.signal('SIGTERM');
    await daemon.waitFor(({ready}) => !ready, 'not ready');
    assert.equal((await daemon.get('/readyz'))?.status, 503);
    assert.equal((await daemon.get('/livez'))?.status, 200);
    assert.equal(await served.fetch(), 'pod');
    assert.deepEqual(await daemon.exited, {code: 0, signal: null});
  });

  test('SIGTERM twice, nothing in flight -> no linger, no grace, exit 0', async () => {
    await using served = await startServed({KONTROL_LINGER: '3600', KONTROL_GRACE: '3600'});
    const {daemon} = served;
    daemon.signal('SIGTERM');
    await daemon.waitFor(({ready}) => !ready, 'not ready');
    await waitFor(() => daemon.logs.some(({msg}) => String(msg).startsWith('daemon stops')), 'the linger');
    daemon.signal('SIGTERM');
    assert.deepEqual(await daemon.exited, {code: 0, signal: null});
    assert.deepEqual(haproxiesOf(daemon.dataFolder), []);
  });

  test('SIGTERM twice with a slow download -> cut after a second, exit 11', async () => {
    await using served = await startServed({KONTROL_LINGER: '0', KONTROL_GRACE: '3600'});
    const {daemon} = served;
    const download = await startDownload(served, ENDLESS_PATH);
    daemon.signal('SIGTERM');
    await waitFor(() => daemon.logs.some(({to}) => to === 'STOPPING'), 'the drain');
    daemon.signal('SIGTERM');
    assert.deepEqual(await daemon.exited, {code: 11, signal: null});
    assert.notEqual((await download.ended).length, SLOW_BYTES);
    assert.deepEqual(haproxiesOf(daemon.dataFolder), []);
  });

  test('SIGHUP -> a pass now, nothing reloaded when the text came out equal', async () => {
    await using served = await startServed();
    const {daemon} = served;
    const {proxy, reload} = (await daemon.status()) ?? {};
    daemon.signal('SIGHUP');
    const {last} = (await daemon.waitFor(seen => seen.reload.last?.cause === 'SIGHUP' && seen, 'a pass')).reload;
    assert.equal(last?.pass, (reload?.last?.pass ?? 0) + 1);
    assert.equal(last?.verdict, 'unchanged');
    assert.equal((await daemon.status())?.proxy.pid, proxy?.pid);
  });

  test('SIGTERM with a reload under way -> an orderly stop', async () => {
    await using served = await startServed();
    const {daemon} = served;
    const starts = () => daemon.logs.filter(({to}) => to === 'STARTING').length;
    const before = starts();
    await served.reload();
    await waitFor(() => starts() > before, 'the next HAProxy started');
    daemon.signal('SIGTERM');
    assert.deepEqual(await daemon.exited, {code: 0, signal: null});
    assert.deepEqual(haproxiesOf(daemon.dataFolder), []);
  });

  test('SIGTERM while a HAProxy hangs in its start, deaf to all but SIGKILL -> ended with the daemon, exit 0', async () => {
    await using folder = await openFolder();
    const haproxy = join(folder.path, 'haproxy');
    const hangs = `trap '' TERM USR1; while :; do sleep 0.1; done`;
    await writeFile(haproxy, `#!/bin/sh\ncase " $* " in *" -db "*) ${hangs};; esac\nexec ${haproxyBinary} "$@"\n`, {
      mode: 0o755,
    });
    const template = webTemplate(`127.0.0.1:${await freePort()}`, 80);
    await using daemon = await startDaemon({template, env: {KONTROL_HAPROXY: haproxy}});
    await waitFor(() => daemon.logs.some(({to}) => to === 'STARTING'), 'the start');
    daemon.signal('SIGTERM');
    assert.deepEqual(await daemon.exited, {code: 0, signal: null});
    assert.deepEqual(haproxiesOf(daemon.dataFolder), []);
    assert.ok(!daemon.logs.some(({msg}) => String(msg).startsWith('pass failed')));
  });

  test('SIGTERM while the daemon is still being loaded -> what an earlier one left running is drained, exit 0', async () => {
    await using served = await startServed();
    const {dataFolder, signal: send, exited} = served.daemon;
    send('SIGKILL');
    await exited;
    assert.equal(haproxiesOf(dataFolder).length, 1);
    const template = webTemplate(`127.0.0.1:${await freePort()}`, 80);
    await using daemon = await startDaemon({template, dataFolder, env: withEarlySignal('SIGTERM')});
    assert.deepEqual(await daemon.exited, {code: 0, signal: null});
    assert.deepEqual(haproxiesOf(dataFolder), []);
    assert.ok(!daemon.logs.some(({msg}) => msg === 'daemon started'));
  });

  test('SIGTERM while `haproxy -v` hangs -> what an earlier daemon left running is drained, exit 0', async () => {
    await using served = await startServed();
    const {dataFolder, signal: send, exited} = served.daemon;
    send('SIGKILL');
    await exited;
    const haproxy = join(dataFolder, 'haproxy');
    await writeFile(haproxy, '#!/bin/sh\necho > "$0.asked"; sleep 100\n', {mode: 0o755});
    const template = webTemplate(`127.0.0.1:${await freePort()}`, 80);
    await using daemon = await startDaemon({template, dataFolder, env: {KONTROL_HAPROXY: haproxy}});
    await waitFor(() => existsSync(`${haproxy}.asked`), 'the question');
    daemon.signal('SIGTERM');
    assert.deepEqual(await daemon.exited, {code: 0, signal: null});
    assert.deepEqual(haproxiesOf(dataFolder), []);
  });

  test('SIGTERM while the first pass runs -> an orderly stop', async () => {
    const template = webTemplate(`127.0.0.1:${await freePort()}`, 80);
    await using daemon = await startDaemon({template});
    await waitFor(() => daemon.logs.some(({to}) => to === 'configure'), 'the first pass');
    daemon.signal('SIGTERM');
    assert.deepEqual(await daemon.exited, {code: 0, signal: null});
    assert.deepEqual(haproxiesOf(daemon.dataFolder), []);
  });
});
