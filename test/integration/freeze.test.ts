import assert from 'node:assert/strict';
import {readFile, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {startBackends} from '../support/backend.ts';
import {startDaemon} from '../support/daemon.ts';
import {missing} from '../support/parts.ts';
import {POD_IP, type Served, startServed, type TemplateSource} from '../support/served.ts';
import {waitFor} from '../support/wait.ts';
import {fetchText} from '../support/web.ts';
import {running, weighed} from '../support/weighed.ts';

const OTHER_IP = '127.0.9.2';
const WARM = {KONTROL_WARMUP: '0', KONTROL_DAMPER: '0'};

/** Who answers some requests, each on a connection of its own. */
const answers = async ({port}: Served): Promise<string[]> => {
  const all = await Promise.all(Array.from({length: 6}, () => fetchText({port})));
  return [...new Set(all)].sort();
};

describe('a refused template costs itself alone', {
  concurrency: 2,
  skip: missing('haproxy'),
  timeout: 180_000,
}, () => {
  const testRefusal = (source: TemplateSource) =>
    test(`${source}: pods come and go with the last one that worked; the page says which and why; mended, it serves`, async () => {
      await using served = await startServed(WARM, source);
      const {daemon} = served;
      await using _pods = await startBackends([{name: 'other', host: OTHER_IP, port: served.podPort}]);
      await served.rewrite(served.template.replace('balance roundrobin', 'balance roundrobbin'));
      await daemon.waitFor(({refused}) => refused?.serving != null, 'the template refused');

      const other = daemon.slave({ip: OTHER_IP});
      using _silence = {[Symbol.dispose]: other.silence};
      other.run(500);
      await daemon.waitFor(async () => (await answers(served)).join() === 'other,pod', 'who joins served');
      await served.pod.down();
      await daemon.waitFor(async () => (await answers(served)).join() === 'other', 'who left gone');

      const status = await daemon.waitFor(seen => !seen.inSync && seen.lastError !== null && seen, 'the status');
      // The template's line, then HAProxy's words, and the line that it read.
      assert.match(
        status.refused?.reason ?? '',
        /^cannot validate the template: line \d+: .*(?:roundrobbin|balance only supports).*"balance roundrobbin"/s,
      );
      const [problem] = status.problems;
      assert.match(
        problem?.what ?? '',
        /^The template of .* UTC is refused: the one of pass \d+ .* serves the pods of today$/,
      );
      assert.equal(status.ready, true);

      await served.rewrite(served.template);
      const mended = await daemon.waitFor(seen => seen.inSync && seen, 'the mended template');
      assert.deepEqual([mended.lastError, mended.refused], [null, null]);
    });
  for (const source of ['file', 'annotation'] as const) testRefusal(source);

  test('a restart meanwhile -> the same, from the template that is kept beside proxy.cfg', async () => {
    await using served = await startServed(WARM);
    await served.rewrite(`${served.template}  bogus word\n`);
    await served.daemon.waitFor(({refused}) => refused?.serving != null, 'the template refused');
    await using _pods = await startBackends([{name: 'other', host: OTHER_IP, port: served.podPort}]);
    await served.daemon[Symbol.asyncDispose]();

    await using daemon = await startDaemon(served.again);
    await daemon.waitFor(({refused, ready}) => ready && refused?.serving != null, 'the template refused again');
    assert.equal(await served.fetch(), 'pod');
    const other = daemon.slave({ip: OTHER_IP});
    using _silence = {[Symbol.dispose]: other.silence};
    other.run(500);
    await daemon.waitFor(async () => (await answers(served)).includes('other'), 'who joins served');
  });

  test('a template that fails with the pods of today -> nobody is sent to a pod that left', async () => {
    await using served = await startServed({...WARM, KONTROL_QUARANTINE: '0'}, 'annotation');
    const {daemon} = served;
    await using _pods = await startBackends([{name: 'other', host: OTHER_IP, port: served.podPort}]);
    const other = daemon.slave({ip: OTHER_IP});
    using _silence = {[Symbol.dispose]: other.silence};
    other.run(500);
    await served.rewrite(weighed(served.template, served.podPort));
    // In sync alone may be of the template before.
    await daemon.waitFor(
      async ({inSync}) =>
        inSync && (await served.committed()).includes('weight 1') && (await answers(served)).join() === 'other,pod',
      'both pods served by this template',
    );

    using _sick = running(daemon.slave({ip: OTHER_IP, payload: {weight: 999}}), other);
    await daemon.waitFor(({inSync, lastError}) => !inSync && lastError !== null, 'a payload that HAProxy refuses');
    await served.pod.down();
    await daemon.waitFor(async () => (await answers(served)).join() === 'other', 'no request for the pod that left');
    const disabled = new RegExp(`${POD_IP}:${served.podPort} weight 1 disabled`);
    await daemon.waitFor(async () => disabled.test(await served.committed()), 'proxy.cfg to say so');

    // Its address is another app's by now: that gets none of its requests.
    const db = daemon.slave({ip: POD_IP, app: 'db'});
    const pass = (await daemon.status())?.reload.last?.pass ?? 0;
    using _db = running(db);
    await daemon.waitFor(
      ({hosts, reload}) => hosts.db?.includes(POD_IP) && (reload.last?.pass ?? 0) > pass,
      'a pass with the other app',
    );
    assert.equal((await answers(served)).join(), 'other');
    assert.match(await served.committed(), disabled);
  });

  test('a restart with no template that works -> who left before it gets no requests; who was disabled and returns does', async () => {
    await using served = await startServed(WARM);
    const {pod, podPort, again} = served;
    await using _pods = await startBackends([{name: 'other', host: OTHER_IP, port: podPort}]);
    const other = served.daemon.slave({ip: OTHER_IP});
    using _other = running(other);
    await served.daemon.waitFor(async () => (await answers(served)).join() === 'other,pod', 'both served');
    const isRecorded = async () => {
      const passes = await readFile(join(served.daemon.dataFolder, 'history/passes.json'), 'utf8');
      return passes.includes(OTHER_IP);
    };
    await waitFor(isRecorded, 'the history of it');
    pod.silence();
    await served.daemon[Symbol.asyncDispose]();
    await served.rewrite(`${served.template}  bogus word\n`);
    for (const name of ['members.json', 'template-good.json']) await rm(join(served.daemon.dataFolder, name));
    {
      await using daemon = await startDaemon(again);
      // HAProxy is told before proxy.cfg is written.
      await daemon.waitFor(
        async () =>
          (await answers(served)).join() === 'other' &&
          (await served.committed()).includes(`${POD_IP}:${podPort} disabled`),
        'who left before gets nothing',
      );
      const {lastError} = (await daemon.status()) ?? {};
      assert.match(lastError ?? '', /bogus/);
    }
    await using daemon = await startDaemon(again);
    pod.run(500);
    await daemon.waitFor(
      async () => (await answers(served)).join() === 'other,pod' && !(await served.committed()).includes('disabled'),
      'who returns served',
    );
    assert.equal((await daemon.status())?.inSync, false);
  });

  const testRetries = (source: TemplateSource) =>
    test(`${source}: retries of a refused template -> one entry of the history, with their number`, async () => {
      await using served = await startServed(WARM, source);
      await served.rewrite(`${served.template}  bogus word\n`);
      const entries = async () =>
        JSON.parse((await served.daemon.get('/history'))?.body ?? '[]') as {
          verdict: string;
          retries?: {count: number};
        }[];
      await served.daemon.waitFor(async () => ((await entries())[0]?.retries?.count ?? 0) >= 2, 'two retries');
      assert.ok((await entries()).filter(({verdict}) => verdict === 'failed').length <= 2);
    });
  for (const source of ['file', 'annotation'] as const) testRetries(source);
});
