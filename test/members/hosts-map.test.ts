import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {encodeHosts} from '../../src/members/hosts.ts';
import {parseHosts} from '../../src/members/hosts-map.ts';

const hostsOf = (text: string) => {
  const parsed = parseHosts(text);
  return parsed.is === 'hosts' ? [...parsed.hosts] : parsed;
};

describe('hosts map', () => {
  test('as the daemon writes it -> back as it was, in its order', () => {
    const hosts = new Map([
      ['api', ['10.0.0.2', '10.0.0.1']],
      ['web', ['fd00::1']],
    ]);
    assert.deepEqual(hostsOf(encodeHosts(hosts)), [...hosts]);
    assert.deepEqual(hostsOf('{}'), []);
  });

  test('addresses -> in their one spelling; an app without any is left out', () => {
    assert.deepEqual(hostsOf('{"web": ["::FFFF:10.0.0.1", "FD00:0::1"], "api": []}'), [
      ['web', ['10.0.0.1', 'fd00::1']],
    ]);
  });

  for (const text of ['', 'words', '[]', '"x"', 'null', '7', '{"web": "10.0.0.1"}', '{"a": [], "b": 1}', '{"web": [']) {
    test(`${text} -> none`, () => assert.deepEqual(parseHosts(text), {is: 'none'}));
  }

  for (const [text, reason] of [
    ['{"web": ["host"]}', '"host" of web is not an IP address'],
    ['{"web": ["10.0.0.1\\n  nonsense"]}', '"10.0.0.1\\n  nonsense" of web is not an IP address'],
    ['{"web": [7]}', '7 of web is not an IP address'],
    ['{"a\\nb": []}', 'app "a\\nb" is not a label value'],
    ['{"": []}', 'app "" is not a label value'],
  ] as const) {
    test(`${text} -> a fault, with the reason`, () => assert.deepEqual(parseHosts(text), {is: 'fault', reason}));
  }
});
