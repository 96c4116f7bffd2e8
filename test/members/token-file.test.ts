import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {openTokenFile} from '../../src/members/token-file.ts';
import {createRecordingLog} from '../kubernetes/recording-log.ts';
import {createFakeClock} from '../support/fake-clock.ts';

function openStage(text: string | undefined) {
  const clock = createFakeClock();
  const {log, lines} = createRecordingLog();
  const stage = {text};
  const files = {readText: async () => stage.text};
  return {clock, lines, stage, open: () => openTokenFile('/run/token', {files, clock, log})};
}

describe('token file', () => {
  test('a rotation, the new token first -> both are accepted, then the new one alone', async () => {
    const {clock, stage, open} = openStage('the-old-shared-token\n');
    const file = await open();
    stage.text = 'the-new-shared-token\nthe-old-shared-token\n';
    await clock.advance(2000);
    assert.deepEqual(file.tokens, ['the-new-shared-token', 'the-old-shared-token']);
    stage.text = '\n the-new-shared-token \n';
    await clock.advance(2000);
    assert.deepEqual(file.tokens, ['the-new-shared-token']);
    file.close();
  });

  test('emptied or gone later -> the last good ones hold, one line in the log', async () => {
    const {clock, stage, open, lines} = openStage('the-old-shared-token');
    const file = await open();
    stage.text = undefined;
    await clock.advance(10_000);
    assert.deepEqual(file.tokens, ['the-old-shared-token']);
    assert.equal(lines.length, 1);
    file.close();
  });

  for (const text of [undefined, '', '\n', 'short', 'two words in one line that is long']) {
    test(`no usable token at the start: ${JSON.stringify(text)} -> CONFIG`, async () => {
      await assert.rejects(openStage(text).open(), {code: 'CONFIG', message: /KONTROL_PING_TOKEN_FILE \/run\/token/});
    });
  }
});
