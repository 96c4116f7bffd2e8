import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {createReceiver, type ReceiverPorts} from '../../src/http/receive.ts';
import type {Ping} from '../../src/members/member.ts';

const PING: Ping = {
  app: 'web',
  id: 'web-1',
  ip: '10.2.0.17',
  key: 'bmviV',
  role: 'frontend',
  nonce: undefined,
  payload: '',
  down: false,
};
const BODY = Buffer.from('{}');

/** What the sender is told, what was counted, what was given to whom. */
function receive(changes: Partial<ReceiverPorts> = {}, authorization?: string) {
  const counted: string[] = [];
  const given: unknown[] = [];
  const receiver = createReceiver({
    parse(body, source) {
      given.push(body, source);
      return {is: 'ping', ping: PING};
    },
    record(ping) {
      given.push(ping);
      return {is: 'joined'};
    },
    refusal: () => undefined,
    count: result => counted.push(result),
    ...changes,
  } as ReceiverPorts);
  return {reception: receiver(BODY, '::ffff:10.2.0.17', authorization), counted, given};
}

describe('receiver', () => {
  test('a ping, everybody may -> recorded, accepted, counted by what became of it', () => {
    const {reception, counted, given} = receive();
    assert.deepEqual(reception, {is: 'accepted'});
    assert.deepEqual(counted, ['joined']);
    assert.deepEqual(given, [BODY, {remoteAddress: '::ffff:10.2.0.17'}, PING]);
  });

  test('what is no ping -> bad, with the field; nothing is recorded', () => {
    const {reception, counted, given} = receive({
      parse: () => ({is: 'fault', field: 'ip', reason: 'it is missing'}) as ReturnType<ReceiverPorts['parse']>,
    });
    assert.deepEqual(reception, {is: 'bad', field: 'ip', reason: 'it is missing'});
    assert.deepEqual([counted, given], [['bad'], []]);
  });

  test('a sender who may -> judged by address and header, then accepted', () => {
    const judged: unknown[] = [];
    const {reception} = receive(
      {
        verify(ping, by) {
          judged.push(ping, by);
          return {is: 'allowed'};
        },
      },
      'Bearer x',
    );
    assert.deepEqual(reception, {is: 'accepted'});
    assert.deepEqual(judged, [PING, {remoteAddress: '::ffff:10.2.0.17', authorization: 'Bearer x'}]);
  });

  test('a sender who may not, or of whom nobody can say -> told why, counted by the check, nothing recorded', () => {
    const record = () => assert.fail('recorded');
    const forbidden = receive({record, verify: () => ({is: 'forbidden', check: 'token', reason: 'no token'})});
    assert.deepEqual(forbidden.reception, {is: 'forbidden', reason: 'no token'});
    assert.deepEqual(forbidden.counted, ['forbidden-token']);
    const unavailable = receive({record, verify: () => ({is: 'unavailable', check: 'pods', reason: 'not yet'})});
    assert.deepEqual(unavailable.reception, {is: 'unavailable', reason: 'not yet'});
    assert.deepEqual(unavailable.counted, ['unavailable']);
  });

  test('a replica that should not be the only one told -> recorded, and 503 with the reason', () => {
    const {reception, counted} = receive({refusal: () => 'the store is away'});
    assert.deepEqual(reception, {is: 'unavailable', reason: 'the store is away'});
    assert.deepEqual(counted, ['joined']);
  });

  test('a cap is reached -> refused, with the bound and the setting that raises it', () => {
    for (const [why, bound, reason] of [
      ['members', 20_000, 'cannot take ping: there are 20000 members: raise KONTROL_MAX_MEMBERS'],
      [
        'payloads',
        64,
        'cannot take ping: payloads would exceed 64 bytes in all: make them smaller or raise KONTROL_MAX_PAYLOAD_BYTES',
      ],
    ] as const) {
      const {reception, counted} = receive({
        record: () => ({is: 'refused', why, bound}),
        refusal: () => assert.fail('asked'),
      });
      assert.deepEqual([reception, counted], [{is: 'refused', reason}, ['refused']]);
    }
  });
});
