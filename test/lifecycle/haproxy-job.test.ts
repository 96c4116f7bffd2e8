import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {DaemonError} from '../../src/errors.ts';
import {createHaproxyJob} from '../../src/lifecycle/haproxy-job.ts';
import type {Candidate} from '../../src/reload/candidate.ts';
import type {ProxyStatus} from '../../src/reload/generations.ts';
import {createMemoryFiles, openLogSink} from '../members/fixtures.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {systemError} from '../support/system-error.ts';

const PATH = '/data/proxy.cfg';

function openBench(onDisk?: string) {
  const clock = createFakeClock(5000);
  const {log} = openLogSink();
  const {files, contents, modes, failWith} = createMemoryFiles(onDisk === undefined ? {} : {[PATH]: onDisk});
  const told: string[] = [];
  /** What passes do while a candidate is checked. */
  const passes: (() => void)[] = [];
  const commit = (newer: string) => {
    text = newer;
    contents.set(PATH, newer);
  };
  const faults: {check?: Error; apply?: Error} = {};
  let text: string | undefined;
  let state: ProxyStatus['state'] = 'STOPPED';
  let sinceMs: number | undefined;
  const become = (next: ProxyStatus['state']) => {
    state = next;
    sinceMs = next === 'RUNNING' ? clock.nowMs() : undefined;
  };
  const job = createHaproxyJob({
    clock,
    files,
    log,
    proxy: {
      committedPath: PATH,
      get text() {
        return text;
      },
      get servingSinceMs() {
        return sinceMs;
      },
      get status() {
        return {
          state,
          pid: state === 'RUNNING' || state === 'STARTING' ? 17 : null,
          generation: 3,
          restarts: 0,
          silentMs: 0,
          isHung: false,
          isDeaf: false,
          hangs: 0,
          draining: [],
        };
      },
      async stage(staged): Promise<Candidate> {
        told.push(`stage ${JSON.stringify(staged)}`);
        return {text: staged, generation: 3, files: ['/data/run/3.cfg'], configuration: '/data/run/3.cfg'};
      },
      async discard() {
        told.push('discard');
      },
    },
    queue: {
      async apply(candidate, options) {
        if (faults.apply) throw faults.apply;
        if ('files' in candidate) await options?.check?.(candidate);
        told.push('apply');
        text = candidate.text;
        become('RUNNING');
        contents.set(PATH, candidate.text);
        return {generation: 3, way: 'plain', why: ''};
      },
      async drain() {
        told.push('drain');
        become('STOPPED');
        return true;
      },
    },
    async check() {
      if (faults.check) throw faults.check;
      passes.shift()?.();
      return [];
    },
    graceMs: 1000,
    skip: AbortSignal.any([]),
    tail: () => ['last words'],
  });
  return {clock, job, told, faults, contents, modes, failWith, passes, commit, become};
}

describe('haproxy as a job', () => {
  test('start -> takes proxy.cfg as it lies there; running already is said, and fine', async () => {
    const {job, told} = openBench('frontend f');
    assert.partialDeepStrictEqual(await job.start(), {ok: true, text: 'started'});
    assert.deepEqual(told, ['stage "frontend f\\n"', 'apply']);
    assert.deepEqual(await job.start(), {ok: true, text: 'ERROR (already started)'});
  });

  test('nothing to start from -> an error that names the file', async () => {
    const {job} = openBench();
    assert.partialDeepStrictEqual(await job.restart(), {
      ok: false,
      text: 'ERROR (cannot start haproxy: there is no /data/proxy.cfg)',
    });
  });

  test('restart with a file changed by hand -> the candidate; the state that asked shares the outcome', async () => {
    const {job, told, contents} = openBench('old\n');
    await job.start();
    contents.set(PATH, 'by hand\n');
    assert.deepEqual(await job.restart(), {ok: true, text: 'started', applied: {fault: undefined}});
    assert.equal(told.at(-2), 'stage "by hand\\n"');
  });

  test('restart, unchanged -> a reload all the same', async () => {
    const {job, told} = openBench('old\n');
    await job.start();
    told.length = 0;
    await job.restart();
    assert.deepEqual(told, ['stage "old\\n"', 'apply']);
  });

  test('restart when somebody removed the file -> what runs is the candidate', async () => {
    const {job, told, contents} = openBench('old\n');
    await job.start();
    contents.delete(PATH);
    await job.restart();
    assert.equal(told.at(-2), 'stage "old\\n"');
  });

  for (const at of ['check', 'apply'] as const) {
    test(`fault 4: refused at ${at} -> the committed text is restored, KO with the reason`, async () => {
      const {job, told, faults, contents, modes} = openBench('old\n');
      await job.start();
      contents.set(PATH, 'nonsense\n');
      told.length = 0;
      faults[at] = new DaemonError('LIFECYCLE', 'unknown keyword');
      const fault = faults[at];
      assert.deepEqual(await job.restart(), {ok: false, text: 'ERROR (unknown keyword)', applied: {fault}});
      assert.deepEqual([contents.get(PATH), modes.get(PATH)], ['old\n', 0o640]);
      assert.deepEqual(
        told.filter(one => one.startsWith('stage')),
        ['stage "nonsense\\n"'],
      );
    });
  }

  test('refused, and the disk is full -> still an answer', async () => {
    const {job, faults, contents, failWith} = openBench('old\n');
    await job.start();
    contents.set(PATH, 'nonsense\n');
    faults.check = new DaemonError('LIFECYCLE', 'unknown keyword');
    failWith(systemError('ENOSPC'));
    assert.equal((await job.restart()).ok, false);
  });

  test('restart while a pass commits another text -> that is reloaded, not the one from before', async () => {
    const {job, told, contents, passes, commit} = openBench('old\n');
    await job.start();
    told.length = 0;
    passes.push(() => commit('newer\n'));
    assert.partialDeepStrictEqual(await job.restart(), {ok: true, text: 'started'});
    assert.deepEqual(told, ['stage "old\\n"', 'stage "newer\\n"', 'apply']);
    assert.equal(contents.get(PATH), 'newer\n');
  });

  test('restart, the file read in the midst of a commit -> what the pass made is reloaded', async () => {
    const {job, told, contents, passes, commit} = openBench('old\n');
    await job.start();
    commit('newer\n');
    contents.set(PATH, 'old\n');
    told.length = 0;
    passes.push(() => contents.set(PATH, 'newer\n'));
    assert.partialDeepStrictEqual(await job.restart(), {ok: true, text: 'started'});
    assert.deepEqual(told, ['stage "old\\n"', 'stage "newer\\n"', 'apply']);
  });

  test('restart while pass after pass commits -> what the last one made is not checked again, and reloaded', async () => {
    const {job, told, passes, commit} = openBench('old\n');
    await job.start();
    for (let pass = 1; pass <= 10; pass++) passes.push(() => commit(`pass ${pass}\n`));
    told.length = 0;
    assert.partialDeepStrictEqual(await job.restart(), {ok: true, text: 'started'});
    assert.deepEqual(told, ['stage "old\\n"', 'stage "pass 1\\n"', 'apply']);
  });

  test('restart while a hand writes again and again -> KO after the fifth text, the committed one is put back', async () => {
    const {job, told, contents, passes} = openBench('old\n');
    await job.start();
    for (let pass = 1; pass <= 10; pass++) passes.push(() => contents.set(PATH, `pass ${pass}\n`));
    told.length = 0;
    assert.partialDeepStrictEqual(await job.restart(), {
      ok: false,
      text: 'ERROR (cannot restart haproxy: its configuration keeps changing)',
    });
    assert.deepEqual(
      told.filter(one => one !== 'discard'),
      ['old', 'pass 1', 'pass 2', 'pass 3', 'pass 4'].map(text => `stage "${text}\\n"`),
    );
    assert.equal(contents.get(PATH), 'old\n');
  });

  test('stop -> drained; again is said, and fine', async () => {
    const {job, told} = openBench('old\n');
    await job.start();
    assert.deepEqual(await job.stop(), {ok: true, text: 'stopped'});
    assert.equal(told.at(-1), 'drain');
    assert.deepEqual(await job.stop(), {ok: true, text: 'ERROR (not running)'});
  });

  test('status and tail -> as supervisorctl shows them', async () => {
    const {clock, job, become} = openBench('old\n');
    assert.deepEqual(job.status(), {state: 'STOPPED', description: 'Not running'});
    become('STARTING');
    assert.deepEqual(job.status(), {state: 'STARTING', description: ''});
    become('STOPPED');
    await job.start();
    // Since it runs, not since somebody asked for the first time.
    await clock.advance(62_000);
    assert.deepEqual(job.status(), {state: 'RUNNING', description: 'pid 17, uptime 0:01:02, generation 3'});
    assert.deepEqual(job.tail(), ['last words']);
  });
});
