import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {setImmediate} from 'node:timers/promises';
import type {Job, JobSettings} from '../../src/jobs/job.ts';
import {superviseJob} from '../../src/jobs/supervisor.ts';
import type {Child, Exit} from '../../src/ports/spawn.ts';
import {openLogSink} from '../members/fixtures.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {systemError} from '../support/system-error.ts';
import {takeUnhandled} from '../support/unhandled.ts';

/** As they stand in a line of the log. */
const [INFO, WARN] = [30, 40];

const SETTINGS: JobSettings = {retries: 1, delayMs: () => 100, stableMs: 1000, readyWithinMs: 5000};

interface FakeChild extends Child {
  readonly signals: string[];
  exit(exit?: Partial<Exit>): void;
}

function createChild(pid: number): FakeChild {
  const {promise: exited, resolve} = Promise.withResolvers<Exit>();
  const signals: string[] = [];
  return {
    pid,
    exited,
    signals,
    kill(signal) {
      signals.push(signal);
      return true;
    },
    exit: exit => resolve({code: undefined, signal: undefined, ...exit}),
  };
}

/** A supervisor over children that do what the test says. `launches` gives what each launch comes to. */
function openBench(launches: (() => Promise<Child>)[] = []) {
  const clock = createFakeClock();
  const {log, said} = openLogSink();
  const children: FakeChild[] = [];
  const seen: Job['is'][] = [];
  const readiness: PromiseWithResolvers<void>[] = [];
  const aborted: boolean[] = [];
  const supervisor = superviseJob(
    'haproxy',
    {generation: 3},
    {
      clock,
      log,
      launch: async () => {
        const launch = launches.shift();
        if (launch !== undefined) return launch();
        const child = createChild(100 + children.length);
        children.push(child);
        return child;
      },
      untilReady(_child, signal) {
        const ready = Promise.withResolvers<void>();
        readiness.push(ready);
        signal.addEventListener('abort', () => aborted.push(true));
        return ready.promise;
      },
      settings: () => SETTINGS,
      onChange: job => seen.push(job.is),
    },
  );
  return {clock, supervisor, children, seen, readiness, aborted, said};
}

describe('supervisor', () => {
  test('start, ready -> running, each change logged once with its job and fields', async () => {
    const {clock, supervisor, readiness, seen, said, children} = openBench();
    supervisor.start();
    await clock.advance(0);
    assert.equal(supervisor.child, children[0]);
    readiness[0]?.resolve();
    assert.equal((await supervisor.reached(({is}) => is === 'RUNNING')).is, 'RUNNING');
    assert.deepEqual(seen, ['STARTING', 'RUNNING']);
    assert.deepEqual(
      said('job changed state').map(({job, generation, from, to, pid}) => [job, generation, from, to, pid]),
      [
        ['haproxy', 3, 'STOPPED', 'STARTING', undefined],
        ['haproxy', 3, 'STARTING', 'RUNNING', 100],
      ],
    );
  });

  test('a death -> another process after the back-off; too many -> FATAL, with the exit; both are warned of', async () => {
    const {clock, supervisor, children, seen, aborted, said} = openBench();
    supervisor.start();
    await clock.advance(0);
    children[0]?.exit({code: 1});
    await clock.advance(99);
    assert.deepEqual([children.length, supervisor.child, aborted], [1, undefined, [true]]);
    await clock.advance(1);
    assert.equal(children.length, 2);
    children[1]?.exit({signal: 'SIGSEGV'});
    const job = await supervisor.reached(({is}) => is === 'FATAL');
    assert.deepEqual(job, {is: 'FATAL', failures: 2, exit: {code: undefined, signal: 'SIGSEGV'}});
    assert.deepEqual(seen, ['STARTING', 'BACKOFF', 'STARTING', 'FATAL']);
    assert.deepEqual(
      said('job changed state').map(({level, to}) => [level, to]),
      [
        [INFO, 'STARTING'],
        [WARN, 'BACKOFF'],
        [INFO, 'STARTING'],
        [WARN, 'FATAL'],
      ],
    );
  });

  test('a bug in its launch, or in the look whether it is ready -> nobody takes it: the program is not blamed', async () => {
    using unhandled = takeUnhandled();
    const bug = new TypeError('undefined is not a function');
    const launching = openBench([() => Promise.reject(bug)]);
    launching.supervisor.start();
    await launching.clock.advance(0);
    const looking = openBench();
    looking.supervisor.start();
    await looking.clock.advance(0);
    looking.readiness[0]?.reject(bug);
    await setImmediate();
    assert.deepEqual(unhandled.errors, [bug, bug]);
    assert.deepEqual(launching.said('job cannot be spawned'), []);
    assert.deepEqual([launching.supervisor.job.is, looking.supervisor.job.is], ['STARTING', 'STARTING']);
  });

  test('a program that cannot be spawned -> counts as a death', async () => {
    const {clock, supervisor, said, children} = openBench([() => Promise.reject(systemError('ENOENT'))]);
    supervisor.start();
    await clock.advance(0);
    assert.equal(supervisor.job.is, 'BACKOFF');
    assert.equal(said('job cannot be spawned')[0]?.reason, 'ENOENT: refused by a test');
    await clock.advance(100);
    assert.equal(children.length, 1);
  });

  test('readiness of a process that is gone -> does not count for the next one', async () => {
    const {clock, supervisor, children, readiness} = openBench();
    supervisor.start();
    await clock.advance(0);
    children[0]?.exit();
    await clock.advance(100);
    readiness[0]?.resolve();
    await clock.advance(0);
    assert.equal(supervisor.job.is, 'STARTING');
    readiness[1]?.resolve();
    await clock.advance(0);
    assert.equal(supervisor.job.is, 'RUNNING');
  });

  test('stop -> the ladder in its time, until the process is gone', async () => {
    const {clock, supervisor, children, readiness} = openBench();
    supervisor.start();
    await clock.advance(0);
    readiness[0]?.resolve();
    await clock.advance(0);
    supervisor.stop([
      {signal: 'SIGTERM', graceMs: 500},
      {signal: 'SIGKILL', graceMs: 0},
    ]);
    assert.deepEqual(children[0]?.signals, ['SIGTERM']);
    await clock.advance(500);
    assert.deepEqual(children[0]?.signals, ['SIGTERM', 'SIGKILL']);
    children[0]?.exit({signal: 'SIGKILL'});
    await supervisor.reached(({is}) => is === 'STOPPED');
    await clock.advance(60_000);
    assert.equal(children.length, 1);
  });

  test('stop while its process is being spawned -> ended as soon as it is there', async () => {
    const {promise, resolve} = Promise.withResolvers<Child>();
    const late = createChild(7);
    const {clock, supervisor} = openBench([() => promise]);
    supervisor.start();
    supervisor.stop([{signal: 'SIGKILL', graceMs: 0}]);
    resolve(late);
    await clock.advance(0);
    assert.deepEqual(late.signals, ['SIGTERM']);
    await clock.advance(1000);
    assert.deepEqual(late.signals, ['SIGTERM', 'SIGKILL']);
    late.exit();
    await supervisor.reached(({is}) => is === 'STOPPED');
  });

  test('adopted -> running; its end is answered like any other death', async () => {
    const {clock, supervisor, children} = openBench();
    const adopted = createChild(42);
    supervisor.adopt(adopted);
    assert.deepEqual([supervisor.job.is, supervisor.child?.pid], ['RUNNING', 42]);
    adopted.exit();
    await clock.advance(100);
    assert.equal(children.length, 1);
  });
});
