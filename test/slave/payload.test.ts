import assert from 'node:assert/strict';
import {test} from 'node:test';
import {parsePayloadText} from '../../src/slave/payload.ts';

const seenIn = (text: string | undefined) => {
  const parsed = parsePayloadText(text);
  return parsed.is === 'payload' ? parsed.value : parsed.reason;
};

test('payload, absent -> the empty string', () => assert.equal(seenIn(undefined), ''));

test('payload, any JSON -> its value', () => {
  for (const value of ['', 'é', 0, null, false, [1, {a: []}], {weight: 50}]) {
    assert.deepEqual(seenIn(`${JSON.stringify(value)}\n`), value);
  }
});

test('payload, not JSON -> fault that says why', () => {
  for (const text of ['', '{"a": 1', 'weight=50']) assert.match(String(seenIn(text)), /^not JSON: /);
});

test('payload, over 48 KiB as text or as sent -> fault with the bound', () => {
  assert.equal(String(seenIn(JSON.stringify('x'.repeat(49_150)))).length, 49_150);
  assert.equal(seenIn(JSON.stringify('x'.repeat(49_151))), 'larger than 49152 bytes');
  assert.equal(seenIn(`[${Array(5000).fill('1e20').join(',')}]`), 'larger than 49152 bytes');
});

test('payload, nested deeper than a stack -> a value or a fault, never a throw', () => {
  assert.doesNotThrow(() => parsePayloadText('['.repeat(24_000) + ']'.repeat(24_000)));
});
