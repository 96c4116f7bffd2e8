import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {superviseChild} from '../../src/jobs/child-job.ts';
import {formatUptime} from '../../src/jobs/handle.ts';
import {createTail} from '../../src/jobs/output.ts';
import {JOB_DEFAULTS, type JobSpec} from '../../src/jobs/spec.ts';
import {superviseJob} from '../../src/jobs/supervisor.ts';
import type {Command, Exit, OnLine, OwnChild, Spawn} from '../../src/ports/spawn.ts';
import {openLogSink} from '../members/fixtures.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {systemError} from '../support/system-error.ts';

interface FakeChild {
  readonly command: Command;
  readonly signals: string[];
  say: OnLine;
  exit(exit: Partial<Exit>): void;
}

function openBench(settings: Partial<JobSpec> = {}) {
  const clock = createFakeClock();
  const {log, said} = openLogSink();
  const children: FakeChild[] = [];
  let installed: boolean | 'nobody knows' = true;
  const spawn: Pick<Spawn, 'start' | 'run'> = {
    async start(command, onLine): Promise<OwnChild> {
      const {promise: exited, resolve} = Promise.withResolvers<Exit>();
      const signals: string[] = [];
      children.push({
        command,
        signals,
        say: onLine,
        exit: exit => resolve({code: undefined, signal: undefined, ...exit}),
      });
      const kill = (prefix: string) => (signal: NodeJS.Signals | 0) => {
        signals.push(`${prefix}${signal}`);
        if (signal === 'SIGKILL') resolve({code: undefined, signal});
        return true;
      };
      return {pid: 100 + children.length, exited, kill: kill(''), killGroup: kill('group ')};
    },
    async run() {
      if (installed === 'nobody knows') throw systemError('EAGAIN');
      return {code: installed ? 0 : 127, signal: undefined, stdout: '', stderr: '', timedOut: false};
    },
  };
  const job = superviseChild(
    {...JOB_DEFAULTS, name: 'beat', command: 'beat -v', ...settings},
    {clock, log, spawn, supervise: superviseJob, env: () => ({A: '1'}), cleared: Promise.resolve(), onChange: () => {}},
  );
  const outcome = <T>(answer: Promise<T>): {now: T | 'open'} => {
    const seen: {now: T | 'open'} = {now: 'open'};
    void answer.then(value => {
      seen.now = value;
    });
    return seen;
  };
  return {clock, job, children, said, outcome, setInstalled: (value: typeof installed) => (installed = value)};
}

describe('child job', () => {
  test('start -> answered once it has lived for startsecs; started again is said, and fine', async () => {
    const {clock, job, children, outcome} = openBench();
    const started = outcome(job.start());
    await clock.advance(999);
    assert.deepEqual([started.now, job.status().state], ['open', 'STARTING']);
    await clock.advance(1);
    assert.deepEqual(started.now, {ok: true, text: 'started'});
    assert.deepEqual(children[0]?.command, {file: '/bin/sh', args: ['-c', 'exec beat -v'], env: {A: '1'}});
    assert.deepEqual(await job.start(), {ok: true, text: 'ERROR (already started)'});
    await clock.advance(62_000);
    assert.deepEqual(job.status(), {state: 'RUNNING', description: 'pid 101, uptime 0:01:02'});
  });

  test('a list for a command -> no shell', async () => {
    const {clock, job, children} = openBench({command: ['beat', '-v x']});
    void job.start();
    await clock.advance(0);
    assert.deepEqual([children[0]?.command.file, children[0]?.command.args], ['beat', ['-v x']]);
  });

  test('dies before startsecs -> the start failed; tried again after 1, 2, 3 s, then FATAL', async () => {
    const {clock, job, children, outcome} = openBench();
    const started = outcome(job.start());
    await clock.advance(0);
    children[0]?.exit({code: 1});
    await clock.advance(0);
    assert.deepEqual(started.now, {ok: false, text: 'ERROR (abnormal termination)'});
    assert.deepEqual(job.status(), {state: 'BACKOFF', description: 'ended with exit code 1'});
    for (const [index, waitMs] of [1000, 2000, 3000].entries()) {
      await clock.advance(waitMs - 1);
      assert.equal(children.length, index + 1);
      await clock.advance(1);
      children[index + 1]?.exit({signal: 'SIGSEGV'});
      await clock.advance(0);
    }
    assert.deepEqual(job.status(), {state: 'FATAL', description: 'ended with SIGSEGV'});
  });

  for (const [autorestart, exit, state] of [
    ['always', {code: 0}, 'BACKOFF'],
    ['unexpected', {code: 0}, 'EXITED'],
    ['unexpected', {code: 3}, 'EXITED'],
    ['unexpected', {code: 1}, 'BACKOFF'],
    ['unexpected', {signal: 'SIGTERM'}, 'BACKOFF'],
    ['never', {code: 1}, 'EXITED'],
  ] as const) {
    test(`autorestart ${autorestart}, ended with ${JSON.stringify(exit)} -> ${state}`, async () => {
      const {clock, job, children} = openBench({autorestart, exitcodes: [0, 3]});
      void job.start();
      await clock.advance(1000);
      children[0]?.exit(exit);
      await clock.advance(0);
      assert.equal(job.status().state, state);
      await clock.advance(1000);
      assert.equal(children.length, state === 'EXITED' ? 1 : 2);
    });
  }

  test('startsecs 0, and it ends at once -> started, EXITED', async () => {
    const {clock, job, children, outcome} = openBench({startMs: 0});
    const started = outcome(job.start());
    await clock.advance(0);
    assert.deepEqual(started.now, {ok: true, text: 'started'});
    children[0]?.exit({code: 0});
    await clock.advance(0);
    assert.equal(job.status().state, 'EXITED');
    void job.start();
    await clock.advance(0);
    assert.equal(children.length, 2);
  });

  test('stop -> its signal; SIGKILL to all of its group after stopwaitsecs', async () => {
    const {clock, job, children, outcome} = openBench({stopsignal: 'SIGINT', stopWaitMs: 5000});
    void job.start();
    await clock.advance(1000);
    const stopped = outcome(job.stop());
    await clock.advance(4999);
    assert.deepEqual([children[0]?.signals, stopped.now], [['SIGINT'], 'open']);
    await clock.advance(1);
    assert.deepEqual(children[0]?.signals, ['SIGINT', 'group SIGKILL']);
    assert.deepEqual(stopped.now, {ok: true, text: 'stopped'});
    assert.deepEqual(await job.stop(), {ok: true, text: 'ERROR (not running)'});
  });

  test('restart -> another process after the first is gone; from a back-off at once', async () => {
    const {clock, job, children} = openBench();
    void job.start();
    await clock.advance(1000);
    void job.restart();
    await clock.advance(0);
    assert.equal(children.length, 1);
    children[0]?.exit({signal: 'SIGTERM'});
    await clock.advance(0);
    assert.equal(children.length, 2);
    children[1]?.exit({code: 1});
    await clock.advance(0);
    void job.restart();
    await clock.advance(0);
    assert.equal(children.length, 3);
  });

  test('its program is not there -> not started, one warning; a fault unless it is optional', async () => {
    const required = openBench();
    required.setInstalled(false);
    assert.deepEqual(await required.job.start(), {ok: false, text: 'ERROR (no such file)'});
    const {job, children, said, setInstalled} = openBench({optional: true});
    setInstalled(false);
    assert.deepEqual(await job.start(), {ok: true, text: 'ERROR (no such file)'});
    await job.start();
    assert.deepEqual([children.length, said('job is not started').length, job.isDown], [0, 1, true]);
  });

  test('no process can be started to look for its program -> started all the same, never a rejection', async () => {
    const {clock, job, children, outcome, setInstalled} = openBench();
    setInstalled('nobody knows');
    const started = outcome(job.start());
    await clock.advance(2000);
    assert.equal(children.length, 1);
    assert.deepEqual(started.now, {ok: true, text: 'started'});
  });

  test('what it writes -> logged, and remembered for tail', async () => {
    const {clock, job, children, said} = openBench();
    void job.start();
    await clock.advance(0);
    children[0]?.say('hello', 'stdout');
    assert.deepEqual(job.tail(), ['hello']);
    assert.deepEqual(
      said('job wrote').map(({job: name, line, pid}) => [name, line, pid]),
      [['beat', 'hello', 101]],
    );
  });
});

test('uptime -> as supervisorctl says it', () => {
  const times = [0, 62_999, 3_661_000, 86_400_000, 2 * 86_400_000 + 1000];
  assert.deepEqual(times.map(formatUptime), ['0:00:00', '0:01:02', '1:01:01', '1 day, 0:00:00', '2 days, 0:00:01']);
});

test('tail, more lines than it keeps -> the last ones', () => {
  const tail = createTail();
  for (let line = 0; line < 1000; line += 1) tail.add(String(line));
  assert.deepEqual([tail.lines().length, tail.lines().at(-1)], [200, '999']);
});
