import assert from 'node:assert/strict';
import {test} from 'node:test';
import {parsePayloadText} from '../../src/slave/payload.ts';

const seenIn = (text: string | undefined) => {
  const parsed = parsePayloadText(text);
  return parsed.is === 'payload' ? parsed.text : parsed.reason;
};

test('payload, absent -> the empty string', () => assert.equal(seenIn(undefined), '""'));

test('payload, any JSON -> its text without blanks, numbers and keys as they were written', () => {
  for (const value of ['', 'é', 'a b\\" c', 0, null, false, [1, {a: []}], {weight: 50}]) {
    assert.equal(seenIn(`${JSON.stringify(value, null, 2)}\n`), JSON.stringify(value));
  }
  assert.equal(seenIn('{"b": 1.0,\n "10": 1e3}'), '{"b":1.0,"10":1e3}');
});

test('payload, not JSON -> fault that says why', () => {
  for (const text of ['', '{"a": 1', 'weight=50']) assert.match(String(seenIn(text)), /^not JSON: /);
});

test('payload, over 48 KiB -> fault with the bound', () => {
  assert.equal(String(seenIn(JSON.stringify('x'.repeat(49_150)))).length, 49_152);
  assert.equal(seenIn(JSON.stringify('x'.repeat(49_151))), 'larger than 49152 bytes');
});

test('payload, nested deeper than a stack -> a payload or a fault, never a throw', () => {
  assert.doesNotThrow(() => parsePayloadText('['.repeat(24_000) + ']'.repeat(24_000)));
});
