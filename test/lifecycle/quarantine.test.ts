import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {DaemonError, OverLimit, StartRefused} from '../../src/errors.ts';
import {openQuarantine, type Quarantined, type QuarantinePorts} from '../../src/lifecycle/quarantine.ts';
import {openQuarantineFile} from '../../src/lifecycle/quarantine-file.ts';
import type {Json} from '../../src/members/member.ts';
import type {Pod, TemplateInput} from '../../src/template/input.ts';
import {createMemoryFiles, openLogSink} from '../members/fixtures.ts';
import {createFakeClock} from '../support/fake-clock.ts';

const podOf = (last: number, payload: Json = null, more: Partial<Pod> = {}): Pod => ({
  app: 'web',
  id: `web-${last}`,
  ip: `10.0.0.${last}`,
  key: '0',
  role: 'frontend',
  seq: last,
  payload,
  ...more,
});

const inputOf = (pods: readonly Pod[], template = 'A'): TemplateInput => ({
  template,
  variables: {
    hosts: new Map([['web', pods.map(({ip}) => ip)]]),
    pods,
    node: {labels: {}, annotations: {}},
    labels: {},
    annotations: {},
    env: {},
    certs: {},
    services: new Map(),
  },
});

const REFUSED = new DaemonError('VALIDATE', 'weight hunter2 is not within 0 and 256');

const TOO_LONG = new OverLimit('RENDER', 'cannot render the template: it takes longer than 2 s');

/** A quarantine before a HAProxy that refuses every pod whose payload is `bad`. */
async function openStage({
  percent = 25,
  fault = REFUSED as unknown,
  files = createMemoryFiles().files,
  ended = new AbortController().signal,
  shared = undefined as QuarantinePorts['shared'],
} = {}) {
  const clock = createFakeClock(1_000_000);
  const {log, said} = openLogSink();
  const tried: TemplateInput[] = [];
  let isMended = false;
  let isTooMuch = (_: readonly Pod[]): boolean => false;
  const spoilt = new Map<string, DaemonError>();
  const quarantine = openQuarantine({
    clock,
    log,
    async tryOut(input) {
      tried.push(input);
      const own = spoilt.get(input.template);
      if (own !== undefined) throw own;
      if (isTooMuch(input.variables.pods)) throw TOO_LONG;
      if (!isMended && input.variables.pods.some(({payload}) => payload === 'bad')) throw fault;
    },
    percent,
    hideSecrets: text => text.replaceAll('hunter2', '***'),
    file: await openQuarantineFile(files, '/data/quarantine.json'),
    ended,
    ...(shared && {shared}),
  });
  const found: Quarantined[] = [];
  const tellings: number[] = [];
  quarantine.found.follow(culprits => {
    found.push(...culprits);
    tellings.push(culprits.length);
  });
  const due: string[] = [];
  quarantine.due.follow(cause => due.push(cause));
  const mend = () => {
    isMended = true;
  };
  const starts: TemplateInput[] = [];
  let held = async () => {};
  /** By the name of what comes of it; `serve` starts a HAProxy. */
  const isolate = async (
    input: TemplateInput,
    before: TemplateInput | undefined,
    of: unknown = REFUSED,
    serve = async (_: TemplateInput) => {},
  ) => {
    const isolation = await quarantine.isolate({
      input,
      before,
      fault: of,
      serve(asked) {
        starts.push(asked);
        return serve(asked);
      },
    });
    held = isolation.is === 'too many' ? isolation.hold : held;
    return isolation.is;
  };
  /** Rendering hits a limit with these. */
  const exceed = (is: typeof isTooMuch) => {
    isTooMuch = is;
  };
  /** This template fails by itself. */
  const spoil = (template: string, own: DaemonError) => void spoilt.set(template, own);
  return {
    clock,
    quarantine,
    isolate,
    hold: () => held(),
    tried,
    starts,
    found,
    tellings,
    due,
    said,
    mend,
    exceed,
    spoil,
  };
}

const seen = ({variables: {pods, hosts}}: TemplateInput) => [
  pods.map(({ip, payload}) => `${ip} ${payload}`),
  [...hosts].flat(2),
];

describe('quarantine', () => {
  test('a pod that came and breaks it -> left out, of pods and hosts; shown with the words, told once', async () => {
    const {clock, quarantine, isolate, found, said} = await openStage();
    const before = inputOf([podOf(1), podOf(2)]);
    const now = inputOf([podOf(1), podOf(2), podOf(3, 'bad')]);
    assert.equal(await isolate(now, before, REFUSED), 'isolated');
    assert.deepEqual(seen(quarantine.apply(now)), [
      ['10.0.0.1 null', '10.0.0.2 null'],
      ['web', '10.0.0.1', '10.0.0.2'],
    ]);
    const expected = {
      ip: '10.0.0.3',
      app: 'web',
      id: 'web-3',
      reason: 'weight *** is not within 0 and 256',
      sinceAt: clock.epochMs(),
      served: 'not at all',
      overBound: false,
    };
    assert.deepEqual([found, quarantine.members, quarantine.count], [[expected], [expected], 1]);
    assert.equal(said('member put into quarantine').length, 1);
  });

  test('a pod that changed and breaks it -> served as it was, in the place that it has now', async () => {
    const {quarantine, isolate} = await openStage();
    const before = inputOf([podOf(1), podOf(2, 'good', {seq: undefined})]);
    const now = inputOf([podOf(1), podOf(2, 'bad')]);
    assert.equal(await isolate(now, before, REFUSED), 'isolated');
    assert.deepEqual(quarantine.apply(now).variables.pods[1], podOf(2, 'good'));
    assert.equal(quarantine.members[0]?.served, 'as before');
  });

  test('another pod on the address of a good one -> it never worked, so it is left out', async () => {
    const {quarantine, isolate} = await openStage();
    const now = inputOf([podOf(1), podOf(2, 'bad', {id: 'web-other'})]);
    assert.equal(await isolate(now, inputOf([podOf(1), podOf(2, 'good')]), REFUSED), 'isolated');
    assert.deepEqual(seen(quarantine.apply(now))[0], ['10.0.0.1 null']);
  });

  test('nothing worked before (a start) -> everybody is a suspect', async () => {
    const {quarantine, isolate} = await openStage();
    const now = inputOf([podOf(1), podOf(2, 'bad'), podOf(3)]);
    assert.equal(await isolate(now, undefined, REFUSED), 'isolated');
    assert.deepEqual(seen(quarantine.apply(now))[0], ['10.0.0.1 null', '10.0.0.3 null']);
  });

  test('an app of one pod -> that one may be; half of an app -> the template is to blame', async () => {
    const one = await openStage();
    assert.equal(await one.isolate(inputOf([podOf(1, 'bad')]), inputOf([]), REFUSED), 'isolated');
    assert.deepEqual(seen(one.quarantine.apply(inputOf([podOf(1, 'bad')]))), [[], []]);
    const {quarantine, isolate, said} = await openStage();
    const half = inputOf([podOf(1), podOf(2), podOf(3, 'bad'), podOf(4, 'bad')]);
    assert.equal(await isolate(half, inputOf([podOf(1), podOf(2)]), REFUSED), 'too many');
    assert.match(String(said('no member is put into quarantine')[0]?.reason), /KONTROL_QUARANTINE/);
    assert.deepEqual([quarantine.members, quarantine.apply(half)], [[], half]);
  });

  test('those in it already count against the bound, with the size that the app really has', async () => {
    const {quarantine, isolate} = await openStage();
    const others = Array.from({length: 6}, (_, index) => podOf(index + 1));
    const first = inputOf([...others, podOf(7, 'bad'), podOf(8)]);
    assert.equal(await isolate(first, inputOf([...others, podOf(8)]), REFUSED), 'isolated');
    const second = quarantine.apply(inputOf([...others, podOf(7, 'bad'), podOf(8, 'bad')]));
    assert.equal(await isolate(second, quarantine.apply(first), REFUSED), 'isolated');
    const third = quarantine.apply(inputOf([...others.slice(1), podOf(7, 'bad'), podOf(8, 'bad'), podOf(9, 'bad')]));
    assert.equal(await isolate(third, inputOf([...others.slice(1), podOf(8)]), REFUSED), 'too many');
    assert.equal(quarantine.members.length, 2);
  });

  test('0 per cent, or a fault that no pod can cause -> nobody, and nothing is tried', async () => {
    const now = inputOf([podOf(1), podOf(2, 'bad')]);
    const off = await openStage({percent: 0});
    assert.equal(await off.isolate(now, inputOf([podOf(1)]), REFUSED), 'unknown');
    const taken = new DaemonError('APPLY', 'HAProxy was killed');
    const {isolate, tried} = await openStage();
    assert.equal(await isolate(now, inputOf([podOf(1)]), taken), 'unknown');
    assert.deepEqual([off.tried, tried], [[], []]);
  });

  test('pods that are too much together, on a slow machine -> nobody is blamed; one that is too much alone -> it is', async () => {
    const {isolate, said, exceed} = await openStage();
    const pods = Array.from({length: 20}, (_, n) => podOf(n + 1));
    exceed(({length}) => length > 12);
    assert.equal(await isolate(inputOf(pods), undefined, TOO_LONG), 'unknown');
    assert.match(String(said('no member is put into quarantine')[0]?.reason), /none is alone/);
    exceed(({length}) => length > 19);
    assert.equal(await isolate(inputOf(pods), undefined, TOO_LONG), 'unknown');
    exceed(asked => asked.some(({seq}) => seq === 7));
    assert.equal(await isolate(inputOf(pods), undefined, TOO_LONG), 'isolated');
  });

  test('a disk that is full while it looks -> that is told, nobody is blamed', async () => {
    const full = new DaemonError('APPLY', 'no space left');
    const {quarantine, isolate} = await openStage({fault: full});
    const now = inputOf([podOf(1), podOf(2, 'bad'), podOf(3)]);
    await assert.rejects(isolate(now, inputOf([podOf(1)]), REFUSED), full);
    assert.deepEqual(quarantine.members, []);
  });

  test('it says something else, or leaves -> tried with it, and forgotten', async () => {
    const {quarantine, isolate} = await openStage();
    const now = inputOf([podOf(1), podOf(2), podOf(3, 'bad')]);
    await isolate(now, inputOf([podOf(1), podOf(2)]), REFUSED);
    const changed = inputOf([podOf(1), podOf(2), podOf(3, 'good')]);
    assert.deepEqual([quarantine.apply(changed), quarantine.members], [changed, []]);
  });

  test('only its place in the order was settled -> in it still, and tried again at once, once', async () => {
    const {clock, quarantine, isolate, due, tried} = await openStage();
    const now = inputOf([podOf(1), podOf(2), podOf(3, 'bad', {seq: undefined})]);
    await isolate(now, inputOf([podOf(1), podOf(2)]), REFUSED);
    const settled = inputOf([podOf(1), podOf(2), podOf(3, 'bad')]);
    assert.equal(quarantine.apply(settled).variables.pods.length, 2);
    await clock.advance(0);
    assert.equal(due.length, 1);
    tried.length = 0;
    assert.equal(await quarantine.retryDue(async () => settled), false);
    quarantine.apply(settled);
    assert.equal(await quarantine.retryDue(async () => settled), false);
    assert.deepEqual([tried.length, due.length], [1, 1]);
  });

  test('another one left or changed -> tried again ten seconds after it failed, not a minute; joins hasten nothing', async () => {
    for (const others of [[podOf(1)], [podOf(1), podOf(2, 'new')]]) {
      const {clock, quarantine, isolate, due} = await openStage();
      const now = inputOf([podOf(1), podOf(2), podOf(3, 'bad')]);
      await isolate(now, inputOf([podOf(1), podOf(2)]), REFUSED);
      quarantine.apply(now);
      quarantine.apply(inputOf([...now.variables.pods, podOf(4)]));
      await clock.advance(9999);
      quarantine.apply(inputOf([...others, podOf(3, 'bad')]));
      assert.equal(due.length, 0);
      await clock.advance(1);
      assert.equal(due.length, 1);
    }
  });

  test('another template -> tried with it; once that works, nobody is in quarantine for the old one', async () => {
    const {quarantine, isolate} = await openStage();
    const now = inputOf([podOf(1), podOf(2), podOf(3, 'bad')]);
    await isolate(now, inputOf([podOf(1), podOf(2)]), REFUSED);
    const other = inputOf(now.variables.pods, 'B');
    assert.deepEqual([quarantine.apply(other), quarantine.members.length], [other, 1]);
    quarantine.keepOnly('B');
    assert.deepEqual(quarantine.members, []);
  });

  test('after a while -> a pass is asked for; in vain: later again; it works: let out', async () => {
    const {clock, quarantine, isolate, due, tried, said, mend} = await openStage();
    const now = inputOf([podOf(1), podOf(2), podOf(3, 'bad')]);
    await isolate(now, inputOf([podOf(1), podOf(2)]), REFUSED);
    tried.length = 0;
    await clock.advance(59_000);
    assert.equal(await quarantine.retryDue(async () => now), false);
    assert.deepEqual([due, tried], [[], []]);
    await clock.advance(1000);
    assert.deepEqual(due, ['pods in quarantine are tried again']);
    assert.equal(await quarantine.retryDue(async () => now), false);
    assert.deepEqual([tried.length, quarantine.members.length], [1, 1]);
    await clock.advance(119_000);
    assert.equal(due.length, 1);
    await clock.advance(1000);
    assert.equal(due.length, 2);
    mend();
    assert.equal(await quarantine.retryDue(async () => now), true);
    assert.deepEqual([quarantine.apply(now), quarantine.members], [now, []]);
    assert.equal(said('member let out of quarantine').length, 1);
  });

  test('a restart -> the same pods, each as it was, and none is tried before its time; let out: forgotten', async () => {
    const {files, contents} = createMemoryFiles();
    const first = await openStage({files});
    const before = inputOf([podOf(1), podOf(2, 'good')]);
    await first.isolate(inputOf([podOf(1), podOf(2, 'bad')]), before, REFUSED);
    await first.isolate(inputOf([podOf(1), podOf(2, 'bad'), podOf(3, 'bad')]), before, REFUSED);
    const again = inputOf([podOf(1), podOf(2, 'bad'), podOf(3, 'bad'), podOf(4)]);

    const {clock, quarantine, due, mend} = await openStage({files});
    assert.deepEqual(quarantine.members, first.quarantine.members);
    assert.deepEqual(quarantine.apply(again), first.quarantine.apply(again));
    assert.deepEqual(due, []);
    await clock.advance(60_000);
    assert.equal(due.length, 1);
    mend();
    assert.equal(await quarantine.retryDue(async () => again), true);
    assert.deepEqual([...contents.keys()], []);
  });

  test('a replica that starts -> who worked for another one is served as it was then, where it works with that', async () => {
    const told = {text: undefined as string | undefined};
    const shared = {
      load: async () => told.text,
      offer(text: string) {
        told.text = text;
      },
    };
    const first = await openStage({shared, percent: 100});
    const before = inputOf([podOf(1), podOf(2, 'good')]);
    await first.isolate(inputOf([podOf(1), podOf(2, 'bad'), podOf(3, 'bad')]), before, REFUSED);
    const whole = inputOf([podOf(1), podOf(2, 'bad'), podOf(3, 'bad')]);
    const servedBy = async (pods: TemplateInput, isMuch = (_: readonly Pod[]): boolean => false) => {
      const {quarantine, isolate, exceed} = await openStage({shared: {...shared, offer() {}}, percent: 100});
      exceed(isMuch);
      await isolate(pods, undefined, REFUSED);
      return quarantine.members.map(({ip, served}) => `${ip} ${served}`);
    };
    assert.deepEqual(await servedBy(whole), ['10.0.0.2 as before', '10.0.0.3 not at all']);
    const other = inputOf([podOf(1), podOf(2, 'bad', {id: 'another'})]);
    assert.deepEqual(await servedBy(other), ['10.0.0.2 not at all']);
    const isMuch = (pods: readonly Pod[]) => pods.some(({payload}) => payload === 'good');
    assert.deepEqual(await servedBy(whole, isMuch), ['10.0.0.2 not at all', '10.0.0.3 not at all']);
    told.text = 'nothing of the kind';
    assert.deepEqual(await servedBy(whole), ['10.0.0.2 not at all', '10.0.0.3 not at all']);
    told.text = undefined;
    assert.deepEqual(await servedBy(whole), ['10.0.0.2 not at all', '10.0.0.3 not at all']);
  });

  test('its file removed or altered -> written again while somebody is in it; nobody is, where it says nothing', async () => {
    const {files, contents} = createMemoryFiles();
    const {quarantine, isolate} = await openStage({files});
    await isolate(inputOf([podOf(1), podOf(3, 'bad')]), inputOf([podOf(1)]), REFUSED);
    const [written] = contents.values();
    contents.clear();
    await quarantine.save();
    assert.deepEqual([...contents.values()], [written]);
    for (const text of ['{', '[1]', '[{"suspect":{"pod":{}}}]', 'null']) {
      const damaged = await openStage({files: createMemoryFiles({'/data/quarantine.json': text}).files});
      assert.deepEqual(damaged.quarantine.members, []);
    }
  });

  test('more of an app than the bound, and nothing else can serve -> held all the same, and said of the whole app', async () => {
    const {quarantine, isolate, hold, found} = await openStage();
    const before = inputOf([podOf(1), podOf(2), podOf(9, 'good')]);
    const now = inputOf([podOf(1, 'bad'), podOf(2, 'bad'), podOf(3), podOf(9, 'good')]);
    assert.equal(await isolate(quarantine.apply(now), before), 'too many');
    assert.deepEqual(quarantine.members, []);
    await hold();
    assert.deepEqual(seen(quarantine.apply(now))[0], [
      '10.0.0.1 null',
      '10.0.0.2 null',
      '10.0.0.3 null',
      '10.0.0.9 good',
    ]);
    for (const member of [...found, ...quarantine.members]) {
      assert.deepEqual([member.served, member.overBound], ['as before', true]);
    }
    // One of them is in its bound again.
    quarantine.apply(inputOf([podOf(1), podOf(2, 'bad'), podOf(3), podOf(9, 'good')]));
    assert.deepEqual(
      quarantine.members.map(({ip, overBound}) => [ip, overBound]),
      [['10.0.0.2', false]],
    );
  });

  test('more of an app than the bound is out for the template that serves -> another one may do without the same pods, not without more', async () => {
    const {quarantine, isolate, hold} = await openStage();
    const now = [podOf(1, 'bad'), podOf(2, 'bad'), podOf(3)];
    assert.equal(await isolate(inputOf(now), inputOf([podOf(3)])), 'too many');
    await hold();
    const more = inputOf([...now, podOf(4, 'bad')], 'B');
    assert.equal(await isolate(quarantine.apply(more), inputOf([podOf(3)])), 'too many');
    const next = inputOf(now, 'B');
    assert.deepEqual(
      (await quarantine.rehearse({input: next, before: undefined, fault: REFUSED}))?.without.map(({ip}) => ip),
      ['10.0.0.1', '10.0.0.2'],
    );
    assert.equal(await isolate(quarantine.apply(next), inputOf([podOf(3)])), 'isolated');
    assert.deepEqual(quarantine.apply(next).variables.pods, [podOf(3)]);
    assert.deepEqual(
      quarantine.members.map(({ip, overBound}) => [ip, overBound]),
      [
        ['10.0.0.1', true],
        ['10.0.0.2', true],
      ],
    );
  });

  describe('what HAProxy cannot be started with', () => {
    const TAKEN = new DaemonError('APPLY', 'cannot bind socket', {cause: new StartRefused('APPLY', 'exit code 1')});
    const now = inputOf([podOf(1), podOf(2, 'taken'), podOf(3), podOf(4), podOf(5), podOf(6)]);
    const before = inputOf([podOf(1)]);
    const refuseTaken = async ({variables: {pods}}: TemplateInput) => {
      if (pods.some(({payload}) => payload === 'taken')) throw TAKEN;
    };

    test('with some pod each time, without it never -> that pod is in quarantine; no check is made', async () => {
      const {quarantine, isolate, tried, starts} = await openStage();
      assert.equal(await isolate(now, before, TAKEN, refuseTaken), 'isolated');
      assert.deepEqual(
        quarantine.members.map(({ip, reason}) => [ip, reason]),
        [['10.0.0.2', 'cannot bind socket']],
      );
      assert.deepEqual([starts[0], tried], [now, []]);
      assert.ok(starts.length <= 6, `${starts.length} starts`);
    });

    test('each start takes a while -> logged with how many there were and how long they took', async () => {
      const {clock, isolate, starts, said, tellings} = await openStage();
      await isolate(now, before, TAKEN, async input => {
        clock.pause(250);
        await refuseTaken(input);
      });
      const [told, ...more] = said('member put into quarantine');
      assert.deepEqual([told?.checks, told?.durationMs, more], [starts.length, 250 * starts.length, []]);
      assert.deepEqual(tellings, [1]);
    });

    test('with all of them it goes well by now -> nobody, and all are served', async () => {
      const {quarantine, isolate, starts, tellings} = await openStage();
      assert.equal(await isolate(now, before, TAKEN), 'isolated');
      assert.deepEqual([quarantine.members, starts, tellings], [[], [now], []]);
    });

    test('without them as well -> innocent; of a full disk -> told, nobody is blamed', async () => {
      const {clock, quarantine, isolate, starts} = await openStage();
      const refuseAll = async () => {
        throw TAKEN;
      };
      assert.equal(await isolate(now, before, TAKEN, refuseAll), 'innocent');
      // Each search is some reloads: not again at each retry.
      starts.length = 0;
      assert.equal(await isolate(now, before, TAKEN, refuseAll), 'unknown');
      assert.equal(await isolate(now, now, TAKEN, refuseAll), 'unknown');
      assert.deepEqual(starts, []);
      await clock.advance(60_000);
      assert.equal(await isolate(now, before, TAKEN, refuseAll), 'innocent');
      await clock.advance(119_000);
      assert.equal(await isolate(now, before, TAKEN, refuseAll), 'unknown');
      await clock.advance(1000);
      const full = new DaemonError('APPLY', 'no space left');
      const fill = async () => {
        throw full;
      };
      await assert.rejects(isolate(now, before, TAKEN, fill), full);
      assert.deepEqual(quarantine.members, []);
    });

    test('its time has come -> let out for a pass to try; in vain: later again, told once, since the first time', async () => {
      const {clock, quarantine, isolate, found, due, starts} = await openStage();
      await isolate(now, before, TAKEN, refuseTaken);
      const [first] = quarantine.members;
      await clock.advance(60_000);
      assert.equal(await quarantine.retryDue(async () => now), true);
      assert.deepEqual(quarantine.members, []);
      starts.length = 0;
      await isolate(quarantine.apply(now), before, TAKEN, refuseTaken);
      assert.deepEqual([quarantine.members, found.length, quarantine.count], [[first], 1, 1]);
      await clock.advance(119_000);
      assert.equal(due.length, 1);
      await clock.advance(1000);
      assert.equal(due.length, 2);
    });
  });

  test('another template fails by itself -> those in quarantine are kept out of it; it works: they are in it for that one', async () => {
    const wrong = new DaemonError('VALIDATE', 'a wrong word');
    const {quarantine, isolate, spoil} = await openStage();
    const good = [podOf(1), podOf(2)];
    const pods = [...good, podOf(3, 'bad')];
    await isolate(inputOf(pods), inputOf(good));
    const [first] = quarantine.members;
    const other = inputOf(pods, 'B');
    assert.deepEqual(quarantine.apply(other), other);
    spoil('B', wrong);
    assert.equal(await isolate(other, inputOf(good)), 'innocent');
    assert.deepEqual(quarantine.apply(other).variables.pods, good);
    quarantine.keepOnly('B');
    assert.deepEqual([quarantine.members, quarantine.apply(other).variables.pods], [[first], good]);
    assert.deepEqual(quarantine.apply(inputOf(pods)).variables.pods, pods);
  });

  test('another template failed by itself, then nobody was in quarantine -> a pod found since is tried with it', async () => {
    const {quarantine, isolate, spoil} = await openStage();
    const good = [podOf(1), podOf(2)];
    const first = [...good, podOf(3, 'bad')];
    await isolate(inputOf(first), inputOf(good));
    spoil('B', new DaemonError('VALIDATE', 'a wrong word'));
    assert.equal(await isolate(inputOf(first, 'B'), inputOf(good)), 'innocent');
    quarantine.apply(inputOf(good));
    quarantine.keepOnly('A');
    const later = [...good, podOf(4, 'bad')];
    await isolate(inputOf(later), inputOf(good));
    const other = inputOf(later, 'B');
    assert.deepEqual([quarantine.members.map(({ip}) => ip), quarantine.apply(other)], [['10.0.0.4'], other]);
  });

  test('a rehearsal -> who would be in quarantine, and the input without them; nothing happens', async () => {
    const {quarantine, found} = await openStage();
    const input = inputOf([podOf(1), podOf(2, 'bad')], 'B');
    const before = inputOf([podOf(1)]);
    const told = await quarantine.rehearse({input, before, fault: REFUSED});
    assert.deepEqual(
      told?.without.map(({ip, reason}) => [ip, reason]),
      [['10.0.0.2', 'weight *** is not within 0 and 256']],
    );
    assert.deepEqual(told?.input.variables.pods, [podOf(1)]);
    assert.deepEqual([quarantine.members, found, quarantine.apply(input)], [[], [], input]);
    const start = new StartRefused('APPLY', 'cannot bind socket');
    assert.equal(await quarantine.rehearse({input, before, fault: start}), undefined);
    const half = inputOf([podOf(1, 'bad'), podOf(2, 'bad')], 'B');
    assert.equal(
      await quarantine.rehearse({input: quarantine.apply(half), before: undefined, fault: REFUSED}),
      undefined,
    );
  });

  test('a rehearsal with a bound of 0 per cent, or of what no pod can cause -> nobody, and nothing is tried', async () => {
    const failing = {input: inputOf([podOf(1), podOf(2, 'bad')], 'B'), before: inputOf([podOf(1)])};
    const off = await openStage({percent: 0});
    assert.equal(await off.quarantine.rehearse({...failing, fault: REFUSED}), undefined);
    const {quarantine, tried} = await openStage();
    assert.equal(await quarantine.rehearse({...failing, fault: new DaemonError('APPLY', 'no space left')}), undefined);
    assert.deepEqual([off.tried, tried], [[], []]);
  });

  test('a bound of 1 per cent -> one pod may be in quarantine all the same, and a rehearsal names it', async () => {
    const input = inputOf([podOf(1), podOf(2, 'bad')]);
    const before = inputOf([podOf(1)]);
    const {quarantine, isolate} = await openStage({percent: 1});
    const rehearsed = await quarantine.rehearse({input, before, fault: REFUSED});
    assert.deepEqual(
      rehearsed?.without.map(({ip}) => ip),
      ['10.0.0.2'],
    );
    assert.equal(await isolate(input, before), 'isolated');
  });

  test("somebody's time comes while another is looked for -> a pass is asked for at once", async () => {
    const {clock, quarantine, isolate, due} = await openStage();
    const good = [1, 2, 5, 6, 7, 8].map(last => podOf(last));
    const first = inputOf([...good, podOf(3, 'bad')]);
    await isolate(quarantine.apply(first), inputOf(good));
    clock.pause(60_000);
    const second = inputOf([...first.variables.pods, podOf(4, 'bad')]);
    assert.equal(await isolate(quarantine.apply(second), inputOf(good)), 'isolated');
    await clock.advance(0);
    assert.equal(due.length, 1);
  });

  test('nobody is due -> today is not even read; many are -> five are tried, the others the next time', async () => {
    const {clock, quarantine, isolate, tried} = await openStage();
    const good = Array.from({length: 20}, (_, index) => podOf(index + 1));
    const now = inputOf([...good, ...[31, 32, 33, 34, 35, 36].map(last => podOf(last, 'bad'))]);
    assert.equal(await isolate(quarantine.apply(now), inputOf(good)), 'isolated');
    tried.length = 0;
    assert.equal(await quarantine.retryDue(() => assert.fail('read')), false);
    await clock.advance(60_000);
    await quarantine.retryDue(async () => now);
    assert.equal(tried.length, 5);
    await clock.advance(60_000);
    await quarantine.retryDue(async () => now);
    assert.deepEqual(tried.at(-1)?.variables.pods.at(-1), podOf(36, 'bad'));
    assert.equal(tried.length, 6);
  });

  test('tried in vain again and again -> once an hour at last', async () => {
    const {clock, quarantine, isolate, due} = await openStage();
    const now = inputOf([podOf(1), podOf(3, 'bad')]);
    await isolate(now, inputOf([podOf(1)]));
    for (let times = 0; times < 7; times += 1) {
      await clock.advance(3_600_000);
      await quarantine.retryDue(async () => now);
    }
    due.length = 0;
    await clock.advance(3_599_999);
    assert.equal(due.length, 0);
    await clock.advance(1);
    assert.equal(due.length, 1);
  });

  test('another template fails of its own -> known for it while all suspects are in quarantine, not once another comes', async () => {
    const wrong = new DaemonError('VALIDATE', 'a wrong word');
    const {quarantine, isolate, spoil} = await openStage();
    const good = [podOf(1), podOf(2)];
    const pods = [...good, podOf(3, 'bad')];
    await isolate(inputOf(pods), inputOf(good));
    spoil('B', wrong);
    const isolateB = (input: TemplateInput) =>
      quarantine.isolate({input, before: inputOf(good), fault: REFUSED, serve: async () => {}});
    const more = inputOf([...pods, podOf(4)], 'B');
    assert.deepEqual(await isolateB(more), {is: 'innocent', fault: wrong, isKnown: false});
    assert.deepEqual(quarantine.apply(more), more);
    assert.deepEqual(await isolateB(inputOf(pods, 'B')), {is: 'innocent', fault: wrong, isKnown: true});
    assert.deepEqual(quarantine.apply(more).variables.pods, [...good, podOf(4)]);
  });

  test('the daemon ends -> nobody is tried again', async () => {
    const {clock, quarantine, isolate, due} = await openStage({ended: AbortSignal.abort()});
    await isolate(inputOf([podOf(1), podOf(3, 'bad')]), inputOf([podOf(1)]));
    assert.equal(quarantine.members.length, 1);
    await clock.advance(3_600_000);
    assert.deepEqual(due, []);
  });

  test('a stop -> no timer is left', async () => {
    const {clock, quarantine, isolate, due} = await openStage();
    await isolate(inputOf([podOf(1), podOf(3, 'bad')]), inputOf([podOf(1)]), REFUSED);
    quarantine.close();
    await clock.advance(3_600_000);
    assert.deepEqual(due, []);
  });
});
