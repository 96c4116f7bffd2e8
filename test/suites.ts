import {globSync} from 'node:fs';
import {PassThrough, type Readable} from 'node:stream';
import {run} from 'node:test';
import report, {type TestEvent} from './support/reporter.ts';

/**
 * `npm test [-- FILES]`: runs every suite, one file at a time as Node does on a small machine, and beside them the soak,
 * which takes minutes but little of a CPU. Both write one report. 1 when anything failed.
 */
const SOAK = 'test/soak/soak.test.ts';

const asked = process.argv.slice(2);
const files = globSync(asked.length > 0 ? asked : 'test/**/*.test.ts').sort();
if (files.length === 0) {
  process.stderr.write(`no such suite: ${asked.join(', ')}\n`);
  process.exit(1);
}

/** The events of several runs, as they come. */
async function* merged(streams: readonly Readable[]): AsyncGenerator<TestEvent> {
  const all = new PassThrough({objectMode: true});
  let open = streams.length;
  for (const stream of streams) {
    stream.pipe(all, {end: false});
    stream.once('end', () => {
      open -= 1;
      if (open === 0) all.end();
    });
  }
  for await (const event of all) yield event as TestEvent;
}

const lots = [files.filter(file => file !== SOAK), files.filter(file => file === SOAK)].filter(lot => lot.length > 0);
const runs = lots.map(lot => run({files: lot, concurrency: true}));
for (const stream of runs) {
  stream.on('test:fail', ({todo}) => {
    if (todo === undefined || todo === false) process.exitCode = 1;
  });
}
for await (const text of report(merged(runs))) process.stdout.write(text);
