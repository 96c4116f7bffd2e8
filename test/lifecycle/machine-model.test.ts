import assert from 'node:assert/strict';
import {test} from 'node:test';
import {
  FORCE_GRACE_MS,
  isAllowed,
  type Machine,
  type MachineEffect,
  type MachineEvent,
  newMachine,
  nextDueMs,
  type Request,
  SUPERSEDE_AFTER_MS,
  stepMachine,
  tagOf,
} from '../../src/lifecycle/machine.ts';
import {fc} from '../support/properties.ts';
import {manifestOf} from './fixtures.ts';

const MANIFEST = manifestOf(`
initial: a
terminal: z
states:
  - {tag: a, next: [configure, b*]}
  - {tag: b1, timeout: 3, next: [configure, b*]}
  - {tag: b2, force: true, next: ['*']}
  - {tag: b3, force: true, timeout: 2, next: [a]}
  - {tag: configure, shell: 'true', next: [configure, b1, b2, b3]}
  - {tag: z, timeout: 4, next: ['*']}
`);
const TAGS = [...MANIFEST.states.keys(), 'nowhere'];

/** The rules once more, the slow and simple way: everything is looked up anew whenever anything happens. */
function createModel() {
  let tag: string | undefined;
  let isRunning = false;
  let asked: Request | undefined;
  let queue: Request[] = [];
  let enteredMs = 0;
  let stopMs: number | undefined;
  let told: string | undefined;
  const answers = new Map<number, string>();
  const cancels: string[] = [];

  const say = (request: Request, answer: string) => {
    assert.ok(!answers.has(request.id), `request ${request.id} is answered twice`);
    answers.set(request.id, answer);
  };
  const enter = (next: string, request: Request | undefined, nowMs: number) => {
    tag = next;
    isRunning = true;
    enteredMs = nowMs;
    told = undefined;
    asked = request;
    if (request?.until === 'entered') say(request, 'OK');
    if (next === 'z') for (const one of queue.splice(0)) say(one, 'KO');
  };
  const takeNext = (nowMs: number) => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      if (isAllowed(MANIFEST, tag ?? '', next.tag)) return enter(next.tag, next, nowMs);
      say(next, 'KO');
    }
  };
  const look = (nowMs: number) => {
    if (!isRunning || told === 'stop') return;
    const state = MANIFEST.states.get(tag ?? '');
    const next = queue.find(one => isAllowed(MANIFEST, tag ?? '', one.tag));
    let why: string | undefined;
    if (stopMs !== undefined) {
      if (tag !== 'z' && nowMs >= stopMs + (state?.force ? FORCE_GRACE_MS : 0)) why = 'stop';
    } else if (told === undefined) {
      if (next !== undefined && !state?.force && nowMs - next.atMs >= SUPERSEDE_AFTER_MS) why = 'superseded';
      if (state?.timeoutMs !== undefined && nowMs - enteredMs >= state.timeoutMs) why = 'timeout';
    }
    if (tag === 'z' && told === undefined && nowMs - enteredMs >= 4000) why = 'timeout';
    if (why === undefined) return;
    told = why;
    cancels.push(why);
  };

  return {
    answers,
    cancels,
    tag: () => tag,
    isRunning: () => isRunning,
    queued: () => queue.map(({id}) => id),
    handle(event: MachineEvent, nowMs: number) {
      const isOver = tag === 'z' || stopMs !== undefined;
      if (event.is === 'boot' && tag === undefined) enter('a', undefined, nowMs);
      if (event.is === 'requested') {
        if (tag === undefined || isOver) say(event.request, 'KO');
        else queue.push(event.request);
        if (!isRunning) takeNext(nowMs);
      }
      if (event.is === 'withdrawn' && isRunning) {
        for (const one of queue.filter(({id}) => id === event.id)) say(one, 'KO');
        queue = queue.filter(({id}) => id !== event.id);
      }
      if (event.is === 'finished' && isRunning) {
        isRunning = false;
        if (asked?.until === 'finished') say(asked, event.ok ? 'OK' : 'KO');
        if (tag !== 'z') {
          if (stopMs !== undefined) enter('z', undefined, nowMs);
          else takeNext(nowMs);
        }
      }
      if (event.is === 'stop' && !isOver) {
        for (const one of queue.splice(0)) say(one, 'KO');
        if (isRunning) stopMs = nowMs;
        else enter('z', undefined, nowMs);
      }
      look(nowMs);
    },
  };
}

const step = fc.oneof(
  {weight: 1, arbitrary: fc.constant({is: 'boot' as const})},
  {
    weight: 8,
    arbitrary: fc.record({
      is: fc.constant('requested' as const),
      tag: fc.constantFrom(...TAGS),
      until: fc.constantFrom('entered' as const, 'finished' as const),
    }),
  },
  {weight: 6, arbitrary: fc.record({is: fc.constant('finished' as const), ok: fc.boolean()})},
  {weight: 4, arbitrary: fc.record({is: fc.constant('wait' as const), ms: fc.nat(2500)})},
  {weight: 1, arbitrary: fc.record({is: fc.constant('withdrawn' as const), id: fc.nat(10)})},
  {weight: 1, arbitrary: fc.constant({is: 'stop' as const})},
);

function createDriver() {
  let machine: Machine = newMachine;
  const model = createModel();
  const answers = new Map<number, string>();
  const cancels: string[] = [];
  const asked = new Set<number>();

  const check = (effect: MachineEffect, before: Machine) => {
    switch (effect.do) {
      case 'enter': {
        const from = tagOf(before);
        const {tag} = effect.state;
        const isOwn = effect.request === undefined && (before.is === 'new' ? tag === 'a' || tag === 'z' : tag === 'z');
        assert.ok(isOwn || isAllowed(MANIFEST, from, tag), `${from} -> ${tag}`);
        assert.notEqual(before.is, 'ended');
        return;
      }
      case 'cancel':
        assert.equal(machine.is, 'running');
        cancels.push(effect.why);
        return;
      case 'answer':
        assert.ok(asked.has(effect.request.id));
        assert.ok(!answers.has(effect.request.id), `request ${effect.request.id} is answered twice`);
        answers.set(effect.request.id, effect.answer);
    }
  };

  return {
    machine: () => machine,
    unanswered: () => [...asked].filter(id => !answers.has(id)),
    send(event: MachineEvent, nowMs: number) {
      if (event.is === 'requested') asked.add(event.request.id);
      const before = machine;
      const [next, effects] = stepMachine(machine, event, nowMs, MANIFEST);
      machine = next;
      for (const effect of effects) check(effect, before);
      model.handle(event, nowMs);
      assert.equal(tagOf(machine), model.tag() ?? 'new');
      assert.equal(machine.is === 'running', model.isRunning());
      assert.deepEqual(machine.is === 'running' ? machine.queue.map(({id}) => id) : [], model.queued());
      assert.deepEqual([...answers].sort(), [...model.answers].sort());
      assert.deepEqual(cancels, model.cancels);
    },
  };
}

test('machine, any events beside a simple model -> the same states and answers; none illegal, none answered twice, a stop ends it', () => {
  fc.assert(
    fc.property(fc.array(step, {maxLength: 60, size: 'max'}), steps => {
      const driver = createDriver();
      let nowMs = 0;
      let lastId = 0;
      const pass = (untilMs: number) => {
        for (;;) {
          const dueMs = nextDueMs(driver.machine(), MANIFEST);
          if (dueMs === undefined || dueMs > untilMs) break;
          assert.ok(dueMs > nowMs, 'something was due and not done');
          nowMs = dueMs;
          driver.send({is: 'wake'}, nowMs);
        }
        nowMs = untilMs;
      };
      for (const given of steps) {
        if (given.is === 'wait') pass(nowMs + given.ms);
        else if (given.is === 'requested') {
          const {is, tag, until} = given;
          driver.send({is, request: {id: ++lastId, tag, until, atMs: nowMs}}, nowMs);
        } else driver.send(given, nowMs);
      }
      driver.send({is: 'stop'}, nowMs);
      for (let turns = 0; driver.machine().is !== 'ended'; turns += 1) {
        assert.ok(turns < 3, 'the terminal state is not reached');
        driver.send({is: 'finished', ok: true}, nowMs);
      }
      assert.equal(tagOf(driver.machine()), 'z');
      assert.deepEqual(driver.unanswered(), []);
    }),
    {numRuns: 2000},
  );
});
