import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {
  type Job,
  type JobEffect,
  type JobEvent,
  type JobSettings,
  type Ladder,
  stepJob,
  stoppedJob,
} from '../../src/jobs/job.ts';
import {fc} from '../support/properties.ts';

const SETTINGS: JobSettings = {
  retries: 2,
  delayMs: failures => failures * 100,
  stableMs: 1000,
  readyWithinMs: 5000,
};
const LADDER: Ladder = [
  {signal: 'SIGUSR1', graceMs: 300},
  {signal: 'SIGTERM', graceMs: 200},
  {signal: 'SIGKILL', graceMs: 0},
];
const start: JobEvent = {is: 'start'};
const ready: JobEvent = {is: 'ready'};
const wake: JobEvent = {is: 'wake'};
const stop: JobEvent = {is: 'stop', ladder: LADDER};
const died: JobEvent = {is: 'exited', exit: {code: 1, signal: undefined}};

type Timed = readonly [atMs: number, event: JobEvent];

function after(...events: Timed[]): {job: Job; effects: readonly JobEffect[]} {
  let job = stoppedJob;
  let effects: readonly JobEffect[] = [];
  for (const [atMs, event] of events) [job, effects] = stepJob(job, event, atMs, SETTINGS);
  return {job, effects};
}

describe('job', () => {
  test('start -> spawned, killed when it is not ready in time', () => {
    const {job, effects} = after([10, start]);
    assert.deepEqual(job, {is: 'STARTING', failures: 0, sinceMs: 10});
    assert.deepEqual(effects, [{do: 'spawn'}, {do: 'wake', atMs: 5010}]);
    assert.deepEqual(after([10, start], [5009, wake]).effects, []);
    assert.deepEqual(after([10, start], [5010, wake]).effects, [{do: 'signal', signal: 'SIGKILL'}]);
  });

  test('start while it has a process or is about to -> nothing', () => {
    assert.deepEqual(after([0, start], [1, start]).effects, []);
    assert.deepEqual(after([0, start], [1, ready], [2, start]).job.is, 'RUNNING');
    assert.deepEqual(after([0, start], [1, died], [2, start]).job.is, 'BACKOFF');
    assert.deepEqual(after([0, start], [1, stop], [2, start]).job.is, 'STOPPING');
  });

  test('ready -> running; adopted -> running at once', () => {
    assert.deepEqual(after([0, start], [7, ready]).job, {is: 'RUNNING', failures: 0, sinceMs: 7});
    assert.deepEqual(after([7, {is: 'adopted'}]).job, {is: 'RUNNING', failures: 0, sinceMs: 7});
    assert.equal(after([0, start], [1, {is: 'adopted'}]).job.is, 'STARTING');
  });

  test('deaths while starting -> back-off, longer each time, then FATAL, which only a start leaves', () => {
    const first = after([0, start], [10, died]);
    assert.deepEqual([first.job.is, first.effects], ['BACKOFF', [{do: 'wake', atMs: 110}]]);
    const again: Timed[] = [
      [0, start],
      [10, died],
      [110, wake],
      [120, died],
      [320, wake],
    ];
    assert.deepEqual(after(...again).job, {is: 'STARTING', failures: 2, sinceMs: 320});
    const fatal = after(...again, [330, died]);
    assert.deepEqual(fatal, {job: {is: 'FATAL', failures: 3, exit: {code: 1, signal: undefined}}, effects: []});
    assert.equal(after(...again, [330, died], [9999, wake]).job.is, 'FATAL');
    assert.deepEqual(after(...again, [330, died], [400, start]).job, {is: 'STARTING', failures: 0, sinceMs: 400});
  });

  test('death of one that ran long enough -> counts as the first', () => {
    const twice: Timed[] = [
      [0, start],
      [10, died],
      [110, wake],
      [120, ready],
    ];
    assert.equal((after(...twice, [1119, died]).job as Job & {is: 'BACKOFF'}).failures, 2);
    assert.equal((after(...twice, [1120, died]).job as Job & {is: 'BACKOFF'}).failures, 1);
  });

  test('the end of one that is not to be restarted -> EXITED, which only a start leaves; before it was ready, a death', () => {
    const once = {...SETTINGS, restarts: () => false};
    const running: Job = {is: 'RUNNING', failures: 0, sinceMs: 0};
    const [ended, effects] = stepJob(running, died, 50, once);
    assert.deepEqual([ended, effects], [{is: 'EXITED', exit: {code: 1, signal: undefined}}, []]);
    for (const event of [ready, wake, stop, died]) assert.equal(stepJob(ended, event, 9999, once)[0], ended);
    assert.equal(stepJob(ended, start, 60, once)[0].is, 'STARTING');
    assert.equal(stepJob({is: 'STARTING', failures: 0, sinceMs: 0}, died, 50, once)[0].is, 'BACKOFF');
  });

  test('a wake before the back-off is over -> nothing', () => {
    assert.equal(after([0, start], [10, died], [109, wake]).job.is, 'BACKOFF');
  });

  test('stop -> climbs the ladder by itself, the last rung without a limit, ends when the process is gone', () => {
    const running: Timed[] = [
      [0, start],
      [1, ready],
    ];
    assert.deepEqual(after(...running, [10, stop]).effects, [
      {do: 'signal', signal: 'SIGUSR1'},
      {do: 'wake', atMs: 310},
    ]);
    assert.deepEqual(after(...running, [10, stop], [309, wake]).effects, []);
    assert.deepEqual(after(...running, [10, stop], [310, wake]).effects, [
      {do: 'signal', signal: 'SIGTERM'},
      {do: 'wake', atMs: 510},
    ]);
    const last = after(...running, [10, stop], [310, wake], [510, wake]);
    assert.deepEqual(last.effects, [{do: 'signal', signal: 'SIGKILL'}]);
    assert.equal((last.job as Job & {is: 'STOPPING'}).sinceMs, 10);
    assert.deepEqual(after(...running, [10, stop], [310, wake], [510, wake], [999_999, wake]).effects, []);
    assert.deepEqual(after(...running, [10, stop], [11, died]).job, stoppedJob);
  });

  test('stop, whose first signal it has been sent by us or another -> not sent again, its time counts', () => {
    const running: Timed[] = [
      [0, start],
      [1, ready],
    ];
    const waits = [{do: 'wake', atMs: 320}];
    assert.deepEqual(after(...running, [10, stop], [20, stop]).effects, waits);
    assert.deepEqual(after(...running, [20, {is: 'stop', ladder: LADDER, sent: 'SIGUSR1'}]).effects, waits);
    assert.deepEqual(after(...running, [20, stop], [30, {is: 'stop', ladder: [], sent: 'SIGUSR1'}]).effects, []);
    const sent = after(...running, [10, stop], [20, {is: 'stop', ladder: [], sent: undefined}], [30, stop]);
    assert.deepEqual(sent.effects, [{do: 'wake', atMs: 330}]);
    const harder: JobEvent = {is: 'stop', ladder: LADDER.slice(1), sent: 'SIGTERM'};
    assert.deepEqual(after(...running, [10, stop], [20, harder]).effects, [{do: 'wake', atMs: 220}]);
    const next = after(...running, [20, {is: 'stop', ladder: LADDER, sent: 'SIGUSR1'}], [320, wake]);
    assert.deepEqual(next.effects, [
      {do: 'signal', signal: 'SIGTERM'},
      {do: 'wake', atMs: 520},
    ]);
  });

  test('stop again while stopping -> the new ladder from its start', () => {
    const again = after([0, start], [1, ready], [10, stop], [20, {is: 'stop', ladder: LADDER.slice(1)}]);
    assert.deepEqual(again.effects, [
      {do: 'signal', signal: 'SIGTERM'},
      {do: 'wake', atMs: 220},
    ]);
  });

  test('stop during back-off -> stopped, no process to wait for', () => {
    assert.deepEqual(after([0, start], [10, died], [20, stop]), {job: stoppedJob, effects: []});
    assert.equal(after([0, start], [10, died], [20, stop], [110, wake]).job.is, 'STOPPED');
  });
});

/** What a supervisor does with the effects, and a process that may do anything at any time. */
test('job, any events beside a simple model -> one process at most, spawned only in STARTING, signalled only while it lives', () => {
  const event = fc.oneof(
    fc.constantFrom('start' as const, 'ready' as const, 'die' as const, 'stop' as const),
    fc.record({waitMs: fc.nat(7000)}),
  );
  fc.assert(
    fc.property(fc.array(event, {maxLength: 80, size: 'max'}), events => {
      let job = stoppedJob;
      let nowMs = 0;
      let wakeAtMs: number | undefined;
      let hasProcess = false;
      let deathsInARow = 0;
      const send = (next: JobEvent) => {
        const before = job;
        const [after_, effects] = stepJob(job, next, nowMs, SETTINGS);
        job = after_;
        if (job !== before) wakeAtMs = undefined;
        for (const effect of effects) {
          if (effect.do === 'spawn') {
            assert.equal(hasProcess, false);
            assert.equal(job.is, 'STARTING');
            hasProcess = true;
          } else if (effect.do === 'signal') {
            assert.ok(hasProcess);
          } else {
            assert.ok(effect.atMs >= nowMs);
            wakeAtMs = effect.atMs;
          }
        }
      };
      for (const next of events) {
        if (next === 'die') {
          if (!hasProcess) continue;
          hasProcess = false;
          deathsInARow = job.is === 'STOPPING' ? 0 : deathsInARow + 1;
          send(died);
        } else if (next === 'start') {
          if (job.is === 'STOPPED' || job.is === 'FATAL') deathsInARow = 0;
          send(start);
        } else if (next === 'ready') {
          if (hasProcess) send(ready);
        } else if (next === 'stop') {
          send(stop);
        } else {
          const untilMs = nowMs + next.waitMs;
          while (wakeAtMs !== undefined && wakeAtMs <= untilMs) {
            nowMs = wakeAtMs;
            wakeAtMs = undefined;
            send(wake);
          }
          nowMs = untilMs;
        }
        assert.equal(hasProcess, ['STARTING', 'RUNNING', 'STOPPING'].includes(job.is), job.is);
        if (job.is === 'BACKOFF') assert.ok(wakeAtMs !== undefined, 'nothing would end the back-off');
        if (job.is === 'FATAL') assert.ok(deathsInARow > SETTINGS.retries);
      }
    }),
    {numRuns: 1000},
  );
});
