import assert from 'node:assert/strict';
import {createHash} from 'node:crypto';
import {test} from 'node:test';
import {parsePayload} from '../../src/members/payload.ts';
import {decodeSnapshot, encodeSnapshot, isForeign} from '../../src/members/snapshot.ts';
import {fc} from '../support/properties.ts';
import {memberOf} from './fixtures.ts';

const NOW = 1_500_000_000_000;
const MINUTE_MS = 60_000;

const count = fc.nat({max: Number.MAX_SAFE_INTEGER});
const label = fc.stringMatching(/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,20}[A-Za-z0-9])?$/);
const member = fc.record(
  {
    app: label,
    id: label,
    ip: fc.ipV4().filter(ip => Number(ip.split('.')[0]) > 0 && Number(ip.split('.')[0]) < 224),
    key: fc.stringMatching(/^[0-9A-Za-z]{1,32}$/),
    role: label,
    nonce: fc.option(fc.stringMatching(/^[0-9a-f]{16}$/), {nil: undefined}),
    payload: fc.jsonValue().map(value => parsePayload(JSON.parse(JSON.stringify(value)))),
    seq: fc.option(count, {nil: undefined}),
    firstSeenAt: count,
    lastSeenAt: count,
  },
  {noNullPrototype: true},
);

test('snapshot, any members -> read back as they were', () => {
  fc.assert(
    fc.property(fc.array(member, {maxLength: 5}), count, (members, seq) => {
      const decoded = decodeSnapshot(encodeSnapshot({seq, members}, NOW), NOW);
      assert.deepEqual(decoded, {is: 'fresh', snapshot: {seq, members}});
    }),
  );
});

const TEXT = encodeSnapshot({seq: 9, members: [memberOf(), memberOf({ip: 'fd00::1', payload: {é: [1]}})]}, NOW);

test('snapshot, is JSON -> a person can read it', () => assert.equal(JSON.parse(TEXT).content.seq, 9));

test('snapshot, cut at every place -> foreign, never throws', () => {
  for (let length = 0; length < TEXT.length; length++) {
    assert.equal(decodeSnapshot(TEXT.slice(0, length), NOW).is, 'foreign', `cut at ${length}`);
  }
});

test('snapshot, one character altered anywhere -> foreign, never throws', () => {
  for (let at = 0; at < TEXT.length; at++) {
    const altered = `${TEXT.slice(0, at)}${TEXT[at] === '0' ? '1' : '0'}${TEXT.slice(at + 1)}`;
    assert.equal(decodeSnapshot(altered, NOW).is, 'foreign', `altered at ${at}`);
  }
});

test('snapshot, any text -> foreign, never throws', () => {
  fc.assert(fc.property(fc.string(), text => assert.equal(decodeSnapshot(text, NOW).is, 'foreign')));
});

for (const [what, ageMs, is] of [
  ['10 min old', 10 * MINUTE_MS, 'fresh'],
  ['older', 10 * MINUTE_MS + 1, 'stale'],
  ['from 10 min in the future', -10 * MINUTE_MS, 'fresh'],
  ['from further in the future', -10 * MINUTE_MS - 1, 'stale'],
] as const) {
  test(`snapshot, ${what} -> ${is}`, () => {
    const decoded = decodeSnapshot(TEXT, NOW + ageMs);
    assert.equal(decoded.is, is);
    if (decoded.is === 'stale') assert.deepEqual(decoded, {is: 'stale', seq: 9, ageMs});
  });
}

/** A text whose checksum is right, whatever its content says. */
function seal(content: unknown, version = 1): string {
  const text = JSON.stringify(content);
  const sha256 = createHash('sha256').update(text).digest('hex');
  return `{"format":"haproxy-kontrol members","version":${version},"sha256":"${sha256}","content":${text}}\n`;
}

for (const [reason, text] of [
  [/version 2 is not 1/, seal({}, 2)],
  [/members is not an array/, seal({seq: 1, writtenAt: NOW})],
  [/seq is not a whole number/, seal({seq: -1, writtenAt: NOW, members: []})],
  [/writtenAt is not a whole number/, seal({seq: 1, members: []})],
  [/member is not an object/, seal({seq: 1, writtenAt: NOW, members: [1]})],
  [/app "a\/b" is not/, seal({seq: 1, writtenAt: NOW, members: [memberOf({app: 'a/b'})]})],
  [/firstSeenAt is not/, seal({seq: 1, writtenAt: NOW, members: [{...memberOf(), firstSeenAt: 'x'}]})],
  [/empty/, ''],
] as const) {
  test(`snapshot, sealed but wrong: ${reason.source} -> foreign with the reason`, () => {
    const decoded = decodeSnapshot(text, NOW);
    assert.ok(decoded.is === 'foreign');
    assert.match(decoded.reason, reason);
  });
}

test('a snapshot that says so -> of a shared store; any other -> foreign to it', () => {
  assert.deepEqual([{isShared: true}, {isShared: false}, {}].map(isForeign), [false, true, true]);
});
