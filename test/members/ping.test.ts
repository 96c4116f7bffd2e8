import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {describe, test} from 'node:test';
import {createPingParser, parsePing as parseBy} from '../../src/members/ping.ts';
import {createAddressRule} from '../../src/members/special-addresses.ts';
import {fc} from '../support/properties.ts';
import {bodyOf, pingOf} from './fixtures.ts';

const POD = {remoteAddress: '10.2.0.17'};
const refuseAddress = createAddressRule([], undefined);
const parsePing = (body: Uint8Array, source: typeof POD) => parseBy(body, source, refuseAddress);
const {nonce: _, down: __, ...FIELDS} = pingOf();

const parse = (changes: object, source = POD) => parsePing(bodyOf({...FIELDS, ...changes}), source);

const accepted = (changes: object, source = POD) => {
  const parsed = parse(changes, source);
  assert.equal(parsed.is, 'ping', JSON.stringify(parsed));
  return parsed.is === 'ping' ? parsed.ping : assert.fail();
};

const refused = (body: Uint8Array | string, field: string, reason: RegExp, source = POD) => {
  const parsed = parsePing(typeof body === 'string' ? new TextEncoder().encode(body) : body, source);
  assert.equal(parsed.is, 'fault');
  if (parsed.is !== 'fault') return;
  assert.equal(parsed.field, field);
  assert.match(parsed.reason, reason);
  assert.ok(parsed.reason.length < 160 && parsed.reason.startsWith(field), parsed.reason);
};

test('control characters in what is refused -> escaped in the reason, DEL and C1 too', () => {
  refused(bodyOf({...FIELDS, id: 'a\x7f\u009b2J\u2028'}), 'id', /^id "a\\u007f\\u009b2J\\u2028" is not a pod name/);
});

describe('pings of real slaves', () => {
  for (const line of readFileSync(new URL('../fixtures/pings.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n')) {
    test(`ping, ${line.slice(0, 60)}… -> taken as it is`, () => {
      const parsed = parsePing(new TextEncoder().encode(line), POD);
      assert.ok(parsed.is === 'ping' && parsed.keyMatches);
      assert.deepEqual(parsed.ping, {nonce: undefined, down: false, ...JSON.parse(line)});
    });
  }

  test('ping, escaped text and unknown fields -> decoded, ignored', () => {
    const body =
      '{"app": "web", "id": "a", "ip": "::FFFF:10.2.0.17", "key": "bmviV", "role": "r", "x": {}, "payload": "\\u00e9"}';
    const parsed = parsePing(new TextEncoder().encode(body), POD);
    assert.deepEqual(parsed, {is: 'ping', ping: pingOf({id: 'a', role: 'r', payload: 'é'}), keyMatches: true});
  });

  test('ping, without payload and nonce -> empty and undefined', () => {
    const {payload, nonce} = accepted({payload: undefined, nonce: null});
    assert.deepEqual({payload, nonce}, {payload: '', nonce: undefined});
  });

  test('ping, IPv6 slave -> canonical, key of its own', () => {
    const parsed = parse({ip: 'FD00:0::1', key: '7Hp3DKr9LYpD4PIhNCTtMB'});
    assert.ok(parsed.is === 'ping' && parsed.keyMatches);
    assert.equal(parsed.ping.ip, 'fd00::1');
  });

  test('ping, key of another address -> taken, mismatch told', () => {
    const parsed = parse({key: 'zzz'});
    assert.ok(parsed.is === 'ping' && !parsed.keyMatches);
  });

  test('ping, loopback address from loopback -> taken', () => {
    for (const remoteAddress of ['127.0.0.1', '::ffff:127.0.0.1', '::1']) {
      assert.equal(accepted({ip: '127.0.0.2'}, {remoteAddress}).ip, '127.0.0.2');
    }
  });
});

describe('old fault 5, malformed pings', () => {
  test('old fault 5, ping without key -> 400 names key', () =>
    refused(bodyOf({...FIELDS, key: undefined}), 'key', /missing/));
  test('old fault 5, ping with key "" -> 400 names key', () => refused(bodyOf({...FIELDS, key: ''}), 'key', /empty/));
  test('old fault 5, ping with key "../../x" -> 400 names key', () =>
    refused(bodyOf({...FIELDS, key: '../../x'}), 'key', /key "\.\.\/\.\.\/x" is not 1 to 32 letters and digits/));
  test('old fault 5, ping without app -> 400 names app', () =>
    refused(bodyOf({...FIELDS, app: undefined}), 'app', /app is missing: a label value/));

  const FAULTS: readonly [field: string, changes: object, reason: RegExp][] = [
    ['app', {app: 'a/b'}, /app "a\/b" is not a label value/],
    ['app', {app: 'web\n'}, /not a label value/],
    ['app', {app: '-web'}, /not a label value/],
    ['app', {app: 'x'.repeat(64)}, /…" is not a label value of 1 to 63/],
    ['app', {app: `a${'-'.repeat(60_000)}`}, /not a label value/],
    ['app', {app: 5}, /is a number/],
    ['app', {app: ['web']}, /is an array/],
    ['role', {role: ''}, /empty/],
    ['role', {role: null}, /missing/],
    ['id', {id: 'x'.repeat(254)}, /1 to 253/],
    ['id', {id: '../x'}, /pod name/],
    ['key', {key: 'x'.repeat(33)}, /1 to 32/],
    ['nonce', {nonce: ''}, /empty/],
    ['nonce', {nonce: 'a b'}, /1 to 64/],
    ['nonce', {nonce: 7}, /a number/],
    ['down', {down: 'yes'}, /a string/],
    ['down', {down: null}, /null/],
    ['ip', {ip: '10.0.0.300'}, /^ip "10\.0\.0\.300" is not an IP address$/],
    ['ip', {ip: 'web.default.svc'}, /not an IP/],
    ['ip', {ip: 'fe80::1%eth0'}, /not an IP/],
    [
      'ip',
      {ip: 'fe80::1'},
      /a link-local address \(RFC 4291\), which no pod has: name fe80::\/10 in KONTROL_MEMBER_RANGES/,
    ],
    ['ip', {ip: '169.254.169.254'}, /the address of the metadata service/],
    ['ip', {ip: '0.0.0.0'}, /unspecified/],
    ['ip', {ip: '::ffff:224.0.0.1'}, /multicast/],
    ['ip', {ip: 'FF02::1'}, /multicast/],
    ['ip', {ip: '255.255.255.255'}, /broadcast/],
    ['ip', {ip: '127.0.0.1'}, /loopback/],
    ['ip', {ip: '::1'}, /loopback/],
    ['ip', {ip: 167903249}, /a number/],
  ];
  for (const [field, changes, reason] of FAULTS) {
    test(`ping, ${JSON.stringify(changes).slice(0, 50)} -> fault in ${field}`, () =>
      refused(bodyOf({...FIELDS, ...changes}), field, reason));
  }

  const BODIES: readonly [string | Uint8Array, RegExp][] = [
    ['', /empty/],
    ['{', /not JSON/],
    ['null', /is null/],
    ['[]', /an array/],
    ['"ping"', /a string/],
    [Uint8Array.of(0x7b, 0xff, 0x7d), /not UTF-8/],
    [Uint8Array.of(0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f), /not UTF-8/],
  ];
  for (const [body, reason] of BODIES) {
    test(`ping, body ${JSON.stringify(body).slice(0, 30)} -> fault in body`, () => refused(body, 'body', reason));
  }

  test('ping, a field or payload nested 30,000 deep -> a fault, no overflow', () => {
    const deep = '['.repeat(30_000) + ']'.repeat(30_000);
    refused(`{"app": ${deep}}`, 'app', /an array/);
    refused(JSON.stringify({...FIELDS, payload: 0}).replace('"payload":0', `"payload":${deep}`), 'payload', /deeper/);
  });

  test('ping, any JSON or bytes -> never throws', () => {
    fc.assert(fc.property(fc.uint8Array(), body => void parsePing(body, POD)));
    const field = fc.constantFrom('app', 'id', 'ip', 'key', 'role', 'nonce', 'down', 'payload');
    fc.assert(fc.property(fc.dictionary(field, fc.jsonValue()), changes => void parse(changes)));
  });
});

describe('a parser of pings', () => {
  const parseAgain = createPingParser(refuseAddress);
  const bytesOf = (changes: object) => bodyOf({...FIELDS, ...changes});

  test('the same bytes again, others, bytes that differ beyond ASCII -> each is what it says', () => {
    for (const payload of ['', 'a', '', 'é', 'è', 'a', {port: 1}, {port: 2}, {port: 1}, 'x'.repeat(2000)]) {
      assert.deepEqual(parseAgain(bytesOf({payload}), POD), parse({payload}));
    }
  });

  test('a loopback address, reported from loopback before -> refused from elsewhere', () => {
    assert.equal(parseAgain(bytesOf({ip: '127.0.0.9'}), {remoteAddress: '127.0.0.1'}).is, 'ping');
    assert.equal(parseAgain(bytesOf({ip: '127.0.0.9'}), POD).is, 'fault');
  });

  test('more bodies than are remembered -> each is what it says', () => {
    for (let n = 0; n < 6000; n += 1) parseAgain(bytesOf({payload: `${n}${'x'.repeat(800)}`}), POD);
    for (const payload of ['1', '2', '1']) assert.deepEqual(parseAgain(bytesOf({payload}), POD), parse({payload}));
  });
});
