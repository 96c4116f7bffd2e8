import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {openCallback} from '../../src/lifecycle/callback.ts';
import type {Captured} from '../../src/ports/capture.ts';
import type {Command} from '../../src/ports/spawn.ts';
import {createMemoryFiles, openLogSink} from '../members/fixtures.ts';
import {createFakeClock} from '../support/fake-clock.ts';

const STATE_PATH = '/data/callback-state.json';

/** A callback whose runs end when told. */
async function openBench(texts: Record<string, string> = {}) {
  const clock = createFakeClock();
  const {log, said} = openLogSink();
  const {files, contents} = createMemoryFiles(texts);
  const runs: {
    env: Command['env'];
    bounds: readonly (number | undefined)[];
    aborted: () => boolean;
    end: (ended?: Partial<Captured> | string) => Promise<void>;
  }[] = [];
  const callback = await openCallback({
    clock,
    files,
    log,
    capture({env}, {signal, timeoutMs, maxBytes}) {
      const {promise, resolve} = Promise.withResolvers<Captured>();
      const whole = {code: 0, signal: undefined, stdout: Buffer.alloc(0), ended: 'itself' as const};
      signal?.addEventListener('abort', () => resolve({...whole, ended: 'abort'}));
      runs.push({
        env,
        bounds: [timeoutMs, maxBytes],
        aborted: () => signal?.aborted ?? false,
        async end(ended = {}) {
          resolve(typeof ended === 'string' ? {...whole, stdout: Buffer.from(ended)} : {...whole, ...ended});
          await clock.advance(0);
        },
      });
      return promise;
    },
    command: 'do it',
    env: () => ({KONTROL_ID: 'proxy-1'}),
    folder: '/data',
  });
  const tell = async (digest: string, pods = '[]') => {
    callback.tell({digest, md5: `md5-${digest}`, pods});
    await clock.advance(0);
  };
  return {clock, callback, runs, contents, tell, said};
}

describe('callback', () => {
  test('a new digest -> runs with PODS, MD5, HASH and the KONTROL variables, and without a STATE', async () => {
    const {runs, tell} = await openBench();
    await tell('a', '[{"ip":"10.2.0.17"}]');
    assert.deepEqual(runs[0]?.env, {
      KONTROL_ID: 'proxy-1',
      PODS: '[{"ip":"10.2.0.17"}]',
      MD5: 'md5-a',
      HASH: 'md5-a',
    });
    assert.deepEqual(runs[0]?.bounds, [5 * 60_000, 1 << 20], 'for five minutes and 1 MiB at most');
  });

  test('the same digest again -> nothing', async () => {
    const {runs, tell} = await openBench();
    await tell('a');
    await runs[0]?.end();
    await tell('a');
    assert.equal(runs.length, 1);
  });

  test('news while it runs -> one more run afterwards, with the latest', async () => {
    const {runs, tell} = await openBench();
    await tell('a');
    await tell('b');
    await tell('c');
    assert.equal(runs.length, 1);
    await runs[0]?.end();
    assert.deepEqual(
      runs.map(({env}) => env?.MD5),
      ['md5-a', 'md5-c'],
    );
  });

  test('JSON on stdout -> the next STATE, on disk; empty output keeps the old, other text too', async () => {
    const {runs, tell, contents, said} = await openBench();
    await tell('a');
    await runs[0]?.end(' {"n": 1}\n');
    assert.equal(contents.get(STATE_PATH), '{"n": 1}');
    await tell('b');
    await runs[1]?.end('\n');
    await tell('c');
    await runs[2]?.end('hello');
    assert.equal(said('callback output ignored').length, 1);
    await tell('d');
    assert.deepEqual(
      runs.map(({env}) => env?.STATE),
      [undefined, '{"n": 1}', '{"n": 1}', '{"n": 1}'],
    );
  });

  test('a restart -> goes on with the STATE on disk', async () => {
    const {runs, tell} = await openBench({[STATE_PATH]: '{"n": 7}'});
    await tell('a');
    assert.equal(runs[0]?.env?.STATE, '{"n": 7}');
  });

  test('fault 6: a failure -> tried again after 1, 2, 4 s, with the latest news if there are any', async () => {
    const {clock, runs, tell} = await openBench();
    await tell('a');
    await runs[0]?.end({code: 1});
    await clock.advance(999);
    assert.equal(runs.length, 1);
    await clock.advance(1);
    assert.equal(runs.length, 2);
    await runs[1]?.end({code: undefined, ended: 'timeout'});
    await clock.advance(2000);
    assert.equal(runs.length, 3);
    await runs[2]?.end({ended: 'overflow'});
    await tell('b');
    assert.deepEqual(
      runs.map(({env}) => env?.MD5),
      ['md5-a', 'md5-a', 'md5-a', 'md5-b'],
    );
    await runs[3]?.end();
    await clock.advance(600_000);
    assert.equal(runs.length, 4);
  });

  test('more pods than a variable holds (E2BIG in 2017) -> in a file alone, named by PODS_FILE', async () => {
    const {runs, tell, contents} = await openBench({[STATE_PATH]: JSON.stringify('s'.repeat(200_000))});
    const pods = JSON.stringify('p'.repeat(200_000));
    await tell('a', pods);
    const {PODS, PODS_FILE = '', STATE, STATE_FILE = ''} = runs[0]?.env ?? {};
    assert.deepEqual([PODS, STATE], [undefined, undefined]);
    assert.equal(contents.get(PODS_FILE), pods);
    assert.equal(contents.get(STATE_FILE)?.length, 200_002);
  });

  test('closed -> what runs is ended, nothing is tried again', async () => {
    const {clock, callback, runs, tell} = await openBench();
    await tell('a');
    const closed = callback.close();
    assert.ok(runs[0]?.aborted());
    await clock.advance(60_000);
    await closed;
    await tell('b');
    assert.equal(runs.length, 1);
  });
});
