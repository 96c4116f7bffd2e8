import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {DaemonError} from '../../src/errors.ts';
import type {Activity} from '../../src/jobs/proc.ts';
import type {StagedGeneration} from '../../src/reload/generation.ts';
import {createLiveness, describeSilence, type Hang, isHang} from '../../src/reload/liveness.ts';
import {openLogSink} from '../members/fixtures.ts';
import {createFakeClock} from '../support/fake-clock.ts';

describe('a silence', () => {
  const HANG_MS = 10_000;
  const silence = (
    before: Activity | undefined,
    after: Activity | undefined,
    waitedMs = HANG_MS,
    silentMs = waitedMs,
  ) => isHang({hangMs: HANG_MS, waitedMs, silentMs, before, after});

  test('the process is stopped, sleeps or waits for a disk -> a hang', () => {
    for (const state of ['T', 't', 'S', 'D']) assert.ok(silence({state: 'S', cpuMs: 5}, {state, cpuMs: 5}), state);
  });

  test('it runs and had the CPU most of the time -> it spins: a hang', () => {
    assert.ok(silence({state: 'R', cpuMs: 0}, {state: 'R', cpuMs: 5000}));
  });

  test('it wants the CPU and hardly gets it -> none, up to three periods', () => {
    const before = {state: 'R', cpuMs: 70_000};
    const after = {state: 'R', cpuMs: 74_990};
    assert.ok(!silence(before, after));
    assert.ok(!silence(before, after, HANG_MS, 2 * HANG_MS));
    assert.ok(silence(before, after, HANG_MS, 3 * HANG_MS));
  });

  test('we waited longer than we wanted to -> it was us who slept: none', () => {
    const stopped = {state: 'T', cpuMs: 0};
    assert.ok(silence(stopped, stopped, HANG_MS + 1000));
    assert.ok(!silence(stopped, stopped, HANG_MS + 1001));
  });

  test('what the process does cannot be seen -> a hang', () => {
    assert.ok(silence(undefined, undefined));
  });
});

test('a question waits -> told from 3 s on, since the last answer; it counts as hung once it waited for so long', () => {
  const told = (waitedMs: number, silentMs: number, hangMs: number) => {
    const {silentMs: shown, isHung} = describeSilence({waitedMs, silentMs, works: false}, hangMs);
    return [shown, isHung];
  };
  assert.deepEqual(describeSilence({waitedMs: 9000, silentMs: 9001, works: true}, 4000), {
    silentMs: 9001,
    isHung: false,
    isDeaf: true,
  });
  assert.deepEqual(told(2999, 4000, 4000), [0, false]);
  assert.deepEqual(told(3000, 4000.4, 4000), [4000, false]);
  assert.deepEqual(told(4000, 5000, 4000), [5000, true]);
  assert.deepEqual(
    [told(0, 0, 0), told(9000, 9000, 0)],
    [
      [0, false],
      [9000, false],
    ],
  );
  assert.deepEqual(
    [told(0, 0, 1), told(1, 1, 1)],
    [
      [0, false],
      [0, true],
    ],
  );
});

const NOT_ASKED = ['ENOENT', 'ECONNREFUSED', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP', 'EMFILE', 'ENFILE'] as const;

/** Answers are given by the test: a delay, or `never`; or the code of a refusal. */
type Answer = number | 'never' | 'EAGAIN' | (typeof NOT_ASKED)[number];

function open(answers: readonly Answer[], hangMs = 10_000, sleepsOf: () => number | undefined = () => 0) {
  const clock = createFakeClock(100_000.5);
  const hangs: Hang[] = [];
  const signals: string[] = [];
  const gone = Promise.withResolvers<{code: undefined; signal: string}>();
  const supervisor = {
    job: {is: 'RUNNING'},
    child: undefined as unknown,
    stop: (): void => assert.fail('restarted, not stopped'),
  };
  const obeys = {to: 'SIGKILL'};
  supervisor.child = {
    pid: 17,
    exited: gone.promise,
    kill(signal: string) {
      signals.push(signal);
      if (signal !== obeys.to) return true;
      supervisor.child = undefined;
      gone.resolve({code: undefined, signal});
      return true;
    },
  };
  let asked = 0;
  const waiting = new Set<object>();
  const {log, said} = openLogSink();
  const liveness = createLiveness({
    clock,
    log,
    hangMs,
    onHang: hang => hangs.push(hang),
    processes: {
      activity: async () => ({state: 'S', cpuMs: 0}),
      sleeps: async () => sleepsOf() ?? Promise.reject(new Error('EMFILE')),
    },
    async ask(_socket, _command, limitMs, signal) {
      const question = {};
      waiting.add(question);
      return new Promise<string>((resolve, reject) => {
        assert.ok(Number.isInteger(limitMs), 'a timer takes whole milliseconds');
        const answer = answers[asked] ?? 'never';
        asked += 1;
        signal?.addEventListener('abort', () => reject(signal.reason));
        const fail = (code?: string) =>
          reject(new DaemonError('PROXY', 'refused', {cause: Object.assign(new Error(code), code && {code})}));
        if (typeof answer === 'string' && answer !== 'never') fail(answer);
        else if (answer === 'never' || answer > limitMs) clock.after(limitMs, fail);
        else clock.after(answer, () => resolve(''));
      }).finally(() => waiting.delete(question));
    },
  });
  const generation = {number: 3, paths: {socket: 's'}, supervisor} as unknown as StagedGeneration;
  return {
    clock,
    liveness,
    generation,
    hangs,
    signals,
    supervisor,
    obeys,
    said,
    asked: () => asked,
    open: () => waiting.size,
  };
}

describe('liveness', () => {
  test('an answer, however late within the period -> nobody is ended', async () => {
    const {clock, liveness, generation, signals} = open([9999]);
    const check = liveness.check(generation, true);
    await clock.advance(9000);
    assert.deepEqual(liveness.silence(generation), {waitedMs: 9000, silentMs: 9000, works: false});
    await clock.advance(1000);
    assert.equal(await check, undefined);
    assert.deepEqual(liveness.silence(generation), {waitedMs: 0, silentMs: 0, works: false});
    assert.deepEqual(signals, []);
  });

  test('it answered once, and never again -> silent since its last answer', async () => {
    const {clock, liveness, generation, hangs} = open([100]);
    const first = liveness.check(generation, true);
    await clock.advance(100);
    await first;
    await clock.advance(2000);
    const check = liveness.check(generation, true);
    await clock.advance(4000);
    assert.deepEqual(liveness.silence(generation), {waitedMs: 4000, silentMs: 6000, works: false});
    await clock.advance(6500);
    await check;
    assert.deepEqual(
      hangs.map(({silentMs}) => silentMs),
      [12_000],
    );
  });

  test('one connection hangs, another is answered -> nobody is ended, and no question is left open', async () => {
    const {clock, liveness, generation, signals, open: left} = open(['never', 3000]);
    const check = liveness.check(generation, true);
    await clock.advance(5000);
    assert.equal(left(), 2);
    await clock.advance(3500);
    assert.equal(await check, undefined);
    assert.deepEqual([signals, left()], [[], 0]);
  });

  test('no answer -> TERM, then KILL, told once to all who wait', async () => {
    const {clock, liveness, generation, signals, hangs} = open([]);
    const checks = Promise.all([liveness.check(generation, true), liveness.check(generation, true)]);
    await clock.advance(10_500);
    const hang = {generation: 3, pid: 17, silentMs: 10_000, restarts: true};
    assert.deepEqual(await checks, [hang, hang]);
    assert.deepEqual(hangs, [hang]);
    assert.deepEqual(signals, ['SIGTERM', 'SIGKILL']);
  });

  test('it obeys TERM -> no KILL', async () => {
    const {clock, liveness, generation, signals, obeys} = open([]);
    obeys.to = 'SIGTERM';
    const check = liveness.check(generation, true);
    await clock.advance(10_500);
    await check;
    assert.deepEqual(signals, ['SIGTERM']);
  });

  test('the queue of questions is full (EAGAIN) -> silence as any other', async () => {
    const {clock, liveness, generation, hangs, asked} = open(Array<Answer>(200).fill('EAGAIN'));
    const check = liveness.check(generation, true);
    await clock.advance(11_000);
    await check;
    assert.equal(hangs.length, 1);
    assert.ok(asked() <= 152, `asked ${asked()} times`);
  });

  test('nobody is there to ask, or its socket cannot be reached -> no silence', async () => {
    for (const answer of NOT_ASKED) {
      const {liveness, generation, signals} = open([answer]);
      assert.equal(await liveness.check(generation, true), undefined);
      assert.deepEqual(signals, []);
    }
  });

  test('it was told to finish, or died, meanwhile -> it need not answer', async () => {
    for (const change of [{job: {is: 'STOPPING'}}, {child: undefined}]) {
      const {clock, liveness, generation, supervisor, signals} = open([]);
      const check = liveness.check(generation, true);
      await clock.advance(5000);
      Object.assign(supervisor, change);
      await clock.advance(6000);
      assert.equal(await check, undefined);
      assert.deepEqual(signals, []);
    }
  });

  test('one that retires hangs -> ended for good, and told of once it is gone', async () => {
    const {clock, liveness, generation, hangs, supervisor} = open([]);
    const stopped = Promise.withResolvers<void>();
    Object.assign(supervisor, {
      stop() {
        supervisor.job = {is: 'STOPPING'};
      },
      async reached(isIt: (job: typeof supervisor.job) => boolean) {
        while (!isIt(supervisor.job)) await stopped.promise;
      },
    });
    const check = liveness.check(generation, false);
    await clock.advance(11_000);
    assert.deepEqual([supervisor.job.is, hangs], ['STOPPING', []]);
    supervisor.job = {is: 'STOPPED'};
    stopped.resolve();
    assert.deepEqual([await check], hangs);
  });

  test('switched off -> nobody is asked; a period of 1 ms is one', async () => {
    const off = open([], 0);
    assert.equal(await off.liveness.check(off.generation, true), undefined);
    assert.equal(off.asked(), 0);
    const short = open([], 1);
    const check = short.liveness.check(short.generation, true);
    await short.clock.advance(500);
    assert.deepEqual([await check], short.hangs);
  });

  test('the daemon itself was stopped meanwhile -> another period', async () => {
    const {clock, liveness, generation, signals} = open(['never', 'never', 5000]);
    const check = liveness.check(generation, true);
    await clock.advance(5000);
    clock.pause(20_000);
    await clock.advance(6000);
    assert.equal(await check, undefined);
    assert.deepEqual(signals, []);
  });

  test('no answer, but it goes on working -> left alone, told of once, silent until it answers', async () => {
    const seen = {sleeps: 5};
    const {clock, liveness, generation, signals, hangs, said} = open(
      [100, ...Array<Answer>(4).fill('never'), 50],
      10_000,
      () => (seen.sleeps += 3),
    );
    const answered = liveness.check(generation, true);
    await clock.advance(100);
    await answered;
    for (const round of [1, 2]) {
      await clock.advance(2000);
      const check = liveness.check(generation, true);
      await clock.advance(10_000);
      assert.equal(await check, undefined);
      const waitedMs = round * 12_000 - 2000;
      assert.deepEqual(liveness.silence(generation), {waitedMs, silentMs: waitedMs + 2000, works: true});
      assert.equal(said('works, but answers nothing').length, 1);
    }
    const last = liveness.check(generation, true);
    await clock.advance(50);
    await last;
    assert.deepEqual(liveness.silence(generation), {waitedMs: 0, silentMs: 0, works: false});
    assert.deepEqual([signals, hangs], [[], []]);
    assert.equal(said('works, but answers nothing').length, 1);
  });

  test('it answers before a second question is due -> nobody looks how it works', async () => {
    let looks = 0;
    const {clock, liveness, generation} = open([100], 10_000, () => ++looks);
    const check = liveness.check(generation, true);
    await clock.advance(20_000);
    assert.deepEqual([await check, looks], [undefined, 0]);
  });

  for (const [name, numbers] of [
    ['it went to sleep twice: it was stopped and goes on', [5, 7]],
    ['it cannot be seen how often at first', [undefined, 7]],
    ['it cannot be seen how often in the end', [5, undefined]],
  ] as const) {
    test(`no answer, ${name} -> a hang`, async () => {
      const left = [...numbers];
      const {clock, liveness, generation, hangs} = open([], 10_000, () => left.shift());
      const check = liveness.check(generation, true);
      await clock.advance(10_500);
      assert.deepEqual([await check], hangs);
    });
  }
});
