import {globSync} from 'node:fs';
import {availableParallelism} from 'node:os';
import report from './support/reporter.ts';
import {runSuites} from './support/run-suites.ts';

/**
 * `npm test [-- FILES]`: runs every suite, and writes one report; 1 when anything failed. Two files at least run beside
 * each other, since most spend their time waiting; the soak, which takes minutes, is begun first.
 */
const SOAK = 'test/soak/soak.test.ts';

/** The longest takes four minutes. */
const LIMIT_MS = 600_000;

const asked = process.argv.slice(2);
const files = globSync(asked.length > 0 ? asked : 'test/**/*.test.ts').sort((one, other) => {
  if (one === SOAK || other === SOAK) return one === SOAK ? -1 : 1;
  return one < other ? -1 : 1;
});
if (files.length === 0) {
  process.stderr.write(`no such suite: ${asked.join(', ')}\n`);
  process.exit(1);
}
let code = 0;
const settings = {concurrency: Math.max(2, availableParallelism() - 1), limitMs: LIMIT_MS, failed: () => (code = 1)};
for await (const text of report(runSuites(files, settings))) process.stdout.write(text);
// Of a suite that was ended something may still be open.
process.exit(code);
