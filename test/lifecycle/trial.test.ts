import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {DaemonError} from '../../src/errors.ts';
import {createTrial} from '../../src/lifecycle/trial.ts';
import type {TemplateInput} from '../../src/template/input.ts';
import {systemError} from '../support/system-error.ts';

const INPUT = {template: 'a template', variables: {}} as unknown as TemplateInput;
const NEVER = new AbortController().signal;

function openStage(fault?: Error) {
  const told: string[] = [];
  const trial = createTrial({
    renderer: {trace: async () => ({text: 'backend web\n  balance x\n', lineOf: line => line + 10})},
    proxy: {
      foresee: async () => ({way: 'runtime', why: 'moved web/web-1'}),
      async stage(text) {
        told.push('stage');
        return {text, generation: 7, files: ['/data/run/7.cfg'], configuration: '/data/run/7.cfg'};
      },
      async discard() {
        told.push('discard');
      },
    },
    async check() {
      told.push('check');
      if (fault !== undefined) throw fault;
      return ['parsing [/data/run/7.cfg:1] : beware'];
    },
    fileNamed: /\/data\/run\/\d+\.cfg/,
  });
  return {trial, told};
}

const refusal = () => new DaemonError('VALIDATE', 'cannot validate /data/run/7.cfg: parsing [/data/run/7.cfg:2] : no');
const EXPLAINED = 'cannot validate the template: line 12: no (rendered: "balance x")';

describe('trying out', () => {
  test('HAProxy takes it -> its text; nothing is left', async () => {
    const {trial, told} = openStage();
    assert.equal(await trial.tryOut(INPUT, NEVER), 'backend web\n  balance x\n');
    assert.deepEqual(told, ['stage', 'check', 'discard']);
  });

  test('HAProxy refuses -> the words with the line of the template; nothing is left', async () => {
    const {trial, told} = openStage(refusal());
    await assert.rejects(trial.tryOut(INPUT, NEVER), {code: 'VALIDATE', message: EXPLAINED});
    assert.deepEqual(told, ['stage', 'check', 'discard']);
  });
});

describe('examining', () => {
  test('HAProxy takes it -> its text, the warnings at their lines, how it would come to serve; nothing is left', async () => {
    const {trial, told} = openStage();
    const {findings, ...came} = await trial.examine(INPUT, NEVER);
    assert.deepEqual(came, {
      text: 'backend web\n  balance x\n',
      foreseen: {way: 'runtime', why: 'moved web/web-1'},
    });
    const words = {message: 'beware', detail: '    rendered line 1: backend web'};
    assert.deepEqual(findings, [{level: 'warning', by: 'haproxy', line: 11, column: undefined, ...words}]);
    assert.deepEqual(told, ['stage', 'check', 'discard']);
  });

  test('HAProxy refuses, or cannot be run -> each of its alerts; a rejection', async () => {
    const detail = '[ALERT] 1/1 (1) : parsing [/data/run/7.cfg:2] : no\n[ALERT] 1/1 (1) : Fatal errors';
    const {trial, told} = openStage(new DaemonError('VALIDATE', 'cannot validate', {detail}));
    const {findings, text, foreseen} = await trial.examine(INPUT, NEVER);
    assert.deepEqual([findings[0]?.line, findings[0]?.message, findings[0]?.level], [12, 'no', 'error']);
    assert.deepEqual([text, foreseen], ['backend web\n  balance x\n', undefined]);
    assert.deepEqual(told, ['stage', 'check', 'discard']);
    await assert.rejects(openStage(new DaemonError('HAPROXY', 'gone')).trial.examine(INPUT, NEVER), {code: 'HAPROXY'});
  });
});

describe('explaining a refusal', () => {
  test('of the text that the template gives -> the line of the template', async () => {
    const fault = await openStage().trial.explain(refusal(), {input: INPUT, text: 'backend web\n  balance x\n'});
    assert.equal((fault as Error).message, EXPLAINED);
  });

  test('of another text -> its own line, whose origin is not known', async () => {
    const fault = await openStage().trial.explain(refusal(), {input: INPUT, text: 'backend web\n  balance y\n'});
    assert.equal((fault as Error).message, 'cannot validate the template: rendered line 2: no (rendered: "balance y")');
  });

  test('what names no file, tells of one that cannot be written, or is no refusal -> as it is', async () => {
    const {trial} = openStage();
    const unwritten = new DaemonError('APPLY', 'cannot write /data/run/7.cfg', {cause: systemError('ENOTDIR')});
    for (const fault of [new DaemonError('APPLY', 'no room'), unwritten, new Error('a bug')]) {
      assert.equal(await trial.explain(fault, {input: INPUT, text: ''}), fault);
    }
  });
});
