import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {DaemonError} from '../../src/errors.ts';
import {createTrial} from '../../src/lifecycle/trial.ts';
import type {TemplateInput} from '../../src/template/input.ts';

const INPUT = {template: 'a template', variables: {}} as unknown as TemplateInput;
const NEVER = new AbortController().signal;

function openStage(fault?: Error, serving?: string) {
  const told: string[] = [];
  const trial = createTrial({
    renderer: {trace: async () => ({text: 'backend web\n  balance x\n', lineOf: line => line + 10})},
    proxy: {
      isServing: text => text === serving,
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

  test('what serves already -> HAProxy is not asked', async () => {
    const {trial, told} = openStage(refusal(), 'backend web\n  balance x\n');
    await trial.tryOut(INPUT, NEVER);
    assert.deepEqual(told, []);
  });

  test('HAProxy refuses -> the words with the line of the template; nothing is left', async () => {
    const {trial, told} = openStage(refusal());
    await assert.rejects(trial.tryOut(INPUT, NEVER), {code: 'VALIDATE', message: EXPLAINED});
    assert.deepEqual(told, ['stage', 'check', 'discard']);
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

  test('what names no file, or is no refusal -> as it is', async () => {
    const {trial} = openStage();
    for (const fault of [new DaemonError('APPLY', 'no room'), new Error('a bug')]) {
      assert.equal(await trial.explain(fault, {input: INPUT, text: ''}), fault);
    }
  });
});
