import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {runDaemon} from '../../../src/commands/daemon/daemon.ts';
import {openEnding} from '../../../src/commands/daemon/ending.ts';
import type {Openers, Parts} from '../../../src/commands/daemon/parts.ts';
import {DaemonError, EXIT_CODES} from '../../../src/errors.ts';
import type {PodFacts} from '../../../src/kubernetes/facts.ts';
import type {PassEnd} from '../../../src/lifecycle/passes.ts';
import type {Quarantined} from '../../../src/lifecycle/quarantine.ts';
import type {MemberChange} from '../../../src/members/member-change.ts';
import {createSource} from '../../../src/ports/source.ts';
import type {Hang} from '../../../src/reload/liveness.ts';
import {memberOf, openLogSink} from '../../members/fixtures.ts';
import {createFakeClock} from '../../support/fake-clock.ts';

/** Every await of a start, in its order. */
const STEPS = [
  'ground',
  'observation',
  'membership',
  'proxy',
  'cluster',
  'pipeline',
  'endpoints',
  'slave',
  'loaded',
  'boot',
] as const;
type Step = (typeof STEPS)[number];
const PARTS = STEPS.slice(0, 8);

const FACTS: PodFacts = {
  uid: undefined,
  ip: undefined,
  eip: undefined,
  nodeName: undefined,
  image: undefined,
  labels: {},
  annotations: {},
  nodeLabels: {},
  nodeAnnotations: {},
};

const CHANGE: MemberChange = {
  version: 1,
  cause: 'joined web 10.0.0.1',
  at: 5,
  events: [{is: 'joined', member: memberOf()}],
};

const QUARANTINED: Quarantined = {
  app: 'web',
  ip: '10.0.0.1',
  id: 'web-1',
  reason: 'weight',
  sinceAt: 0,
  served: 'not at all',
  overBound: false,
};

const PASS: PassEnd = {
  record: {
    pass: 1,
    generation: 1,
    way: 'start',
    why: '',
    cause: 'start',
    startedAt: 0,
    phasesMs: {},
    verdict: 'ok',
    error: null,
  },
  material: {input: undefined, text: undefined},
  isFallback: false,
};

type Happening = 'a stop' | 'a fatal proxy' | 'a member' | 'a certificate' | 'a Service' | 'an annotation' | 'a label';
type Change =
  | Happening
  | 'a template'
  | 'SIGHUP'
  | 'a pass'
  | 'a hang'
  | 'a refused start'
  | 'a quarantine'
  | 'a retry in quarantine';

/** A daemon of fake rooms; `during` happens while `step` is waited for, if what it happens to is there already. */
function openStage(
  step: Step,
  during: Change | 'nothing',
  failing?: Step,
  end: {undrained?: boolean; fault?: Error; cut?: boolean} = {},
) {
  const clock = createFakeClock();
  const {log} = openLogSink();
  const told: string[] = [];
  const closed: string[] = [];
  const signals = new Map<string, (() => void)[]>();
  const emitter = {
    on: (name: string, listener: () => void) => signals.set(name, [...(signals.get(name) ?? []), listener]),
  };
  const raise = (name: string) => {
    for (const listener of signals.get(name) ?? []) listener();
  };
  const ending = openEnding(emitter);
  const members = createSource<MemberChange>();
  const clusterChanges = createSource<{urgent: boolean; cause: string}>();
  const template = createSource<void>();
  const facts = createSource<readonly (keyof PodFacts)[]>();
  const passes = createSource<PassEnd>();
  const failed = Promise.withResolvers<DaemonError>();
  const hung = createSource<Hang>();
  const startsRefused = createSource<string>();
  const quarantine = {found: createSource<readonly Quarantined[]>(), due: createSource<string>()};
  const booted = Promise.withResolvers<void>();

  const happen = (): void => {
    switch (during) {
      case 'a stop':
        raise('SIGTERM');
        return;
      case 'a fatal proxy':
        failed.resolve(new DaemonError('PROXY', 'it died too often'));
        return;
      case 'a member':
        members.tell(CHANGE);
        return;
      case 'a certificate':
        clusterChanges.tell({urgent: true, cause: 'certificate tls rotated'});
        return;
      case 'a Service':
        clusterChanges.tell({urgent: false, cause: 'endpoints of services changed'});
        return;
      case 'a template':
        template.tell();
        return;
      case 'an annotation':
        facts.tell(['annotations']);
        return;
      case 'a label':
        facts.tell(['labels']);
        return;
      case 'SIGHUP':
        raise('SIGHUP');
        return;
      case 'a pass':
        passes.tell(PASS);
        return;
      case 'a hang':
        hung.tell({generation: 1, pid: 17, silentMs: 10_000, restarts: true});
        return;
      case 'a refused start':
        startsRefused.tell('it died');
        return;
      case 'a quarantine':
        quarantine.found.tell([QUARANTINED]);
        return;
      case 'a retry in quarantine':
        quarantine.due.tell('tried again');
        return;
      case 'nothing':
    }
  };
  const reach = async (name: Step): Promise<void> => {
    told.push(name);
    if (name === step) happen();
    await clock.advance(0);
    if (end.cut) ending.throwIfReached();
    if (name === failing) throw new DaemonError('CONFIG', `cannot open ${name}`);
  };
  const open = async <Part extends object>(name: Step, part: Part): Promise<Part & AsyncDisposable> => {
    await reach(name);
    return {
      ...part,
      async [Symbol.asyncDispose]() {
        closed.push(name);
      },
    };
  };
  const note = (what: string) => void told.push(what);

  const openers: Openers<Parts> = {
    openGround: () => open('ground', {described: {haproxy: '2.6', gate: {is: 'unable', why: 'a test'}}}),
    openObservation: () =>
      open('observation', {noteMembers: () => note('noted member'), notePass: () => note('noted pass')}),
    openMembership: () =>
      open('membership', {
        registry: {follow: members.follow, listening: () => note('listens')},
        loaded: () => reach('loaded'),
        join: () => note('joined the fleet'),
      }),
    openProxy: () =>
      open('proxy', {
        generations: {text: 'text', hung, startsRefused},
        drift: {
          look: async () => note('looked at HAProxy'),
          follow(listener) {
            listener({lookedAt: null, count: 0, deviations: []});
            return () => {};
          },
        },
        failed: failed.promise,
        async drain() {
          note('drained');
          return end.undrained !== true;
        },
      } satisfies Omit<Parts['proxy'], keyof AsyncDisposable>),
    openCluster: () =>
      open('cluster', {
        changes: clusterChanges,
        passed: (_record, text) => note(`cluster heard of ${text}`),
        drifted: ({count}) => note(`${count} deviations`),
        quarantined: ([first]) => note(`event: ${first?.ip} in quarantine`),
        hung: ({pid}) => note(`event: ${pid} hung`),
        failed: ({message}) => note(`event: ${message}`),
        annotated: () => note('cluster looked again'),
      } satisfies Omit<Parts['cluster'], keyof AsyncDisposable>),
    openPipeline: () =>
      open('pipeline', {
        converger: {
          changed: (cause, isRepeat) => note(`${isRepeat ? 'repeated' : 'changed'}: ${cause}`),
          request: cause => note(`request: ${cause}`),
          close: () => note('no more passes'),
        },
        passes: {ended: passes},
        quarantine,
        templateText: {
          follow(onChange) {
            template.follow(onChange);
            return () => note('template let go');
          },
        },
        lifecycle: {
          async stop() {
            note('terminal state');
            return end.fault;
          },
        },
        async boot() {
          await reach('boot');
          booted.resolve();
        },
        startAnew: cause => note(`anew: ${cause}`),
        describe: () => ({version: '1', generation: 1, digest: '', inSync: true}),
      } satisfies Omit<Parts['pipeline'], keyof AsyncDisposable>),
    openEndpoints: () =>
      open('endpoints', {
        ports: {port: 8000, statusPort: 8001},
        passed: () => note('counted'),
        poke: () => note('poked'),
      }),
    openSlave: () =>
      open('slave', {annotated: () => note('slave looked again'), close: async () => note('slave left')}),
  };
  const ended = runDaemon(openers, {
    ending,
    pod: {facts: FACTS, follow: facts.follow},
    signals: emitter,
    clock,
    log,
    lingerMs: 5000,
    async drainUnadopted(isLocked) {
      note(`drained what was left, ${isLocked ? 'locked' : 'not locked'}`);
      return end.undrained !== true;
    },
    version: '1',
  });
  ended.catch(() => {});
  return {clock, ending, raise, told, closed, ended, booted: booted.promise};
}

/** The parts that were opened when a start got as far as `step`, the last one first. */
const openedAt = (step: Step): string[] => PARTS.slice(0, STEPS.indexOf(step) + 1).reverse();

const END = ['no more passes', 'slave left', 'terminal state', 'drained', 'template let go'];

describe('a daemon that starts', () => {
  test('everything well -> parts opened in order, connected, booted; a stop lingers, drains, closes them in reverse', async () => {
    const {clock, raise, told, closed, ended, booted} = openStage('ground', 'nothing');
    await booted;
    raise('SIGTERM');
    await clock.advance(4999);
    assert.deepEqual(told, [...PARTS, '0 deviations', 'listens', 'joined the fleet', 'loaded', 'boot']);
    await clock.advance(1);
    assert.equal(await ended, 0);
    assert.deepEqual(told.slice(PARTS.length + 5), END);
    assert.deepEqual(closed, [...PARTS].reverse());
  });

  for (const step of STEPS) {
    test(`a stop while it waits for ${step} -> ends in order with 0, goes no further`, async () => {
      const {clock, told, closed, ended} = openStage(step, 'a stop');
      // The steps before take their turns of the event loop.
      for (const _ of STEPS) await clock.advance(0);
      await clock.advance(5000);
      assert.equal(await ended, 0);
      const at = STEPS.indexOf(step);
      assert.deepEqual(
        STEPS.filter(name => told.includes(name)),
        STEPS.slice(0, at + 1),
      );
      assert.equal(told.includes('drained'), at >= STEPS.indexOf('proxy'));
      assert.equal(told.includes('drained what was left, locked'), at < STEPS.indexOf('proxy'));
      assert.equal(told.includes('terminal state'), at >= STEPS.indexOf('pipeline'));
      assert.deepEqual(closed, openedAt(step));
    });

    test(`${step} fails -> its fault is the daemon's, what was opened is closed, HAProxy is left alone`, async () => {
      const {clock, told, closed, ended} = openStage(step, 'nothing', step);
      await clock.advance(0);
      await assert.rejects(ended, {code: 'CONFIG', message: `cannot open ${step}`});
      assert.deepEqual(
        closed,
        PARTS.filter(part => part !== step && STEPS.indexOf(part) < STEPS.indexOf(step)).reverse(),
      );
      assert.equal(told.includes('drained'), false);
    });

    test(`HAProxy is given up while it waits for ${step} -> fatal, with an event, and nothing is drained`, async () => {
      const {clock, told, closed, ended} = openStage(step, 'a fatal proxy');
      await clock.advance(0);
      await assert.rejects(ended, {code: 'PROXY'});
      assert.deepEqual([told.includes('event: it died too often'), told.includes('drained')], [true, false]);
      assert.deepEqual(closed, [...PARTS].reverse());
    });

    const reactions: Readonly<Record<Exclude<Change, 'a stop' | 'a fatal proxy'>, readonly string[]>> = {
      'a member': ['noted member', 'poked', 'changed: joined web 10.0.0.1'],
      'a certificate': ['request: certificate tls rotated'],
      'a Service': ['changed: endpoints of services changed'],
      'a template': ['changed: template changed'],
      'an annotation': ['cluster looked again', 'slave looked again', 'request: annotations changed'],
      'a label': ['cluster looked again', 'slave looked again', 'changed: labels changed'],
      'a hang': ['event: 17 hung', 'poked'],
      'a refused start': ['anew: it died'],
      'a quarantine': ['event: 10.0.0.1 in quarantine', 'poked'],
      'a retry in quarantine': ['request: tried again'],
      'a pass': ['counted', 'noted pass', 'cluster heard of text', 'looked at HAProxy', '0 deviations'],
      SIGHUP: STEPS.indexOf(step) < STEPS.indexOf('loaded') ? [] : ['request: SIGHUP'],
    };
    for (const [change, reaction] of Object.entries(reactions) as [Change, string[]][]) {
      test(`${change} while it waits for ${step} -> told to everybody, once`, async () => {
        const {clock, raise, told, ended, booted} = openStage(step, change);
        await booted;
        for (const one of reaction) assert.deepEqual([one, told.filter(line => line === one).length], [one, 1]);
        raise('SIGTERM');
        await clock.advance(5000);
        assert.equal(await ended, 0);
      });
    }
  }

  test('a stop that cuts the opening of the first part short -> what an earlier daemon left is drained, under a lock', async () => {
    const {told, ending, ended} = openStage('ground', 'a stop', 'ground', {undrained: true, cut: true});
    assert.equal(await ended, EXIT_CODES.DRAIN);
    assert.deepEqual([ending.asked.aborted, told], [true, ['ground', 'drained what was left, not locked']]);
  });

  for (const [what, end, code] of [
    ['connections outlive the grace', {undrained: true}, EXIT_CODES.DRAIN],
    ['the terminal state fails', {fault: new Error('its block failed')}, EXIT_CODES.LIFECYCLE],
    ['both', {undrained: true, fault: new Error('its block failed')}, EXIT_CODES.DRAIN],
  ] as const) {
    test(`a stop, ${what} -> exit code ${code}`, async () => {
      const {clock, raise, ended, booted} = openStage('ground', 'nothing', undefined, end);
      await booted;
      raise('SIGTERM');
      await clock.advance(5000);
      assert.equal(await ended, code);
    });
  }

  test('a second signal -> the stop does not linger', async () => {
    const {clock, raise, told, ended, booted} = openStage('ground', 'nothing');
    await booted;
    raise('SIGTERM');
    await clock.advance(10);
    assert.equal(told.includes('drained'), false);
    raise('SIGINT');
    assert.equal(await ended, 0);
  });

  test('a stop that is asked for twice over the control socket -> one stop, with all its waits', async () => {
    const {clock, ending, told, ended, booted} = openStage('ground', 'nothing');
    await booted;
    ending.ask();
    ending.ask();
    await clock.advance(4999);
    assert.equal(told.includes('drained'), false);
    await clock.advance(1);
    assert.equal(await ended, 0);
  });
});
