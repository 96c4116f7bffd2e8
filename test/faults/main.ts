import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {type Case, nameOf, planCases} from './plan.ts';
import {SCENARIOS, type Scenario} from './scenario.ts';
import {type Row, renderTable, TABLE} from './table.ts';
import {openSession} from './trial.ts';

/*
 * `npm run faults`: every effect of every pass fails, stalls and is the last one before a kill -9; the table in
 * docker/docs/faults.md is written from what came of it. Takes half an hour. `npm run faults -- reload` has only that
 * kind of pass done again, `npm run faults -- reload 'ask show info'` only what has that in its name, without the table.
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
  /** After a fault that broke something the rest goes on with a daemon of its own. */
  const work = async () => {
    while (left.length > 0) {
      await using stage = await scenario.open();
      await using session = await openSession(scenario, stage);
      let isWhole = true;
      for (let one = left.shift(); one !== undefined && isWhole; one = isWhole ? left.shift() : undefined) {
        const outcome = await session.run(one.point, one.kind).catch((error: unknown) => {
          console.error(error);
          isWhole = false;
          return 'BROKEN';
        });
        results.set(one, outcome);
        console.log(
          `${new Date().toISOString().slice(11, 19)} ${results.size}/${cases.length} ${nameOf(one)}: ${outcome}`,
        );
      }
      if (!isWhole) broken += 1;
    }
  };
  await Promise.all(Array.from({length: WORKERS}, work));
  rows.push(...cases.map(one => ({...one, outcome: results.get(one) ?? ''})));
}
if (wanted === '' && broken === 0)
  writeFileSync(TABLE, renderTable(rows, existsSync(TABLE) ? readFileSync(TABLE, 'utf8') : ''));
console.log(`${rows.length} faults, ${broken} broken`);
process.exit(broken === 0 ? 0 : 1);
