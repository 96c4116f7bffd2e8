import assert from 'node:assert/strict';
import {rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {test} from 'node:test';
import {missing} from '../support/parts.ts';
import {openJournal} from './journal.ts';
import {runSoak} from './soak.ts';
import {writeSummary} from './summary.ts';

/** Longer by hand: `npm run soak -- --minutes 60`. */
const MINUTES = Number(process.env.KONTROL_SOAK_MINUTES ?? 3);

/** The same each time, so that a failure is of the change at hand; other seeds are for `npm run soak`. */
const SEED = Number(process.env.KONTROL_SOAK_SEED ?? 1);

test(`daemon, ${MINUTES} minutes of everything that can happen to it (seed ${SEED}) -> always what it must be, nothing lost or leaked`, {
  skip: missing('root', 'haproxy', 'netns', 'iptables'),
  timeout: (MINUTES + 10) * 60_000,
}, async t => {
  const logs = join(tmpdir(), `kontrol-soak-${process.pid}`);
  const journal = openJournal(logs);
  const summary = await runSoak({seed: SEED, minutes: MINUTES, store: 'embedded', journal});
  t.diagnostic(writeSummary(summary));
  assert.deepEqual(summary.problems, [], `${writeSummary(summary)}\nthe last actions:\n${journal.tail()}`);
  await rm(logs, {recursive: true, force: true});
});
