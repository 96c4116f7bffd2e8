import assert from 'node:assert/strict';
import {test} from 'node:test';
import {decodeCborMap} from '../../src/proxy/cbor.ts';
import {fc} from '../support/properties.ts';

const decode = (hex: string) => {
  const map = decodeCborMap(Buffer.from(hex, 'hex'));
  return map && Object.fromEntries(map);
};

test('CBOR, every kind of value that HAProxy writes -> as it is', () => {
  const rows: [string, unknown][] = [
    ['00', 0],
    ['17', 23],
    ['1818', 24],
    ['19FFFF', 65_535],
    ['1AFFFFFFFF', 4_294_967_295],
    ['1B0000000100000000', 4_294_967_296],
    ['20', -1],
    ['3901F3', -500],
    ['60', ''],
    ['63616263', 'abc'],
    ['7F61616162FF', 'ab'],
    ['7FFF', ''],
    ['5F41014102FF', '0102'],
    ['43010203', '010203'],
    ['F4', false],
    ['F5', true],
    ['F6', null],
  ];
  for (const [value, expected] of rows) assert.deepEqual(decode(`BF6161${value}FF`), {a: expected}, value);
});

test('CBOR, cut, mixed or of another shape -> nothing', () => {
  for (const hex of [
    '',
    'BF',
    'BF6161',
    'BF616101',
    'BF6161FF',
    'BF0101FF',
    'BF616101FF00',
    'A0',
    '80',
    'BF61617F4161FFFF',
    'BF6161FB00FF',
    'BF61611F',
    'BF61617F7F61FFFF',
    'BF61615BFFFFFFFFFFFFFFFF00FF',
  ]) {
    assert.equal(decode(hex), undefined, hex);
  }
});

test('CBOR, any bytes -> never throws', () => {
  fc.assert(
    fc.property(fc.uint8Array(), bytes => {
      decodeCborMap(Buffer.from([0xbf, ...bytes]));
    }),
  );
});
