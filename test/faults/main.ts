import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {type Hang, STEPS, tryHangs, WAYS} from './hangs.ts';
import {type Case, nameOf, planCases} from './plan.ts';
import {SCENARIOS, type Scenario} from './scenario.ts';
import {type Row, renderTable, TABLE} from './table.ts';
import {openSession} from './trial.ts';

/*
 * `npm run faults`: every effect of every pass fails, stalls and is the last one before a kill -9; the table in
 * docs/faults.md is written from what came of it. Takes half an hour. `npm run faults -- reload` has only that
 * kind of pass done again, `-- hangs` what comes of a HAProxy that hangs, `npm run faults -- reload 'ask show info'` only what has that in its name, without the table.
 */

/** Each spends its time waiting. */
const WORKERS = Number(process.env.KONTROL_FAULT_WORKERS ?? 6);

const [, , wantedScenario, wanted = ''] = process.argv;
async function planned(scenario: Scenario): Promise<Case[]> {
  await using stage = await scenario.open();
  await using session = await openSession(scenario, stage);
  return planCases(scenario, await session.record());
}

const rows: Row[] = [];
let broken = 0;

for (const scenario of SCENARIOS.filter(({name}) => wantedScenario === undefined || name === wantedScenario)) {
  const cases = (await planned(scenario)).filter(one => nameOf(one).includes(wanted));
  const results = new Map<Case, string>();
  const left = [...cases];
  const again = new Set<Case>();
  const conclude = (one: Case, outcome: string) => {
    results.set(one, outcome);
    console.log(`${results.size}/${cases.length} ${nameOf(one)}: ${outcome}`);
  };
  /** What went wrong once is tried again with a fresh daemon: an earlier fault may have led it round this effect for good. */
  const fail = (one: Case, error: unknown) => {
    console.error(error);
    if (!again.has(one)) left.push(one);
    else {
      broken += 1;
      conclude(one, 'BROKEN');
    }
    again.add(one);
  };
  const work = async () => {
    while (left.length > 0) {
      await using stage = await scenario.open();
      await using session = await openSession(scenario, stage);
      for (let one = left.shift(); one !== undefined; one = left.shift()) {
        try {
          conclude(one, await session.run(one.point, one.kind));
        } catch (error) {
          fail(one, error);
          break;
        }
      }
    }
  };
  await Promise.all(Array.from({length: WORKERS}, work));
  rows.push(...cases.map(one => ({...one, outcome: results.get(one) ?? ''})));
}
const hangs: Hang[] = [];
if (wantedScenario === undefined || wantedScenario === 'hangs') {
  for (const way of WAYS) {
    hangs.push(
      ...(await tryHangs(way, Object.keys(STEPS), ({step, outcome}) =>
        console.log(`hangs, ${way}, ${step}: ${outcome}`),
      )),
    );
  }
}
if (wanted === '' && broken === 0) {
  writeFileSync(TABLE, renderTable(rows, hangs, existsSync(TABLE) ? readFileSync(TABLE, 'utf8') : ''));
}
console.log(`${rows.length + hangs.length} faults, ${broken} broken`);
process.exit(broken === 0 ? 0 : 1);
