import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {isSameIp, parseServerAddress} from '../../src/proxy/server-line.ts';

const literal = (ip: string, family: 4 | 6, port: string, mapped = false) => ({
  is: 'literal',
  ip,
  family,
  port,
  mapped,
});

describe('address of a server', () => {
  for (const [text, expected] of [
    ['10.0.0.1:80', literal('10.0.0.1', 4, '80')],
    ['10.0.0.1', literal('10.0.0.1', 4, '', true)],
    ['10.0.0.1:', literal('10.0.0.1', 4, '', true)],
    ['10.0.0.1:+5', literal('10.0.0.1', 4, '+5', true)],
    ['10.0.0.1:-5', literal('10.0.0.1', 4, '-5', true)],
    ['10.0.0.1:0', literal('10.0.0.1', 4, '0', true)],
    ['[fd00::1]:80', literal('fd00::1', 6, '80')],
    ['fd00::1:80', literal('fd00::1', 6, '80')],
    ['[FD00:0::1]', literal('fd00::1', 6, '', true)],
    ['ipv4@10.0.0.1:80', literal('10.0.0.1', 4, '80')],
    ['ipv6@10.0.0.1:80', {is: 'other', text: 'ipv6@10.0.0.1:80'}],
    ['web.local:80', {is: 'other', text: 'web.local:80'}],
    ['unix@/run/s', {is: 'other', text: 'unix@/run/s'}],
    ['$HOST:80', {is: 'other', text: '$HOST:80'}],
    ['fe80::1%eth0:80', {is: 'other', text: 'fe80::1%eth0:80'}],
    ['', {is: 'other', text: ''}],
  ] as const) {
    test(`${JSON.stringify(text)} -> ${expected.is}`, () => assert.deepEqual(parseServerAddress(text), expected));
  }

  test('two spellings of one IP -> the same; names -> never', () => {
    assert.equal(isSameIp('0:0::1', '::1'), true);
    assert.equal(isSameIp('10.0.0.1', '10.0.0.2'), false);
    assert.equal(isSameIp('a', 'a'), false);
  });
});
