import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {setImmediate} from 'node:timers/promises';
import {DaemonError} from '../../src/errors.ts';
import {openLifecycle, type Visit, type VisitRequest} from '../../src/lifecycle/lifecycle.ts';
import {openLogSink} from '../members/fixtures.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {takeUnhandled} from '../support/unhandled.ts';
import {manifestOf} from './fixtures.ts';

const MANIFEST = manifestOf(`
initial: setup
terminal: stop
states:
  - {tag: setup, shell: setting up, next: [configure]}
  - tag: configure
    run: [render, validate, apply]
    next: [configure, plain, mixed, forced, timed]
  - {tag: plain, shell: a block, next: ['*']}
  - {tag: mixed, run: [{shell: before}, restart haproxy, {shell: after}], next: ['*']}
  - {tag: forced, shell: a block, force: true, next: ['*']}
  - {tag: timed, shell: a block, timeout: 5, next: ['*']}
  - {tag: stop, run: [drain]}
`);

/** As in 2017: it has blocks alone. */
const BLOCKS = manifestOf(`
initial: setup
terminal: stop
states:
  - {tag: setup, shell: setting up, next: [configure]}
  - {tag: configure, shell: a block, next: ['*']}
  - {tag: plain, shell: a block, next: ['*']}
  - {tag: stop}
`);

interface Step {
  readonly what: string;
  readonly visit: Visit | undefined;
  readonly signal: AbortSignal | undefined;
  end(fault?: unknown): Promise<void>;
}

/** A lifecycle whose steps end when told; those that listen to their signal end with it. */
function openBench(manifest = MANIFEST) {
  const clock = createFakeClock(5000);
  const {log, said} = openLogSink();
  const steps: Step[] = [];
  const visits: [string, string][] = [];
  const faults = {begin: undefined as unknown, done: undefined as unknown};
  const restarted: boolean[] = [];
  const take = (what: string, visit?: Visit, signal?: AbortSignal): Promise<void> => {
    const {promise, resolve, reject} = Promise.withResolvers<void>();
    steps.push({
      what,
      visit,
      signal,
      async end(fault) {
        if (fault === undefined) resolve();
        else reject(fault);
        await clock.advance(0);
      },
    });
    signal?.addEventListener('abort', () => reject(signal.reason));
    if (signal?.aborted) reject(signal.reason);
    return promise;
  };
  const lifecycle = openLifecycle({
    manifest,
    clock,
    log,
    actions: {
      render: (visit, signal) => take('render', visit, signal),
      validate: (visit, signal) => take('validate', visit, signal),
      apply: visit => take('apply', visit),
      telegraf: visit => take('telegraf', visit),
      drain: visit => take('drain', visit),
    },
    runJob: (verb, job) => take(`${verb} ${job}`),
    runShell: (block, visit, signal) => take(block, visit, signal),
    async onVisitBegun() {
      if (faults.begin !== undefined) throw faults.begin;
    },
    async onStepsDone(_, hasRestarted) {
      restarted.push(hasRestarted);
      if (faults.done !== undefined) throw faults.done;
    },
    async onVisitEnded(visit, fault) {
      visits.push([visit.tag, fault === undefined ? 'ok' : String((fault as Error).message)]);
    },
  });
  /** Starts a request and says what became of it so far. */
  const ask = (tag: string, asked: Partial<VisitRequest> = {}) => {
    const outcome = {now: 'open'};
    lifecycle.goTo(tag, {cause: 'test', origin: 'socket', ...asked}).then(
      () => {
        outcome.now = 'OK';
      },
      (error: Error) => {
        outcome.now = error.message;
      },
    );
    return outcome;
  };
  const last = (): Step => steps.at(-1) ?? assert.fail('nothing runs');
  /** Booted and in `configure`, at rest. */
  const start = async () => {
    const booted = lifecycle.boot();
    await clock.advance(0);
    await last().end();
    await booted;
    ask('configure');
    await clock.advance(0);
    for (const _ of manifest.states.get('configure')?.steps ?? []) await last().end();
    steps.length = 0;
    visits.length = 0;
    restarted.length = 0;
  };
  return {clock, lifecycle, steps, visits, faults, restarted, ask, last, start, said};
}

describe('lifecycle', () => {
  test('boot -> the work of the initial state; its failure is what boot rejects with', async () => {
    const {clock, lifecycle, last, visits} = openBench();
    const booted = assert.rejects(lifecycle.boot(), /no/);
    await clock.advance(0);
    assert.deepEqual([lifecycle.state.tag, last().what], ['setup', 'setting up']);
    await last().end(new DaemonError('LIFECYCLE', 'no'));
    await booted;
    assert.deepEqual(visits, [['setup', 'no']]);
    assert.equal(lifecycle.lastFault, 'no');
  });

  test('each state that is entered -> told once, and how long it has lasted', async () => {
    const {clock, lifecycle, said, start} = openBench();
    await start();
    await clock.advance(500);
    assert.deepEqual(lifecycle.state, {tag: 'configure', sinceMs: 500});
    assert.deepEqual(
      said('lifecycle entered a state').map(({from, to}) => `${from} ${to}`),
      ['new setup', 'setup configure'],
    );
  });

  test('steps -> in their order, shells between actions and jobs; one that fails is the last', async () => {
    const {clock, ask, last, start, steps, visits} = openBench();
    await start();
    const outcome = ask('mixed');
    await clock.advance(0);
    await last().end();
    await last().end(new DaemonError('LIFECYCLE', 'refused'));
    assert.deepEqual(
      steps.map(({what}) => what),
      ['before', 'restart haproxy'],
    );
    assert.deepEqual([outcome.now, visits], ['refused', [['mixed', 'refused']]]);
  });

  test('GOTO -> OK once entered; WAIT -> OK once its work is done', async () => {
    const {clock, ask, last, start} = openBench();
    await start();
    const [entered, done] = [ask('plain', {until: 'entered'}), ask('plain')];
    await clock.advance(0);
    assert.deepEqual([entered.now, done.now], ['OK', 'open']);
    await last().end();
    await last().end();
    assert.equal(done.now, 'OK');
  });

  test('fault 4: work that failed -> WAIT is told so, and why', async () => {
    const {clock, ask, last, start, lifecycle} = openBench();
    await start();
    const outcome = ask('plain');
    await clock.advance(0);
    await last().end(new DaemonError('LIFECYCLE', 'exit code 1'));
    assert.deepEqual([outcome.now, lifecycle.lastFault, lifecycle.state.tag], ['exit code 1', 'exit code 1', 'plain']);
    assert.equal(ask('configure').now, 'open');
  });

  test('what a visit is about -> its steps see cause, origin and input', async () => {
    const {clock, ask, last, start} = openBench();
    await start();
    ask('plain', {cause: 'socket: WAIT plain', input: Buffer.from('x y')});
    await clock.advance(0);
    assert.deepEqual(last().visit, {
      tag: 'plain',
      cause: 'socket: WAIT plain',
      origin: 'socket',
      input: Buffer.from('x y'),
    });
  });

  test('a fault before the first step -> no step runs', async () => {
    const {clock, ask, start, steps, faults} = openBench();
    await start();
    faults.begin = new DaemonError('LIFECYCLE', 'no template');
    const outcome = ask('plain');
    await clock.advance(0);
    assert.deepEqual([steps, outcome.now], [[], 'no template']);
  });

  test('a newer request -> ends a shell block after a second; never an action', async () => {
    const {clock, ask, last, start, steps} = openBench();
    await start();
    const first = ask('plain');
    await clock.advance(0);
    const second = ask('configure');
    await clock.advance(999);
    assert.equal(first.now, 'open');
    await clock.advance(1);
    assert.equal(first.now, 'cannot finish state plain: superseded by a newer request');
    assert.equal(last().what, 'render');
    const third = ask('plain');
    await clock.advance(60_000);
    assert.deepEqual([second.now, last().what], ['open', 'render']);
    for (let step = 0; step < 3; step += 1) await last().end();
    assert.equal(second.now, 'OK');
    assert.equal(third.now, 'open');
    assert.deepEqual(
      steps.map(({what}) => what),
      ['a block', 'render', 'validate', 'apply', 'a block'],
    );
  });

  test('a hook after an action that lasted -> not begun when it is superseded already', async () => {
    const {clock, ask, last, start, steps} = openBench();
    await start();
    const first = ask('mixed');
    await clock.advance(0);
    await last().end();
    ask('configure');
    await clock.advance(2000);
    assert.equal(last().what, 'restart haproxy');
    await last().end();
    assert.match(first.now, /superseded/);
    assert.deepEqual(
      steps.map(({what, signal}) => [what, signal?.aborted]),
      [
        ['before', true],
        ['restart haproxy', undefined],
        ['after', true],
        ['render', false],
      ],
    );
  });

  test('timeout -> what can be cancelled is', async () => {
    const {clock, ask, start} = openBench();
    await start();
    const outcome = ask('timed');
    await clock.advance(5000);
    assert.equal(outcome.now, 'cannot finish state timed: it took longer than its timeout');
  });

  test('a client that dies with the block it superseded -> its request is withdrawn, the state says what happened', async () => {
    const {clock, ask, last, start, steps, lifecycle} = openBench();
    await start();
    const first = ask('plain');
    await clock.advance(0);
    const inner = ask('configure', {isGone: async () => last().signal?.aborted ?? false});
    await clock.advance(1000);
    assert.match(first.now, /cannot finish state plain: its own block waited for state configure/);
    assert.match(inner.now, /cannot go from plain to configure: it was withdrawn/);
    assert.deepEqual([steps.length, lifecycle.state.tag], [1, 'plain']);
  });

  test('GOTO from the last block, whose client waits -> ends the block after a second, which is no fault; obeyed', async () => {
    const {clock, ask, last, start, lifecycle, visits, said} = openBench();
    await start();
    const first = ask('plain');
    await clock.advance(0);
    const block = last();
    ask('configure', {until: 'entered', isGone: async () => block.signal?.aborted ?? false});
    await clock.advance(999);
    assert.equal(block.signal?.aborted, false);
    await clock.advance(1);
    assert.deepEqual([first.now, visits, lifecycle.state.tag], ['OK', [['plain', 'ok']], 'configure']);
    assert.match(
      String(said('what stands behind that in the block is not done')[0]?.reason),
      /its own block asked for state configure and waited for the answer, which ended it/,
    );
  });

  test('GOTO from a hook, whose client waits -> obeyed, and the state has failed: its other steps are left out', async () => {
    const {clock, ask, last, start, steps, lifecycle} = openBench();
    await start();
    const first = ask('mixed');
    await clock.advance(0);
    const hook = last();
    ask('plain', {until: 'entered', isGone: async () => hook.signal?.aborted ?? false});
    await clock.advance(1000);
    assert.match(first.now, /cannot finish state mixed: its own block asked for state plain and waited/);
    assert.deepEqual([steps.map(({what}) => what), lifecycle.state.tag], [['before', 'a block'], 'plain']);
  });

  test('blocks of 2017: WAIT from inside -> obeyed as it was then, but for the state it is in, which would be a loop', async () => {
    const {clock, ask, last, start, lifecycle} = openBench(BLOCKS);
    await start();
    const first = ask('configure');
    await clock.advance(0);
    const block = last();
    ask('plain', {isGone: async () => block.signal?.aborted ?? false});
    await clock.advance(1000);
    assert.deepEqual([first.now, lifecycle.state.tag], ['OK', 'plain']);
    const other = last();
    const looping = ask('plain', {isGone: async () => other.signal?.aborted ?? false});
    await clock.advance(1000);
    assert.match(looping.now, /cannot go/);
    assert.match(lifecycle.lastFault ?? '', /its own block waited for state plain/);
  });

  test('a client that had gone before (socat without patience) -> its request stands', async () => {
    const {clock, ask, last, start} = openBench();
    await start();
    ask('plain');
    await clock.advance(0);
    ask('configure', {isGone: async () => true});
    await clock.advance(1000);
    assert.equal(last().what, 'render');
  });

  test('the client of a newer request -> asked whether it is gone before the block that may be its own is ended', async () => {
    const {clock, ask, last, start} = openBench();
    await start();
    ask('plain');
    await clock.advance(0);
    const asked = Promise.withResolvers<boolean>();
    ask('configure', {isGone: () => asked.promise});
    await clock.advance(1000);
    assert.equal(last().signal?.aborted, false);
    asked.resolve(false);
    await clock.advance(0);
    assert.equal(last().what, 'render');
  });

  test('a stop refuses what superseded a block -> the block failed of that alone, not of waiting for itself', async () => {
    const {clock, ask, start, lifecycle} = openBench();
    await start();
    const first = ask('plain');
    await clock.advance(0);
    const asked = Promise.withResolvers<boolean>();
    ask('configure', {isGone: () => asked.promise});
    await clock.advance(1000);
    void lifecycle.stop();
    asked.resolve(false);
    await clock.advance(0);
    assert.equal(first.now, 'cannot finish state plain: superseded by a newer request');
  });

  test('blamed while no block runs -> nothing to do with what does', async () => {
    const {clock, ask, last, start, lifecycle, restarted} = openBench();
    await start();
    const pass = ask('configure');
    await clock.advance(0);
    lifecycle.blame(new DaemonError('LIFECYCLE', 'haproxy refused'));
    for (let step = 0; step < 3; step += 1) await last().end();
    const mixed = ask('mixed');
    await clock.advance(0);
    await last().end();
    assert.equal(last().what, 'restart haproxy');
    lifecycle.blame(new DaemonError('LIFECYCLE', 'haproxy refused'));
    await last().end();
    await last().end();
    const plain = ask('plain');
    await clock.advance(0);
    lifecycle.blame(undefined);
    await last().end();
    assert.deepEqual([pass.now, mixed.now, plain.now, restarted], ['OK', 'OK', 'OK', [false, false, true]]);
  });

  test('a bug in a step -> nobody takes it: the state fails for nobody, and nothing is told of it', async () => {
    using unhandled = takeUnhandled();
    const {lifecycle, last, visits, ask, start, clock} = openBench();
    await start();
    const outcome = ask('configure');
    await clock.advance(0);
    const bug = new TypeError('undefined is not a function');
    await last().end(bug);
    await setImmediate();
    assert.deepEqual([unhandled.errors, visits, outcome.now, lifecycle.lastFault], [[bug], [], 'open', null]);
  });

  test('blamed for what its block had done -> the state fails, unless it went well after all', async () => {
    const {clock, ask, last, start, lifecycle, restarted, faults} = openBench();
    await start();
    lifecycle.blame(new DaemonError('LIFECYCLE', 'nobody runs'));
    const first = ask('plain');
    await clock.advance(0);
    lifecycle.blame(new DaemonError('LIFECYCLE', 'haproxy refused'));
    await last().end();
    assert.equal(first.now, 'haproxy refused');
    const second = ask('plain');
    await clock.advance(0);
    lifecycle.blame(new DaemonError('LIFECYCLE', 'haproxy refused'));
    lifecycle.blame(undefined);
    await last().end();
    assert.equal(second.now, 'OK');
    faults.done = new DaemonError('LIFECYCLE', 'and did nothing');
    const third = ask('plain');
    await clock.advance(0);
    await last().end();
    assert.deepEqual([third.now, restarted], ['and did nothing', [true, false]]);
  });

  test('stop -> what waits is refused, what can be cancelled is; resolves when the terminal state is over', async () => {
    const {clock, ask, last, start, lifecycle, visits} = openBench();
    await start();
    const [running, queued] = [ask('plain'), ask('configure')];
    await clock.advance(0);
    assert.equal(await Promise.race([lifecycle.ending.entered, 'not yet']), 'not yet');
    let stopped: unknown = 'open';
    void lifecycle.stop().then(fault => {
      stopped = fault;
    });
    await clock.advance(0);
    assert.deepEqual(
      [running.now, queued.now],
      ['cannot finish state plain: the daemon stops', 'cannot go from plain to configure: the daemon stops'],
    );
    await lifecycle.ending.entered;
    assert.deepEqual([last().what, stopped], ['drain', 'open']);
    await last().end(new DaemonError('LIFECYCLE', 'not drained'));
    assert.match(String(stopped), /not drained/);
    assert.deepEqual(visits.at(-1), ['stop', 'not drained']);
    assert.match(String(await lifecycle.stop()), /not drained/);
  });

  test('stop during a state with force -> its grace, then it is cancelled, which is no failure', async () => {
    const {clock, ask, start, lifecycle, said} = openBench();
    await start();
    const running = ask('forced');
    await clock.advance(0);
    void lifecycle.stop();
    await clock.advance(9999);
    assert.equal(running.now, 'open');
    await clock.advance(1);
    assert.equal(running.now, 'cannot finish state forced: the daemon stops');
    assert.deepEqual([lifecycle.lastFault, said('lifecycle state failed')], [null, []]);
  });
});
