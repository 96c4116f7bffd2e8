import assert from 'node:assert/strict';
import {test} from 'node:test';
import {newsOfPass, type PassEnd} from '../../src/kubernetes/news.ts';

const failed = (error: string, phasesMs: PassEnd['phasesMs'] = {}): PassEnd => ({
  pass: 7,
  verdict: 'failed',
  error,
  phasesMs,
});

test('newsOfPass, tries that fail alike -> the same news, whatever numbers they carry', () => {
  const tries = [2, 3].map(number =>
    newsOfPass(
      failed(
        `cannot validate /data/run/${number}.cfg: [ALERT] 32${number}/10050${number} (93${number}) : parsing [/data/run/${number}.cfg:12]`,
      ),
      true,
    ),
  );
  assert.deepEqual(tries[0], tries[1]);
  assert.equal(
    tries[0]?.message,
    'cannot validate proxy.cfg: [ALERT] : parsing [proxy.cfg:12]; the last good configuration stays',
  );
});

test('newsOfPass, what failed -> refused before the apply, a failed reload in it', () => {
  assert.equal(newsOfPass(failed('x'), false)?.reason, 'ConfigurationRefused');
  assert.equal(newsOfPass(failed('x', {apply: 3}), false)?.reason, 'ReloadFailed');
});

test('newsOfPass, went well -> told after failures only', () => {
  const good: PassEnd = {pass: 8, verdict: 'ok', error: null, phasesMs: {}};
  assert.equal(newsOfPass(good, false), undefined);
  assert.equal(newsOfPass({...good, verdict: 'unchanged'}, true)?.reason, 'Recovered');
});
