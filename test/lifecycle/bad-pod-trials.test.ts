import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {DaemonError, OverLimit, StartRefused} from '../../src/errors.ts';
import {findByChecks, findByStarts} from '../../src/lifecycle/bad-pod-trials.ts';
import type {PodFinding} from '../../src/lifecycle/find-bad-pods.ts';
import type {TemplateInput} from '../../src/template/input.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {inputOfApps} from './fixtures.ts';

const TOO_LONG = new OverLimit('RENDER', 'cannot render the template: it takes longer than 2 s');
const REFUSED = new DaemonError('VALIDATE', 'unknown keyword');
const TAKEN = new DaemonError('APPLY', 'cannot bind socket', {cause: new StartRefused('APPLY', 'exit code 1')});

type FaultOf = (ips: readonly string[]) => DaemonError | undefined;

const ipsOf = ({variables: {pods}}: TemplateInput) => pods.map(({ip}) => ip);
const webOf = (count: number) => inputOfApps({web: Array.from({length: count}, (_, index) => `w${index}`)});
const namesOf = (finding: PodFinding) =>
  finding.is === 'found' ? finding.pods.map(({suspect: {pod}}) => pod.ip).sort() : finding.is;

/** 120 apps of two pods each: too many to be told apart when every other app is bad. */
const MANY = inputOfApps(
  Object.fromEntries(Array.from({length: 120}, (_, app) => [`app${app}`, [`${app}-0`, `${app}-1`]])),
);
const isOfBadApp = (ip: string): boolean => Number.parseInt(ip, 10) % 2 === 1;

/** Looks for who makes pods fail, by checks that each take `checkMs`. */
async function check(of: number | TemplateInput, faultOf: FaultOf, checkMs = 0) {
  const input = typeof of === 'number' ? webOf(of) : of;
  const clock = createFakeClock(1_000_000);
  const tried: (readonly string[])[] = [];
  const finding = await findByChecks(
    {input, before: undefined, fault: faultOf(ipsOf(input))},
    {
      clock,
      async tryOut(asked) {
        clock.pause(checkMs);
        tried.push(ipsOf(asked));
        const fault = faultOf(ipsOf(asked));
        if (fault !== undefined) throw fault;
      },
      ended: new AbortController().signal,
    },
  );
  return {finding, names: namesOf(finding), tried};
}

/** Looks for who keeps HAProxy from starting. */
async function start(
  of: number | TemplateInput,
  faultOf: FaultOf,
  {before, startMs = 0}: {before?: TemplateInput; startMs?: number} = {},
) {
  const clock = createFakeClock(1_000_000);
  const started: (readonly string[])[] = [];
  const finding = await findByStarts(
    {input: typeof of === 'number' ? webOf(of) : of, before, fault: TAKEN},
    {
      clock,
      async serve(asked) {
        clock.pause(startMs);
        started.push(ipsOf(asked));
        const fault = faultOf(ipsOf(asked));
        if (fault !== undefined) throw fault;
      },
    },
  );
  return {finding, names: namesOf(finding), started};
}

const failsOf =
  (fault: DaemonError, ...bad: readonly string[]): FaultOf =>
  ips =>
    ips.some(ip => bad.includes(ip)) ? fault : undefined;

describe('bad pods, by checks', () => {
  test('one that is refused -> that one, with as many checks told as were made; it is not tried alone', async () => {
    const {finding, names, tried} = await check(20, failsOf(REFUSED, 'w3'));
    assert.deepEqual([names, finding.checks], [['w3'], tried.length]);
    assert.ok(tried.every(ips => ips.length > 1));
  });

  test('some that hit a limit, each alone as well -> those, each tried alone; all checks are told', async () => {
    const bad = ['w1', 'w4', 'w8', 'w12', 'w16'];
    const {finding, names, tried} = await check(20, failsOf(TOO_LONG, ...bad));
    assert.deepEqual([names, finding.checks], [[...bad].sort(), tried.length]);
    assert.deepEqual(tried.slice(-bad.length).flat().sort(), [...bad].sort());
  });

  test('more of them than are tried alone -> nobody, and no more is tried', async () => {
    const {finding, tried} = await check(24, failsOf(TOO_LONG, 'w1', 'w4', 'w8', 'w12', 'w16', 'w20'));
    assert.deepEqual(finding, {is: 'too much', checks: tried.length});
    assert.notEqual(tried.at(-1)?.length, 1);
  });

  test('some only hit a limit together with others -> nobody, though another does alone; all checks are told', async () => {
    const together = await check(20, ips => (ips.length > 18 ? TOO_LONG : undefined));
    assert.deepEqual(together.finding, {is: 'too much', checks: together.tried.length});
    const beside = await check(20, ips => (ips.length > 17 || ips.includes('w3') ? TOO_LONG : undefined));
    assert.deepEqual(beside.finding, {is: 'too much', checks: beside.tried.length});
    assert.deepEqual(
      beside.tried.slice(-2).map(ips => ips.length),
      [1, 1],
    );
  });

  test('who hits a limit with others fails of something else alone -> nobody', async () => {
    const {names} = await check(20, ips => (ips.length === 1 ? REFUSED : failsOf(TOO_LONG, 'w3')(ips)));
    assert.equal(names, 'too much');
  });

  test('too many to be found -> given up after 100 checks or 20 s, of pods and then of apps', async () => {
    const faultOf: FaultOf = ips => (ips.some(isOfBadApp) ? REFUSED : undefined);
    const many = await check(MANY, faultOf);
    assert.deepEqual([many.finding, many.tried.length], [{is: 'too long', checks: 200}, 200]);
    const slow = await check(MANY, faultOf, 20_000);
    assert.deepEqual([slow.finding, slow.tried.length], [{is: 'too long', checks: 2}, 2]);
  });

  test('what no pod can be the cause of -> told as it is', async () => {
    const full = new DaemonError('APPLY', 'no space left');
    await assert.rejects(check(20, failsOf(full, 'w3')), full);
  });
});

describe('bad pods, by starts', () => {
  test('nobody came or changed -> nothing is started', async () => {
    const {finding, started} = await start(3, () => TAKEN, {before: webOf(3)});
    assert.deepEqual([finding, started], [{is: 'nobody', checks: 0}, []]);
  });

  test('a single pod came, and HAProxy starts without it alone -> that pod, with as many starts told as were made', async () => {
    const {finding, names, started} = await start(3, failsOf(TAKEN, 'w2'), {before: webOf(2)});
    assert.deepEqual([names, finding.checks, started.length], [['w2'], 2, 2]);
  });

  test('it starts by now with all of them -> nobody, after one start', async () => {
    const {finding, started} = await start(3, () => undefined);
    assert.deepEqual([finding, started.length], [{is: 'found', pods: [], checks: 1}, 1]);
  });

  test('too many to be found -> given up after 16 starts or a minute, of pods and then of apps', async () => {
    const faultOf: FaultOf = ips => (ips.some(isOfBadApp) ? TAKEN : undefined);
    const many = await start(MANY, faultOf);
    assert.deepEqual([many.finding, many.started.length], [{is: 'too long', checks: 33}, 33]);
    const slow = await start(MANY, faultOf, {startMs: 60_000});
    assert.deepEqual([slow.finding, slow.started.length], [{is: 'too long', checks: 3}, 3]);
  });

  test('it starts with nobody -> innocent, of what it fails of without any; all starts are told', async () => {
    const own = new DaemonError('APPLY', 'cannot open a file', {cause: TAKEN});
    const {finding, started} = await start(3, ips => (ips.length === 0 ? own : TAKEN));
    assert.deepEqual(finding, {is: 'innocent', fault: own, checks: started.length});
  });
});
