import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {createCheckAction} from '../../../src/commands/daemon/check-action.ts';
import type {CheckAnswer} from '../../../src/http/status-actions.ts';
import type {Examination} from '../../../src/lifecycle/trial.ts';

const SERVED = 'listen web\n  bind :80\n  stats auth admin:hunter2\n';
const TEMPLATE = Buffer.from('listen web\n');

const openStage = (examine: (template: string) => Promise<Examination>) =>
  createCheckAction({examine, served: () => SERVED, hideSecrets: said => said.replaceAll('sesame', '***')});

/** What it answers when all goes well. */
async function answerOf(examined: Examination): Promise<CheckAnswer> {
  const result = await openStage(async () => examined)(TEMPLATE);
  assert.ok(result.is === 'shown');
  return result.answer as unknown as CheckAnswer;
}

describe('a check of a template', () => {
  test('HAProxy takes it -> text and difference without secrets, how it would come to serve', async () => {
    const text = `${SERVED}  server web-1 10.0.0.1:80\n  http-request set-header X-Key sesame\n`;
    const answer = await answerOf({findings: [], text, foreseen: {way: 'reload', why: 'another header'}});
    assert.deepEqual([answer.works, answer.way, answer.why], [true, 'reload', 'another header']);
    assert.match(answer.text ?? '', /server web-1 10\.0\.0\.1:80/);
    assert.equal(answer.difference?.added, 2);
    assert.doesNotMatch(JSON.stringify(answer), /hunter2|sesame/);
  });

  test('HAProxy warns -> works; refuses -> does not, what is not there is null, its words without secrets', async () => {
    const found = {by: 'haproxy', line: 3, column: undefined, message: 'sesame', detail: 'sesame'} as const;
    const foreseen = {way: 'runtime', why: 'moved web/web-1'} as const;
    const findings = [{...found, level: 'warning'} as const, {...found, level: 'warning', column: 7} as const];
    const warned = await answerOf({findings, text: SERVED, foreseen});
    const shown = {...found, level: 'warning', message: '***', detail: '***'};
    assert.deepEqual(
      [warned.works, warned.findings],
      [
        true,
        [
          {...shown, column: null},
          {...shown, column: 7},
        ],
      ],
    );
    const refused = await answerOf({findings: [{...found, level: 'error'}], text: undefined, foreseen: undefined});
    const {findings: _, ...rest} = refused;
    assert.deepEqual(rest, {works: false, way: null, why: null, difference: null, text: null});
  });

  test('no template, or none in UTF-8 -> malformed, nobody looks at it', async () => {
    const action = openStage(() => Promise.reject(new Error('looked at')));
    for (const bytes of [Buffer.from(''), Buffer.from([0x61, 0x0a, 0xff])]) {
      const result = await action(bytes);
      assert.equal(result.is, 'malformed');
    }
  });

  test('many at once -> one at a time, some wait, the others are told; later ones are taken again', async () => {
    let running = 0;
    let most = 0;
    let gate = Promise.withResolvers<void>();
    const action = openStage(async () => {
      most = Math.max(most, ++running);
      await gate.promise;
      running -= 1;
      return {findings: [], text: SERVED, foreseen: undefined};
    });
    for (const _ of ['first', 'again']) {
      gate = Promise.withResolvers();
      const results = Array.from({length: 7}, () => action(TEMPLATE));
      gate.resolve();
      const came = (await Promise.all(results)).map(({is}) => is);
      assert.deepEqual([came, most], [['shown', 'shown', 'shown', 'shown', 'busy', 'busy', 'busy'], 1]);
    }
  });

  test('one that rejects -> its place is free again', async () => {
    const action = openStage(() => Promise.reject(new Error('no disk')));
    for (let time = 0; time < 6; time += 1) await assert.rejects(action(TEMPLATE), {message: 'no disk'});
  });
});
