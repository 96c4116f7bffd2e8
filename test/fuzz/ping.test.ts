import assert from 'node:assert/strict';
import {isIP} from 'node:net';
import {test} from 'node:test';
import {parseHosts} from '../../src/members/hosts-map.ts';
import {parsePing} from '../../src/members/ping.ts';
import {createAddressRule} from '../../src/members/special-addresses.ts';
import {fc} from '../support/properties.ts';
import {budget} from './budget.ts';
import {mutatedBytes, mutatedText} from './mutated.ts';

const VALID = [
  '{"app": "web", "id": "web-3621538101-fnnfp", "ip": "10.2.0.17", "key": "bmviV", "payload": "", "role": "frontend"}',
  '{"app":"a.b_c-d","id":"x","ip":"fd00::17","key":"0","role":"r","nonce":"0123456789abcdef","down":true,"payload":{"a":[1,2.5,null,{"b":"c"}]}}',
  '{"app":"w","id":"w-1","ip":"::ffff:10.0.0.1","key":"1","role":"f","payload":"a\\u0000b\\u2028c\\ud800"}',
];
const refuseAddress = createAddressRule([], undefined);

const WORDS = [
  '"app":',
  '"ip":"',
  '127.0.0.1',
  '::1',
  '224.0.0.1',
  '0.0.0.0',
  '"payload":[[[[',
  '"down":1',
  '\\u0000',
  '\\ud83d',
];

/** What no string of a member may hold: it would start a new line somewhere. */
const CONTROL = /[\p{Cc}\u2028\u2029]/u;
const LABEL = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,251}[A-Za-z0-9])?$/;

const stringsIn = (value: unknown): string[] => {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return [...(Array.isArray(value) ? [] : Object.keys(value)), ...Object.values(value).flatMap(stringsIn)];
};

test('ping, any bytes -> a fault on one line, or a ping that is safe to use and parses to itself', () => {
  fc.assert(
    fc.property(mutatedBytes(VALID, WORDS), bytes => {
      const parsed = parsePing(bytes, {remoteAddress: '10.2.0.17'}, refuseAddress);
      if (parsed.is === 'fault') {
        assert.ok(parsed.reason.startsWith(parsed.field), parsed.reason);
        assert.ok(parsed.reason.length < 400 && !CONTROL.test(parsed.reason), parsed.reason);
        return;
      }
      const {ping} = parsed;
      for (const name of [ping.app, ping.id, ping.role]) assert.match(name, LABEL);
      assert.ok(isIP(ping.ip) !== 0 && !ping.ip.startsWith('127.') && ping.ip !== '::1', ping.ip);
      assert.match(ping.key, /^[0-9A-Za-z]{1,32}$/);
      for (const text of stringsIn(ping.payload)) {
        assert.doesNotMatch(text, CONTROL);
        assert.ok(text.isWellFormed());
      }
      const again = parsePing(Buffer.from(JSON.stringify(ping)), {remoteAddress: '10.2.0.17'}, refuseAddress);
      assert.deepEqual(again, parsed);
    }),
    budget(),
  );
});

test('hosts map, any text -> none, a fault, or label values with addresses that parse to themselves', () => {
  const valid = ['{"web": ["10.0.0.1", "::1"], "api": []}', '{}', '{"a": ["10.0.0.300"]}'];
  fc.assert(
    fc.property(mutatedText(valid, ['":["', '10.0.0.2']), text => {
      const parsed = parseHosts(text);
      if (parsed.is !== 'hosts') return;
      for (const [app, ips] of parsed.hosts) {
        assert.match(app, LABEL);
        assert.ok(ips.length > 0 && ips.every(ip => isIP(ip) !== 0));
      }
      assert.deepEqual(parseHosts(JSON.stringify(Object.fromEntries(parsed.hosts))), parsed);
    }),
    budget(),
  );
});
