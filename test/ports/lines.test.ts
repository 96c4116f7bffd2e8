import assert from 'node:assert/strict';
import {once} from 'node:events';
import {PassThrough, Readable} from 'node:stream';
import {describe, test} from 'node:test';
import {MAX_LINE_CHARACTERS, readLines} from '../../src/ports/lines.ts';
import {fc} from '../support/properties.ts';

async function linesOf(chunks: readonly (string | Buffer)[]): Promise<string[]> {
  const lines: string[] = [];
  const stream = Readable.from(chunks.map(chunk => Buffer.from(chunk)));
  readLines(stream, line => lines.push(line));
  await once(stream, 'end');
  return lines;
}

describe('lines', () => {
  test('pieces, both line ends, an unfinished last one -> the lines', async () => {
    assert.deepEqual(await linesOf(['a', 'b\nc\r\n\nd', 'e']), ['ab', 'c', '', 'de']);
    assert.deepEqual(await linesOf([]), []);
    assert.deepEqual(await linesOf(['x\n']), ['x']);
  });

  test('a character split between pieces -> whole', async () => {
    const bytes = Buffer.from('é✓\n');
    assert.deepEqual(await linesOf([bytes.subarray(0, 1), bytes.subarray(1, 4), bytes.subarray(4)]), ['é✓']);
  });

  test('a line without end -> comes in pieces of a bounded length, nothing is lost', async () => {
    const lines = await linesOf(Array.from({length: 100}, () => 'x'.repeat(1000)));
    assert.ok(lines.every(line => line.length <= MAX_LINE_CHARACTERS));
    assert.equal(lines.join('').length, 100_000);
    const [first = '', ...rest] = await linesOf([`${'y'.repeat(20_000)}\nz\n`]);
    assert.deepEqual([first.length, rest.length, rest.at(-1)], [MAX_LINE_CHARACTERS, 3, 'z']);
  });

  test('any text in any pieces -> the same as split at once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({maxLength: 20})), async chunks => {
        const whole = chunks.join('').replaceAll('\r', '');
        const expected = whole.split('\n');
        if (expected.at(-1) === '') expected.pop();
        assert.deepEqual(await linesOf(chunks.map(chunk => chunk.replaceAll('\r', ''))), expected);
      }),
      {numRuns: 50},
    );
  });

  test('a writer without pause -> others get their turn between its chunks', async () => {
    const stream = new PassThrough();
    let turns = 0;
    const seen: number[] = [];
    readLines(stream, () => seen.push(turns));
    const timer = setInterval(() => {
      turns += 1;
    });
    for (let chunk = 0; chunk < 200; chunk += 1) stream.write('line\n');
    stream.end();
    const tick = () =>
      new Promise<void>(resolve => {
        setImmediate(resolve);
      });
    const ended = once(stream, 'end').then(() => true);
    while (!(await Promise.race([ended, tick().then(() => false)]))) turns += 1;
    clearInterval(timer);
    assert.ok(new Set(seen).size > 50, String(new Set(seen).size));
  });
});
