import {globSync} from 'node:fs';
import {PassThrough, type Readable} from 'node:stream';
import {run} from 'node:test';
import report, {type TestEvent} from './support/reporter.ts';

/**
 * `npm test`: runs every suite, one file at a time as Node does on a small machine, and the soak beside them: it takes
 * minutes, most of which it waits. Both write one report.
 */
const SOAK = 'test/soak/soak.test.ts';

const others = globSync('test/**/*.test.ts')
  .filter(file => file !== SOAK)
  .sort();

async function* merged(streams: readonly Readable[]): AsyncGenerator<TestEvent> {
  const both = new PassThrough({objectMode: true});
  let open = streams.length;
  for (const stream of streams) {
    stream.pipe(both, {end: false});
    stream.once('end', () => {
      open -= 1;
      if (open === 0) both.end();
    });
  }
  for await (const event of both) yield event as TestEvent;
}

const streams = [run({files: others, concurrency: true}), run({files: [SOAK]})];
for (const stream of streams) {
  stream.on('test:fail', ({details, todo}) => {
    if (todo === undefined && details.type !== 'suite') process.exitCode = 1;
  });
}
for await (const text of report(merged(streams))) process.stdout.write(text);
