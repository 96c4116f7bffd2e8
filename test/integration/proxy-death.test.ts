import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {ENDLESS_MS, ENDLESS_PATH} from '../support/backend.ts';
import {missing} from '../support/parts.ts';
import {haproxiesOf, killAll} from '../support/processes.ts';
import {type Served, startServed} from '../support/served.ts';
import {waitFor} from '../support/wait.ts';
import {fetchText} from '../support/web.ts';

describe('HAProxy killed -9', {concurrency: 3, skip: missing('haproxy'), timeout: 180_000}, () => {
  test('while idle -> restarted at once with the same text, counted', async () => {
    await using served = await startServed();
    const pid = await served.pid();
    process.kill(pid, 'SIGKILL');
    const status = await served.daemon.waitFor(
      seen => seen.proxy.state === 'RUNNING' && seen.proxy.pid !== pid && seen,
      'the next HAProxy',
    );
    assert.equal(status.proxy.restarts, 1);
    await served.daemon.waitFor(({inSync}) => inSync, 'in sync');
    assert.equal(await served.fetch(), 'pod');
  });

  test('while draining -> the new generation does not notice', async () => {
    await using served = await startServed();
    const old = await served.pid();
    // Longer than the reload takes, however busy the machine.
    const download = fetchText({port: served.port, path: ENDLESS_PATH, timeoutMs: ENDLESS_MS});
    await served.reload();
    const {proxy} = await served.daemon.waitFor(seen => seen.proxy.draining[0]?.pid === old && seen, 'the drain');
    process.kill(old, 'SIGKILL');
    await served.daemon.waitFor(seen => seen.proxy.draining.length === 0, 'the end of the drain');
    assert.match(await download, /^(reset|truncated)$/);
    const after = await served.daemon.status();
    assert.equal(after?.proxy.pid, proxy.pid);
    assert.equal(after?.proxy.restarts, 0);
    await served.daemon.waitFor(({inSync}) => inSync, 'in sync');
    assert.equal(await served.fetch(), 'pod');
  });

  test('the old one during a reload -> the new text serves all the same', async () => {
    await using served = await startServed();
    const old = await served.pid();
    await served.reload();
    await waitFor(() => haproxiesOf(served.daemon.dataFolder).some(pid => pid !== old), 'the next HAProxy started');
    // It may have gone by itself meanwhile: its successor has told it to.
    killAll([old]);
    await seeSecondText(served);
  });

  test('the new one during a reload -> the old one serves, the pass is tried again', async () => {
    await using served = await startServed();
    const old = await served.pid();
    await served.reload();
    const next = await waitFor(
      () => haproxiesOf(served.daemon.dataFolder).find(pid => pid !== old),
      'the next HAProxy started',
    );
    killAll([next]);
    await seeSecondText(served);
  });

  test('again and again (old fault 4, a dead proxy looked alive) -> FATAL after the cap, exit 10 with one line', async () => {
    await using served = await startServed();
    const {daemon} = served;
    const killed = new Set<number>();
    const isGone = () => daemon.logs.some(({job, to}) => job === 'haproxy' && to === 'FATAL');
    await waitFor(
      () => {
        const pids = haproxiesOf(daemon.dataFolder);
        killAll(pids);
        for (const pid of pids) killed.add(pid);
        return isGone();
      },
      'the cap',
      {timeoutMs: 40_000},
    );
    assert.deepEqual(await daemon.exited, {code: 10, signal: null});
    assert.ok(killed.size >= 6, `${killed.size} killed`);
    const words = daemon.logs.flatMap(({raw}) => (raw === undefined ? [] : [String(raw)]));
    assert.match(
      words.join('\n'),
      /^haproxy-kontrol: cannot keep HAProxy running: it died 6 times in a row, last by SIGKILL: .*$/,
    );
    assert.deepEqual(haproxiesOf(daemon.dataFolder), []);
  });
});

async function seeSecondText({daemon, fetch}: Served): Promise<void> {
  await daemon.waitFor(
    async ({inSync}) => inSync && /^# reload 1$/m.test((await daemon.get('/config'))?.body ?? ''),
    'the second text served',
  );
  await daemon.waitFor(({proxy}) => proxy.state === 'RUNNING', 'a running proxy');
  assert.equal(await fetch(), 'pod');
}
