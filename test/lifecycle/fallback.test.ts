import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {CutShort, DaemonError, StartRefused} from '../../src/errors.ts';
import {createFallback, type FallbackPorts, type GivenPass} from '../../src/lifecycle/fallback.ts';
import type {PassHistory} from '../../src/lifecycle/history-file.ts';
import type {PassInput} from '../../src/lifecycle/passes.ts';
import type {Quarantined} from '../../src/lifecycle/quarantine.ts';
import {writeFault} from '../../src/ports/write-fault.ts';
import {createGoodTemplate, type SharedGood} from '../../src/template/good-template.ts';
import {openTemplateFile} from '../../src/template/kept-template.ts';
import {createMemoryFiles, openLogSink} from '../members/fixtures.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {systemError} from '../support/system-error.ts';

const inputOf = (template: string, ips: readonly string[]): PassInput => ({
  digest: template + ips.join(),
  input: {
    template,
    variables: {
      hosts: new Map([['web', ips]]),
      pods: [],
      node: {labels: {}, annotations: {}},
      labels: {},
      annotations: {},
      env: {},
      certs: {},
      services: new Map(),
    },
  },
});

/** Passes over templates of which some are refused; a text is its template with a server an address. */
async function openStage({
  shared,
  quarantine = {},
}: {
  shared?: SharedGood;
  quarantine?: Partial<FallbackPorts['quarantine']>;
} = {}) {
  const clock = createFakeClock(1_000_000);
  const {log, said} = openLogSink();
  const {files, contents} = createMemoryFiles();
  const path = '/data/template-good.json';
  const good = createGoodTemplate(await openTemplateFile(files, path), shared);
  const applied: string[] = [];
  const runs: [cause: string, given: GivenPass][] = [];
  const isolated: unknown[][] = [];
  const kept: string[] = [];
  /** Templates that work without some pods. */
  const culprits = new Set<string>();
  /** Those that only do without more pods than may be left out, and those that fail of this without any. */
  const overBound = new Set<string>();
  const ownFaults = new Map<string, DaemonError>();
  /** Without whom a refused one would work. */
  const named: Quarantined[] = [];
  const saves: number[] = [];
  const faults = new Map<string, Error>();
  const world = {newest: 'A', app: 'web', ips: ['10.0.0.1', '10.0.0.2'], served: undefined as PassHistory['served']};
  const state: {tried?: PassInput; applied?: PassInput; text?: string; textFault?: Error | undefined; pass: number} = {
    pass: 0,
  };
  const fallback = createFallback({
    clock,
    log,
    passes: {
      get tried() {
        return state.tried;
      },
      get applied() {
        return state.applied;
      },
      get appliedText() {
        return state.text;
      },
      get last() {
        return {pass: state.pass} as never;
      },
      async applyText(text) {
        if (state.textFault !== undefined) throw state.textFault;
        applied.push(text);
      },
    },
    good,
    async runPass(cause, given) {
      const {template = world.newest} = given;
      runs.push([cause, given]);
      state.pass += 1;
      state.tried = inputOf(template, [...world.ips]);
      const fault = faults.get(template);
      if (fault !== undefined) throw fault;
      state.applied = state.tried;
      state.text = `${template}\nbackend web\n${world.ips.map(ip => `  server s ${ip}:80\n`).join('')}`;
      applied.push(template);
    },
    hosts: () => new Map([[world.app, world.ips]]),
    quarantine: {
      async isolate({input, before, fault}) {
        isolated.push([input.template, before?.template, fault]);
        const own = ownFaults.get(input.template);
        if (own !== undefined) {
          faults.set(input.template, own);
          return {is: 'innocent', fault: own, isKnown: true};
        }
        if (overBound.has(input.template))
          return {is: 'too many', hold: async () => void faults.delete(input.template)};
        if (!culprits.has(input.template)) return {is: 'unknown'};
        faults.delete(input.template);
        return {is: 'isolated'};
      },
      rehearse: async ({input}) => (named.length === 0 ? undefined : {input, without: named}),
      retryDue: async () => false,
      keepOnly: template => void kept.push(template),
      async save() {
        saves.push(state.pass);
      },
      ...quarantine,
    },
    loadWhole: async () => inputOf(world.newest, world.ips).input,
    served: () => world.served,
    hideSecrets: text => text.replaceAll('hunter2', '***'),
  });
  const pods = {culprits, overBound, ownFaults, named};
  return {
    clock,
    fallback,
    good,
    contents,
    path,
    applied,
    runs,
    faults,
    world,
    state,
    said,
    isolated,
    kept,
    saves,
    ...pods,
  };
}

const START_REFUSED = new StartRefused('APPLY', 'cannot start HAProxy: exit code 1');
const REFUSED = new DaemonError('VALIDATE', 'unknown keyword hunter2');

const badPodOf = (last: number): Quarantined => ({
  app: 'web',
  ip: `10.0.0.${last}`,
  id: `web-${last}`,
  reason: 'x',
  sinceAt: 0,
  served: 'not at all',
  overBound: false,
});

/** Of each pass, whether it starts a HAProxy whatever its text. */
const startAnew = (runs: readonly (readonly [string, GivenPass])[]) =>
  runs.map(([, given]) => given.startsAnew === true);

test('what served cannot be started any more -> started anew once; everybody is suspected, not who came since alone', async () => {
  const {fallback, applied, faults, culprits, isolated, runs} = await openStage();
  await fallback.run('start');
  faults.set('A', START_REFUSED);
  culprits.add('A');
  fallback.startAnew();
  await fallback.run('HAProxy died');
  await fallback.run('a pod joined');
  assert.deepEqual(isolated, [['A', undefined, START_REFUSED]]);
  assert.deepEqual(startAnew(runs), [false, true, false, false]);
  assert.deepEqual(applied, ['A', 'A', 'A']);
});

test('the same while the newest template is refused -> so is the last good one', async () => {
  const {fallback, faults, world, culprits, isolated, runs} = await openStage();
  await fallback.run('start');
  world.newest = 'B';
  faults.set('B', REFUSED);
  faults.set('A', START_REFUSED);
  culprits.add('A');
  fallback.startAnew();
  await assert.rejects(fallback.run('HAProxy died'), REFUSED);
  // Nobody whom that one serves is left out for the newest one's sake.
  assert.deepEqual(isolated, [
    ['A', undefined, START_REFUSED],
    ['B', 'A', REFUSED],
  ]);
  assert.deepEqual(startAnew(runs).slice(0, 4), [false, true, true, false]);
  assert.equal(fallback.refusal?.serving?.pass, 1);
});

test('nothing was to be started anew, but neither template starts -> who came since is suspected, not everybody', async () => {
  const {fallback, faults, world, isolated} = await openStage();
  await fallback.run('start');
  world.newest = 'B';
  faults.set('A', START_REFUSED).set('B', START_REFUSED);
  await assert.rejects(fallback.run('joined web 10.0.0.3'), START_REFUSED);
  assert.deepEqual(isolated, [
    ['A', 'A', START_REFUSED],
    ['B', 'A', START_REFUSED],
  ]);
});

describe('a refused template', () => {
  test('a good one before it -> that one serves the pods of today; the newest failed all the same', async () => {
    const {clock, fallback, applied, faults, world} = await openStage();
    await fallback.run('start');
    assert.equal(fallback.refusal, undefined);
    Object.assign(world, {newest: 'B', ips: ['10.0.0.3']});
    faults.set('B', REFUSED);
    const sinceAt = clock.epochMs();
    await assert.rejects(fallback.run('template changed'), REFUSED);
    assert.deepEqual(applied, ['A', 'A']);
    assert.deepEqual(fallback.refusal, {
      reason: 'unknown keyword ***',
      sinceAt,
      serving: {pass: 1, sinceAt, replica: null},
    });
  });

  test('retried -> refused since the first time, told once; mended -> forgotten, and good from then on', async () => {
    const {clock, fallback, faults, world, good, said, saves} = await openStage();
    await fallback.run('start');
    world.newest = 'B';
    faults.set('B', REFUSED);
    await assert.rejects(fallback.run('template changed'));
    const first = fallback.refusal?.sinceAt;
    assert.equal(said('template refused: the last good one is used').length, 1);
    await clock.advance(5000);
    saves.length = 0;
    await assert.rejects(fallback.run('retry'));
    assert.equal(saves.length, 1);
    assert.equal(fallback.refusal?.sinceAt, first);
    assert.equal(said('template refused: the last good one is used').length, 1);
    faults.clear();
    await fallback.run('retry');
    assert.deepEqual([fallback.refusal, good.current?.template], [undefined, 'B']);
  });

  test('it fails with nobody but pods that are kept out of the good one -> served without them, and no more refused', async () => {
    const {fallback, applied, faults, world, culprits, isolated, said} = await openStage();
    await fallback.run('start');
    world.newest = 'B';
    faults.set('B', REFUSED);
    culprits.add('B');
    await fallback.run('template changed');
    assert.deepEqual(applied, ['A', 'A', 'B']);
    assert.equal(fallback.refusal, undefined);
    assert.equal(said('template refused: the last good one is used').length, 0);
    assert.deepEqual(isolated, [['B', 'A', REFUSED]]);
  });

  test('another one that is refused as well -> refused since then', async () => {
    const {clock, fallback, faults, world} = await openStage();
    await fallback.run('start');
    for (const newest of ['B', 'C']) {
      world.newest = newest;
      faults.set(newest, REFUSED);
      await clock.advance(1000);
      await assert.rejects(fallback.run('template changed'));
      assert.equal(fallback.refusal?.sinceAt, clock.epochMs());
    }
  });

  test('the good one fails with the pods of today, too -> said, and pods that left get no requests', async () => {
    const {fallback, applied, faults, world, said} = await openStage();
    await fallback.run('start');
    Object.assign(world, {newest: 'B', ips: ['10.0.0.2', '10.0.0.3']});
    faults.set('A', REFUSED).set('B', REFUSED);
    await assert.rejects(fallback.run('joined web 10.0.0.3'));
    assert.equal(fallback.refusal?.serving, null);
    assert.equal(applied.at(-1), 'A\nbackend web\n  server s 10.0.0.1:80 disabled\n  server s 10.0.0.2:80\n');
    assert.deepEqual(
      said('pods that left get no more requests').map(({ip}) => ip),
      [['10.0.0.1']],
    );
  });

  test('a text that cannot be brought back, with nobody gone -> nothing is said of pods that left; one is gone -> said', async () => {
    const {fallback, faults, world, state, said} = await openStage();
    await fallback.run('start');
    world.newest = 'B';
    faults.set('A', REFUSED).set('B', REFUSED);
    state.textFault = REFUSED;
    await assert.rejects(fallback.run('template changed'));
    assert.equal(said('pods that left are still in the configuration').length, 0);
    world.ips = ['10.0.0.2', '10.0.0.9'];
    await assert.rejects(fallback.run('pods changed'));
    assert.deepEqual(
      said('pods that left are still in the configuration').map(({ip}) => ip),
      [['10.0.0.1']],
    );
  });

  test('a bug while the good one is tried, or while pods that left are disabled -> thrown on, and nobody is blamed', async () => {
    for (const where of ['the good one', 'pods that left'] as const) {
      const bug = new TypeError('undefined is not a function');
      const {fallback, faults, world, state, said} = await openStage();
      await fallback.run('start');
      Object.assign(world, {newest: 'B', ips: ['10.0.0.3']});
      faults.set('B', REFUSED).set('A', where === 'the good one' ? bug : REFUSED);
      state.textFault = where === 'pods that left' ? bug : undefined;
      await assert.rejects(fallback.run('template changed'), bug);
      assert.equal(
        said('the last good template fails with the pods of today').length,
        where === 'the good one' ? 0 : 1,
      );
      assert.equal(said('pods that left are still in the configuration').length, 0);
    }
  });

  test('a stop cuts the pass short -> no refusal, nothing else is tried', async () => {
    const {fallback, faults, world, runs} = await openStage();
    await fallback.run('start');
    world.newest = 'B';
    faults.set('B', new CutShort('APPLY', 'the daemon stops'));
    await assert.rejects(fallback.run('template changed'), CutShort);
    assert.deepEqual([runs.length, fallback.refusal], [2, undefined]);
  });

  test('nothing newer than the good one -> it is not tried twice; pods that left get no requests, those that return do', async () => {
    const {fallback, applied, faults, world, said} = await openStage();
    await fallback.run('start');
    faults.set('A', REFUSED);
    world.ips = ['10.0.0.2'];
    await assert.rejects(fallback.run('left web 10.0.0.1'));
    assert.deepEqual([applied.length, fallback.refusal], [2, undefined]);
    assert.match(applied[1] ?? '', /10\.0\.0\.1:80 disabled/);
    world.ips = ['10.0.0.1', '10.0.0.2'];
    await assert.rejects(fallback.run('joined web 10.0.0.1'));
    assert.doesNotMatch(applied[2] ?? '', /disabled/);
    assert.equal(said('pods that left get no more requests').length, 1);
  });

  test('another app has the address of a pod that left -> it gets none of its requests', async () => {
    const {fallback, applied, faults, world} = await openStage();
    await fallback.run('start');
    faults.set('A', REFUSED);
    world.app = 'db';
    await assert.rejects(fallback.run('left web 10.0.0.1'));
    assert.match(applied[1] ?? '', /10\.0\.0\.1:80 disabled/);
  });

  test('a text of an earlier daemon serves, nothing was made since -> pods that left since the start get no requests', async () => {
    const {fallback, applied, faults, world, state} = await openStage();
    state.text = 'backend web\n  server s 10.0.0.1:80\n  server t 10.0.0.2:80\n';
    faults.set('A', REFUSED);
    await assert.rejects(fallback.run('start'));
    assert.doesNotMatch(applied.join(), /disabled/);
    world.ips = ['10.0.0.2'];
    await assert.rejects(fallback.run('left web 10.0.0.1'));
    assert.equal(applied.at(-1), 'backend web\n  server s 10.0.0.1:80 disabled\n  server t 10.0.0.2:80\n');
  });

  describe('a restart with a text in which somebody is disabled, and no template that works', () => {
    const EARLIER = 'backend web\n  server s 10.0.0.1:80\n  server t 10.0.0.2:80\n  server z 10.0.0.9:80\n';
    const PODS = ['10.0.0.1', '10.0.0.2'].map(ip => ({app: 'web', ip}));

    async function openRestart(text: string) {
      const stage = await openStage();
      const {state, world, faults} = stage;
      world.served = {text: EARLIER, pods: PODS};
      state.text = text;
      faults.set('A', REFUSED);
      return stage;
    }

    test('it returns -> it gets requests again; who left before the restart gets none; servers that are no pods do', async () => {
      const {fallback, applied, world} = await openRestart(EARLIER.replace('1:80', '1:80 disabled'));
      world.ips = ['10.0.0.1'];
      await assert.rejects(fallback.run('start'));
      assert.equal(applied.at(-1), EARLIER.replace('2:80', '2:80 disabled'));
    });

    test('another text than that of the last pass serves -> nothing is concluded of its pods', async () => {
      const other = EARLIER.replace('server s', 'server x').replace('1:80', '1:80 disabled');
      const {fallback, applied, world} = await openRestart(other);
      world.ips = ['10.0.0.1'];
      await assert.rejects(fallback.run('start'));
      assert.equal(applied.at(-1), other);
    });
  });

  test('a newer one fails by itself as well -> it fails once more in its own words, without those in quarantine', async () => {
    const {fallback, faults, world, ownFaults, said} = await openStage();
    await fallback.run('start');
    world.newest = 'B';
    faults.set('B', new DaemonError('VALIDATE', 'the words of a pod'));
    ownFaults.set('B', new DaemonError('VALIDATE', 'its own, with hunter2'));
    await assert.rejects(fallback.run('template changed'), {message: 'its own, with hunter2'});
    assert.equal(fallback.refusal?.reason, 'its own, with ***');
    assert.deepEqual(
      said('template refused: the last good one is used').map(({reason}) => reason),
      ['its own, with ***'],
    );
  });

  test('a newer one fails of pods that the good one serves -> refused, they are named, and stay as they are', async () => {
    const {fallback, faults, world, named, applied} = await openStage();
    await fallback.run('start');
    world.newest = 'B';
    faults.set('B', REFUSED);
    named.push(...[1, 2, 3, 4, 5, 6].map(badPodOf));
    await assert.rejects(fallback.run('template changed'));
    assert.match(
      fallback.refusal?.reason ?? '',
      /^unknown keyword \*\*\*; it works without web 10\.0\.0\.1 \(web-1\), .* and 1 more: mend what they send, or the template$/,
    );
    assert.deepEqual(applied, ['A', 'A']);
    // They are looked for once.
    named.length = 0;
    await assert.rejects(fallback.run('retry'));
    assert.match(fallback.refusal?.reason ?? '', /web-1/);
  });

  test('a newer one fails of one pod, or of as many as are named -> each once, and no others are told of', async () => {
    for (const bad of [[1], [1, 2, 3, 4, 5]]) {
      const {fallback, faults, world, named} = await openStage();
      await fallback.run('start');
      world.newest = 'B';
      faults.set('B', REFUSED);
      named.push(...bad.map(badPodOf));
      await assert.rejects(fallback.run('template changed'), REFUSED);
      const names = bad.map(last => `web 10.0.0.${last} (web-${last})`).join(', ');
      assert.equal(
        fallback.refusal?.reason,
        `unknown keyword ***; it works without ${names}: mend what they send, or the template`,
      );
    }
  });

  test('a disk is full while the pods to name are looked for -> refused without names; a fault of ours is told', async () => {
    for (const [fault, reason] of [
      [new DaemonError('APPLY', 'no space left'), 'unknown keyword ***'],
      [new TypeError('ours'), undefined],
    ] as const) {
      const {fallback, faults, world} = await openStage({quarantine: {rehearse: () => Promise.reject(fault)}});
      await fallback.run('start');
      world.newest = 'B';
      faults.set('B', REFUSED);
      await assert.rejects(fallback.run('template changed'), reason === undefined ? fault : REFUSED);
      assert.equal(fallback.refusal?.reason, reason);
    }
  });

  test('only another replica knows a good one -> that one serves, and the refusal tells whose it is', async () => {
    const kept = {pass: 7, template: 'Z', sinceAt: 5, replica: 'kontrol-1'};
    const {fallback, faults, applied} = await openStage({shared: {load: async () => kept, offer() {}}});
    faults.set('A', REFUSED);
    await assert.rejects(fallback.run('start'), REFUSED);
    assert.deepEqual(applied, ['Z']);
    assert.deepEqual(fallback.refusal?.serving, {pass: 7, sinceAt: 5, replica: 'kontrol-1'});
  });

  test('the good one fails of more of an app than may be left out -> they are, since nothing else can serve', async () => {
    const {fallback, faults, world, overBound, applied} = await openStage();
    await fallback.run('start');
    world.newest = 'B';
    faults.set('A', REFUSED).set('B', REFUSED);
    overBound.add('A');
    await assert.rejects(fallback.run('template changed'), REFUSED);
    assert.deepEqual([applied, fallback.refusal?.serving?.pass], [['A', 'A'], 1]);
  });

  test('HAProxy is started to look for pods -> anew, with the input that is asked and the template that is tried', async () => {
    const asked = inputOf('asked', ['10.0.0.1']).input;
    const {fallback, faults, world, runs} = await openStage({
      quarantine: {
        async isolate({serve}) {
          await serve(asked).catch(() => {});
          return {is: 'unknown'};
        },
      },
    });
    await fallback.run('start');
    world.newest = 'B';
    faults.set('A', REFUSED).set('B', REFUSED);
    await assert.rejects(fallback.run('changed'), REFUSED);
    const given = {read: {input: asked, digest: 'a part of the pods'}, startsAnew: true};
    const looking = 'looking for the pods with which HAProxy cannot be started';
    assert.deepEqual(runs.slice(1), [
      ['changed', {}],
      ['changed; the newest template is refused', {template: 'A'}],
      [`changed; the newest template is refused; ${looking}`, {template: 'A', ...given}],
      [`changed; ${looking}`, given],
    ]);
  });

  test('a newer one was started without a pod, and one that is refused came meanwhile -> nothing goes back past it', async () => {
    const {fallback, faults, world, applied, good} = await openStage({
      quarantine: {
        async isolate({input, serve}) {
          faults.delete('B');
          await serve(input);
          world.newest = 'C';
          return {is: 'isolated'};
        },
      },
    });
    await fallback.run('start');
    world.newest = 'B';
    faults.set('B', START_REFUSED).set('C', REFUSED);
    await assert.rejects(fallback.run('template changed'), REFUSED);
    const {pass} = good.current ?? {};
    assert.deepEqual([good.current?.template, fallback.refusal?.serving?.pass], ['B', pass]);
    await assert.rejects(fallback.run('retry'), REFUSED);
    assert.deepEqual(applied, ['A', 'A', 'B', 'B']);
  });

  test('it fails without any of the pods -> tried once more if they are in quarantine; of its own fault if not', async () => {
    const own = new DaemonError('VALIDATE', 'its own');
    for (const isKnown of [true, false]) {
      const {fallback, runs, faults} = await openStage({
        quarantine: {isolate: async () => ({is: 'innocent', fault: own, isKnown})},
      });
      faults.set('A', REFUSED);
      await assert.rejects(fallback.run('start'), isKnown ? REFUSED : own);
      const again = ['start; without the pods that it fails with', {}];
      assert.deepEqual(runs, [['start', {}], ...(isKnown ? [again] : [])]);
    }
  });

  test('pods that were read already -> the pass takes them; somebody is let out of quarantine -> they are read anew', async () => {
    const read = inputOf('A', ['10.0.0.1']);
    for (const isStale of [false, true]) {
      const {fallback, runs} = await openStage({quarantine: {retryDue: async () => isStale}});
      await fallback.run('joined', read);
      await fallback.run('retry');
      assert.deepEqual(runs, [
        ['joined', isStale ? {} : {read}],
        ['retry', {}],
      ]);
    }
  });

  test('more of an app is bad than may be -> a good one before it serves; without one they are left out all the same', async () => {
    const {fallback, faults, world, overBound, applied} = await openStage();
    await fallback.run('start');
    faults.set('A', REFUSED);
    overBound.add('A').add('B');
    await fallback.run('changed');
    assert.deepEqual([applied, fallback.refusal], [['A', 'A'], undefined]);
    world.newest = 'B';
    faults.set('B', REFUSED);
    await assert.rejects(fallback.run('template changed'), REFUSED);
    assert.deepEqual([applied.length, fallback.refusal?.serving?.pass], [3, 1]);
  });

  test('some pods are to blame -> served without them; the newest template is not refused', async () => {
    const {fallback, applied, faults, world, isolated, kept, culprits} = await openStage();
    await fallback.run('start');
    faults.set('A', REFUSED);
    culprits.add('A');
    world.ips = ['10.0.0.1', '10.0.0.3'];
    await fallback.run('joined web 10.0.0.3');
    assert.deepEqual(isolated, [['A', 'A', REFUSED]]);
    assert.deepEqual([applied, fallback.refusal, kept], [['A', 'A'], undefined, ['A', 'A']]);
  });

  test('a refused template, and the good one works without some pods -> the good one serves, the newest is refused', async () => {
    const {fallback, applied, faults, world, isolated, culprits} = await openStage();
    await fallback.run('start');
    Object.assign(world, {newest: 'B', ips: ['10.0.0.3']});
    faults.set('A', REFUSED).set('B', new DaemonError('RENDER', 'no such variable'));
    culprits.add('A');
    await assert.rejects(fallback.run('template changed'), {code: 'RENDER'});
    assert.deepEqual([applied, isolated[0]?.[0]], [['A', 'A'], 'A']);
    assert.equal(fallback.refusal?.serving?.pass, 1);
  });

  test('what is no refusal (a block that failed, a file that cannot be written) -> nothing else is tried', async () => {
    for (const fault of [
      new DaemonError('LIFECYCLE', 'its block failed'),
      writeFault('/data/run/2.cfg', systemError('EROFS')),
    ]) {
      const {fallback, applied, faults, world, runs} = await openStage();
      await fallback.run('start');
      world.newest = 'B';
      faults.set('B', fault);
      await assert.rejects(fallback.run('template changed'), fault);
      assert.deepEqual([applied, runs.length, fallback.refusal], [['A'], 2, undefined]);
    }
  });

  test('a restart -> the good one is remembered', async () => {
    const {fallback, contents, path} = await openStage();
    await fallback.run('start');
    const {files} = createMemoryFiles(Object.fromEntries(contents));
    assert.equal((await openTemplateFile(files, path)).current?.template, 'A');
    const damaged = await openTemplateFile(createMemoryFiles({[path]: '{"pass": 1'}).files, path);
    assert.deepEqual([damaged.current, damaged.isDamaged], [undefined, true]);
  });
});
