import {readFileSync, writeFileSync} from 'node:fs';
import {haproxyBinary, newerHaproxyBinary} from '../../support/parts.ts';
import {decide, openHarness, proveAllowed} from './harness.ts';
import {pageOf, sectionOf, sectionsIn} from './table.ts';
import {NOT_TRIED, TRIALS} from './trials.ts';

/**
 * `npm run runtime-changes [-- BINARY...]`: tries everything on each HAProxy (the machine's own and the newest of Debian
 * when none is named) and writes its section of `docs/runtime-changes.md`. 1 when something allowed differs.
 */
const PAGE = new URL('../../../docs/runtime-changes.md', import.meta.url);

const asked = process.argv.slice(2);
const binaries = asked.length > 0 ? asked : [haproxyBinary, newerHaproxyBinary];
for (const binary of binaries) {
  await using harness = await openHarness(binary);
  const decided = await decide(TRIALS, harness);
  const findings = await proveAllowed(decided, harness);
  for (const {trial, situation, differences, commands} of findings) {
    process.exitCode = 1;
    process.stderr.write(`${trial.keyword}, ${situation}:\n  ${[...differences, ...commands].join('\n  ')}\n`);
  }
  if (findings.length > 0) continue;
  const page = readFileSync(PAGE, 'utf8');
  const sections = sectionsIn(page);
  sections.set(harness.release, sectionOf(harness.release, decided, NOT_TRIED));
  writeFileSync(PAGE, pageOf(page, sections));
}
