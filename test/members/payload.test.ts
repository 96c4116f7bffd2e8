import assert from 'node:assert/strict';
import {test} from 'node:test';
import {parsePayload, payloadBytesOf, samePayload} from '../../src/members/payload.ts';
import {fc} from '../support/properties.ts';

const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);

test('payload, control characters in strings and keys -> gone', () => {
  const dirty = {'a\nb': ['x\r\ny\u0000', {k: '\u007f\u0085\u009f\u2028\u2029é\t'}]};
  assert.deepEqual(parsePayload(dirty), {ab: ['xy', {k: 'é'}]});
});

test('payload, __proto__ keys plain or hidden -> dropped, nothing polluted', () => {
  const payload = parsePayload(JSON.parse('{"__proto__": {"x": 1}, "__pro\\u0000to__": {"x": 1}, "constructor": 2}'));
  assert.deepEqual(payload, {constructor: 2});
  assert.equal(Object.getPrototypeOf(payload), Object.prototype);
  assert.equal(Reflect.get({}, 'x'), undefined);
});

test('payload, nesting of 32 and 33 levels -> taken, refused', () => {
  assert.deepEqual(parsePayload(nested(32)), nested(32));
  assert.throws(() => parsePayload(nested(33)), /^Error: payload nests deeper than 32 levels$/);
});

test('payload, number out of range and lone surrogate -> what JSON and UTF-8 can hold', () => {
  assert.deepEqual(parsePayload(JSON.parse('[1e999, "\\ud800"]')), [null, '\ufffd']);
});

test('payload, any JSON -> the same again when parsed twice, or written down and read back', () => {
  fc.assert(
    fc.property(fc.jsonValue({stringUnit: 'binary'}), value => {
      const payload = parsePayload(value);
      assert.deepEqual(parsePayload(payload), payload);
      assert.ok(samePayload({payload: parsePayload(JSON.parse(JSON.stringify(payload)))}, {payload}));
    }),
  );
});

test('payload, size -> bytes of its JSON, an empty one is free', () => {
  assert.equal(payloadBytesOf({payload: ''}), 0);
  assert.equal(payloadBytesOf({payload: {a: 'é'}}), 10);
});
