import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {CutShort, DaemonError} from '../../src/errors.ts';
import type {Visit} from '../../src/lifecycle/lifecycle.ts';
import {createPasses, type PassPorts, type PassRecord} from '../../src/lifecycle/passes.ts';
import type {Candidate} from '../../src/reload/candidate.ts';
import type {ProxyStatus} from '../../src/reload/generations.ts';
import {digestInput, type TemplateInput} from '../../src/template/input.ts';
import {openLogSink} from '../members/fixtures.ts';
import {createFakeClock} from '../support/fake-clock.ts';

const inputOf = (template: string, ip = '10.2.0.17'): TemplateInput => ({
  template,
  variables: {
    hosts: new Map([['web', [ip]]]),
    pods: [],
    node: {labels: {}, annotations: {}},
    labels: {},
    annotations: {},
    env: {},
    certs: {},
    services: new Map(),
  },
});

const visitOf = (cause: string, tag = 'configure'): Visit => ({tag, cause, origin: 'daemon', input: undefined});

/** Passes over a proxy that remembers what it was told. */
function openBench(given: Pick<PassPorts, 'lastPass' | 'refresh'> = {}) {
  const clock = createFakeClock();
  const {log, said} = openLogSink();
  const records: PassRecord[] = [];
  const told: string[] = [];
  const faults: {render?: Error; check?: Error; apply?: Error} = {};
  let template = 'frontend f';
  let text: string | undefined;
  let state: ProxyStatus['state'] = 'STOPPED';
  let generation = 0;
  /** What the proxy does with a text that may be told first. */
  const unchecked = {isTold: false, isChecked: true, tookMs: 7};
  const candidateOf = (of: string): Candidate => ({
    text: of,
    generation: generation + 1,
    files: ['x.cfg'],
    configuration: 'x.cfg',
  });
  const passes = createPasses({
    ...given,
    clock,
    log,
    loadInput: async () => inputOf(template),
    digest: digestInput,
    renderer: {
      async render(input) {
        if (faults.render) throw faults.render;
        await clock.advance(3);
        return `${input.template}\n\n`;
      },
    },
    proxy: {
      isServing: wanted => text === wanted && state !== 'FATAL',
      mayTellFirst: async () => unchecked.isTold,
      get status() {
        return {
          state,
          pid: null,
          generation,
          restarts: 0,
          silentMs: 0,
          isHung: false,
          isDeaf: false,
          hangs: 0,
          draining: [],
        };
      },
      async stage(staged): Promise<Candidate> {
        told.push('stage');
        return candidateOf(staged);
      },
      async discard() {
        told.push('discard');
      },
    },
    appliesAtOnce: tag => tag !== 'with a hook',
    async apply(wanted, {because, check} = {}) {
      told.push(because === undefined ? 'apply' : `apply: ${because}`);
      if (faults.apply) throw faults.apply;
      await clock.advance(unchecked.tookMs);
      const candidate = 'files' in wanted ? wanted : candidateOf(wanted.text);
      if (unchecked.isChecked) await check?.(candidate);
      text = candidate.text;
      state = 'RUNNING';
      generation = candidate.generation;
      return {generation, way: 'plain', why: 'because'};
    },
    hideSecrets: said => said.replaceAll('hunter2', '***'),
    explain: async fault => fault,
    check: async () => {
      told.push('check');
      if (unchecked.isTold) await clock.advance(52);
      if (faults.check) throw faults.check;
      return ['a warning'];
    },
  });
  passes.ended.follow(({record}) => records.push(record));
  const {signal} = new AbortController();
  /** One visit of a state that runs all three, as the lifecycle does it. */
  const pass = async (cause = 'web joined', tag = 'configure') => {
    const visit = visitOf(cause, tag);
    let fault: unknown;
    try {
      await passes.actions.render(visit, signal);
      await passes.actions.validate(visit, signal);
      await passes.actions.apply(visit, signal);
    } catch (error) {
      fault = error;
    }
    await passes.conclude(visit, fault);
    return passes.last;
  };
  return {
    passes,
    pass,
    records,
    told,
    faults,
    said,
    unchecked,
    served: () => text,
    setTemplate: (next: string) => {
      template = next;
    },
    setState: (next: ProxyStatus['state']) => {
      state = next;
    },
  };
}

describe('a pass whose text HAProxy may be told before it is checked', () => {
  test('the check passes -> its time is a phase of its own, its warnings are told', async () => {
    const {pass, told, unchecked, said, served} = openBench();
    unchecked.isTold = true;
    const record = await pass();
    assert.deepEqual(told, ['apply', 'check']);
    assert.deepEqual([record?.phasesMs, record?.verdict], [{render: 3, validate: 52, apply: 7}, 'ok']);
    assert.equal(said('haproxy warns')[0]?.reason, 'a warning');
    assert.equal(served(), 'frontend f\n');
  });

  test('it needs no check -> none is a phase; all its time was the check -> none is left', async () => {
    const {pass, told, unchecked, setTemplate} = openBench();
    Object.assign(unchecked, {isTold: true, isChecked: false});
    assert.deepEqual([(await pass())?.phasesMs, told], [{render: 3, apply: 7}, ['apply']]);
    Object.assign(unchecked, {isChecked: true, tookMs: 0});
    setTemplate('frontend g');
    assert.deepEqual((await pass())?.phasesMs, {render: 3, validate: 52, apply: 0});
  });

  test('the check refuses -> recorded as one that was refused before anything was applied', async () => {
    const {pass, passes, faults, unchecked, served} = openBench();
    unchecked.isTold = true;
    faults.check = new DaemonError('VALIDATE', 'cannot validate x.cfg: unknown keyword');
    const record = await pass();
    assert.deepEqual(
      [record?.verdict, record?.error, record?.phasesMs],
      ['failed', 'cannot validate x.cfg: unknown keyword', {render: 3, validate: 52}],
    );
    assert.deepEqual([served(), passes.applied], [undefined, undefined]);
  });

  test('the check refused -> checked first until a text of that template is applied, whatever serves meanwhile', async () => {
    const {pass, passes, told, faults, unchecked, setTemplate} = openBench();
    unchecked.isTold = true;
    faults.check = new DaemonError('VALIDATE', 'cannot validate x.cfg: unknown keyword');
    await pass();
    delete faults.check;
    await passes.applyText('frontend f\n  # nobody is sent to who left');
    setTemplate('frontend good');
    told.length = 0;
    await pass();
    setTemplate('frontend f');
    await pass();
    assert.deepEqual(told, ['apply', 'check', 'stage', 'check', 'apply']);
    told.length = 0;
    unchecked.isChecked = false;
    setTemplate('frontend good');
    await pass();
    setTemplate('frontend f');
    await pass();
    assert.deepEqual(told, ['apply', 'apply']);
  });

  test('a stop cuts it short -> no doubt of its template', async () => {
    const {pass, told, faults, unchecked} = openBench();
    unchecked.isTold = true;
    faults.apply = new CutShort('LIFECYCLE', 'the daemon stops');
    await pass();
    delete faults.apply;
    told.length = 0;
    await pass();
    assert.deepEqual(told, ['apply', 'check']);
  });

  test('a hook stands between validate and apply -> checked before it', async () => {
    const {pass, told, unchecked} = openBench();
    unchecked.isTold = true;
    await pass('web joined', 'with a hook');
    assert.deepEqual(told, ['stage', 'check', 'apply']);
  });

  test('certificates that it names changed as well -> checked before anything is done', async () => {
    const {pass, told, unchecked} = openBench({refresh: async () => true});
    unchecked.isTold = true;
    await pass();
    assert.deepEqual(told, ['stage', 'check', 'apply: certificates changed']);
  });
});

describe('pass', () => {
  test('a changed text -> staged, checked, applied; recorded with cause, phases and verdict', async () => {
    const {pass, told, passes, records, served, said} = openBench();
    const record = await pass();
    assert.deepEqual(told, ['stage', 'check', 'apply']);
    assert.equal(served(), 'frontend f\n');
    assert.deepEqual(record, {
      pass: 1,
      generation: 1,
      way: 'plain',
      why: 'because',
      cause: 'web joined',
      startedAt: 1_500_000_000_000,
      phasesMs: {render: 3, validate: 0, apply: 7},
      verdict: 'ok',
      error: null,
    });
    assert.deepEqual(records, [record]);
    assert.deepEqual([...(passes.applied?.input.variables.hosts ?? [])], [['web', ['10.2.0.17']]]);
    assert.equal(said('haproxy warns')[0]?.reason, 'a warning');
  });

  test('the text came out equal -> nothing is done to the proxy, verdict unchanged', async () => {
    const {pass, told} = openBench();
    await pass();
    told.length = 0;
    const record = await pass('api joined');
    assert.deepEqual([told, record?.verdict, record?.pass, record?.generation], [[], 'unchanged', 2, 1]);
    assert.equal(record?.why, 'the text came out equal');
  });

  test('the same text, but certificates that it names changed -> applied for their sake', async () => {
    const {pass, told} = openBench({refresh: async () => true});
    await pass();
    told.length = 0;
    assert.equal((await pass())?.verdict, 'ok');
    assert.deepEqual(told, ['stage', 'check', 'apply: certificates changed']);
  });

  test('what the next pass would see -> nothing new once it was served', async () => {
    const {pass, passes, setTemplate} = openBench();
    const first = await passes.readChanged();
    assert.equal(first?.input.template, 'frontend f');
    await pass();
    assert.equal(await passes.readChanged(), undefined);
    setTemplate('frontend g');
    assert.equal((await passes.readChanged())?.input.template, 'frontend g');
  });

  test('a visit with an input that was read already, after another daemon -> that one, one pass, the next number', async () => {
    const {passes, records, served} = openBench({lastPass: 41});
    const {signal} = new AbortController();
    const visit: Visit = {...visitOf('web joined'), read: {input: inputOf('frontend read'), digest: 'd'}};
    await passes.begin(visit);
    for (const action of ['render', 'validate', 'apply'] as const) await passes.actions[action](visit, signal);
    await passes.conclude(visit, undefined);
    assert.deepEqual([served(), passes.applied?.digest, records.map(({pass}) => pass)], ['frontend read\n', 'd', [42]]);
  });

  test('the same text, but the proxy is FATAL -> applied again', async () => {
    const {pass, told, setState} = openBench();
    await pass();
    setState('FATAL');
    told.length = 0;
    await pass();
    assert.deepEqual(told, ['stage', 'check', 'apply']);
  });

  test('fault 4: an invalid configuration -> the candidate is discarded, the good one serves on, the reason is kept', async () => {
    const {pass, told, faults, passes, served, setTemplate, said} = openBench();
    await pass();
    const before = passes.applied;
    setTemplate('nonsense');
    faults.check = new DaemonError('VALIDATE', 'cannot validate x.cfg: unknown keyword', {detail: 'all it wrote'});
    told.length = 0;
    const record = await pass();
    assert.deepEqual(told, ['stage', 'check', 'discard']);
    assert.deepEqual([record?.verdict, record?.error], ['failed', 'cannot validate x.cfg: unknown keyword']);
    assert.equal(served(), 'frontend f\n');
    assert.equal(passes.applied, before);
    assert.equal(said('pass failed: the last good configuration stays')[0]?.detail, 'all it wrote');
  });

  test('a render or an apply that fails -> recorded as failed, nothing applied', async () => {
    const {pass, faults, passes, told, said} = openBench();
    faults.render = new DaemonError('RENDER', 'cannot render the template: x');
    assert.equal((await pass())?.error, 'cannot render the template: x');
    assert.deepEqual([told, passes.applied], [[], undefined]);
    delete faults.render;
    faults.apply = new Error('port taken');
    assert.equal((await pass())?.error, 'port taken');
    assert.equal(passes.applied, undefined);
    assert.equal(said('pass failed: nothing has served yet').length, 2);
  });

  test('a stop cuts it short -> no failure: no record, what was staged is removed', async () => {
    const {pass, faults, records, said, told} = openBench();
    faults.check = new CutShort('LIFECYCLE', 'cannot finish state configure: the daemon stops');
    assert.equal(await pass(), undefined);
    assert.deepEqual([records, told], [[], ['stage', 'check', 'discard']]);
    assert.deepEqual(
      said('pass given up: the daemon stops').map(({level, cause}) => [level, cause]),
      [[30, 'web joined']],
    );
  });

  test('validate or apply without a render -> refused, with what to write', async () => {
    const {passes} = openBench();
    const {signal} = new AbortController();
    for (const action of ['validate', 'apply'] as const) {
      await assert.rejects(passes.actions[action](visitOf('x', 'mine'), signal), {
        code: 'LIFECYCLE',
        message: `cannot ${action} in state mine: name "render" before it in lifecycle.yml`,
      });
    }
  });

  test('a visit without a pass -> no record', async () => {
    const {passes, records} = openBench();
    await passes.begin(visitOf('boot', 'setup'));
    await passes.conclude(visitOf('boot', 'setup'), undefined);
    assert.deepEqual([records, passes.last], [[], undefined]);
  });

  test('a configure that does not render (2017) -> a pass that its block makes, with the hosts it was about', async () => {
    const {passes, records, told} = openBench();
    const visit = visitOf('web joined');
    await passes.begin(visit);
    assert.deepEqual([...(passes.hostsOf(visit) ?? [])], [['web', ['10.2.0.17']]]);
    await passes.conclude(visit, undefined);
    assert.deepEqual([records[0]?.verdict, records[0]?.way, told], ['ok', 'script', []]);
    assert.equal(records[0]?.why, 'the shell block of "configure" does it');
    assert.ok(passes.applied);
    await passes.begin(visit);
    await passes.conclude(visit, new Error('exit code 1'));
    const {verdict, why, error} = records[1] ?? {};
    assert.deepEqual([verdict, why, error], ['failed', 'the pass failed', 'exit code 1']);
  });

  test('a state that validates and does not apply -> the candidate is removed', async () => {
    const {passes, told} = openBench();
    const {signal} = new AbortController();
    const visit = visitOf('dry run', 'check');
    await passes.actions.render(visit, signal);
    await passes.actions.validate(visit, signal);
    await passes.conclude(visit, undefined);
    assert.deepEqual(told, ['stage', 'check', 'discard']);
  });

  test('a text from disk -> validated before it is applied', async () => {
    const {passes, told, faults, served} = openBench();
    await passes.applyText('from disk\n');
    assert.deepEqual([told, served(), passes.appliedText], [['stage', 'check', 'apply'], 'from disk\n', 'from disk\n']);
    faults.check = new Error('no');
    await assert.rejects(passes.applyText('worse\n'), /no/);
    assert.equal(served(), 'from disk\n');
  });
});
