import assert from 'node:assert/strict';
import {once} from 'node:events';
import {PassThrough} from 'node:stream';
import {test} from 'node:test';
import {MAX_LINE_CHARACTERS, readLines} from '../../src/ports/lines.ts';
import {parseAccessLine} from '../../src/proxy/access-line.ts';
import {parseSyslog} from '../../src/proxy/syslog.ts';
import {fc} from '../support/properties.ts';
import {budget} from './budget.ts';
import {mutatedBytes, mutatedText} from './mutated.ts';

const HEAD = '<134>Nov 25 09:04:00 haproxy[123]: ';
const HTTP =
  '10.0.0.1:40000 [25/Nov/2026:09:04:00.123] web web/s1 0/0/1/2/3 200 512 - - ---- 1/1/0/0/0 0/0 {a|b} {c} "GET /x?y HTTP/1.1"';
const TCP = '::1:40000 [25/Nov/2026:09:04:00.123] web web/s1 0/0/3 512 -- 1/1/0/0/0 0/0';
const OTHERS = [
  'Connect from 10.0.0.1:4000 to 10.0.0.2:80 (web/HTTP)',
  '10.0.0.1:40000 [25/Nov/2026:09:04:00.123] web/1: SSL handshake failure',
  'Proxy web started.',
];
const WORDS = ['<134>', '[', ']: ', '"', '{', '}', '+1', '-1', '/', '\\x1b'];

test('syslog datagram, any bytes -> nothing, or a message without control characters that is one line of JSON', () => {
  const valid = [HTTP, TCP, ...OTHERS].map(message => `${HEAD}${message}\n`);
  fc.assert(
    fc.property(mutatedBytes(valid, WORDS), bytes => {
      const line = parseSyslog(bytes);
      if (line === undefined) return;
      assert.ok(line.severity >= 0 && line.severity <= 7);
      assert.doesNotMatch(line.message, /\p{Cc}/u);
      const {format, fields} = parseAccessLine(line.message);
      const json = JSON.stringify({format, ...fields});
      assert.ok(!json.includes('\n'));
      assert.deepEqual(JSON.parse(json), {format, ...fields});
    }),
    budget(),
  );
});

test('access line, any text -> fields that stand in the text, numbers that are numbers', () => {
  fc.assert(
    fc.property(mutatedText([HTTP, TCP, ...OTHERS], WORDS), text => {
      const {format, fields} = parseAccessLine(text);
      for (const [name, value] of Object.entries(fields)) {
        if (typeof value === 'string') assert.ok(text.includes(value), `${name} of ${format}`);
        if (typeof value === 'number') assert.ok(value >= 0, `${name} ${value}`);
      }
    }),
    budget(),
  );
});

test('lines of a stream, any text in any pieces -> the lines that split() finds, long ones in pieces', async () => {
  const long = 'x'.repeat(2 * MAX_LINE_CHARACTERS + 1);
  const text = mutatedText(['one\ntwo\r\n\nthree', `${long}\nshort\n`], ['\n', '\r', long]);
  await fc.assert(
    fc.asyncProperty(text, fc.array(fc.integer({min: 1, max: 9000}), {maxLength: 6}), async (given, sizes) => {
      const bytes = Buffer.from(given.toWellFormed());
      const stream = new PassThrough();
      const lines: string[] = [];
      readLines(stream, line => lines.push(line));
      const closed = once(stream, 'close');
      let from = 0;
      for (const size of sizes) {
        stream.write(bytes.subarray(from, from + size));
        from += size;
      }
      stream.end(bytes.subarray(from));
      await closed;
      assert.ok(lines.every(line => line.length <= MAX_LINE_CHARACTERS && !line.includes('\n')));
      const plain = (whole: string) => whole.replaceAll(/[\r\n]/g, '');
      assert.equal(plain(lines.join('')), plain(bytes.toString()));
      if (given.length < MAX_LINE_CHARACTERS) {
        const expected = given.toWellFormed().split('\n');
        const last = expected.pop();
        const whole = expected.map(line => (line.endsWith('\r') ? line.slice(0, -1) : line));
        assert.deepEqual(lines, last === '' ? whole : [...whole, last]);
      }
    }),
    budget(60),
  );
});
