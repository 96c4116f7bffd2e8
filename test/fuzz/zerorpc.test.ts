import assert from 'node:assert/strict';
import {test} from 'node:test';
import {encode} from '@msgpack/msgpack';
import {openSlaveConversation} from '../../src/zerorpc/conversation.ts';
import {message, ZmtpFault} from '../../src/zerorpc/zmtp.ts';
import {fc} from '../support/properties.ts';
import {BAD_PING, bytes, HANDSHAKE, INVOKE, PING, pingOf} from '../zerorpc/recorded.ts';
import {budget} from './budget.ts';

const GREETED = bytes(HANDSHAKE.join(''));
const MAX_BODY_BYTES = 2000;
const CALLS = [...[PING, BAD_PING, INVOKE].map(bytes), pingOf({payload: 'x'.repeat(2 * MAX_BODY_BYTES)})];

/** A conversation whose bytes come in pieces; what it sent, received and failed of. */
function hold(whole: Buffer, cuts: readonly number[]) {
  const pings: string[] = [];
  let sentBytes = 0;
  const conversation = openSlaveConversation({
    receive(body) {
      assert.ok(body.length <= MAX_BODY_BYTES);
      pings.push(Buffer.from(body).toString('hex'));
      return {is: 'accepted'};
    },
    refused: reason => assert.doesNotMatch(reason, /[\n\r]/),
    send(sending) {
      sentBytes += sending.length;
    },
    newId: () => 'id',
    maxBodyBytes: MAX_BODY_BYTES,
  });
  const ends = [...new Set(cuts.map(cut => cut % (whole.length + 1)))].sort((one, other) => one - other);
  let from = 0;
  let fault: string | undefined;
  try {
    for (const to of [...ends, whole.length]) {
      conversation.feed(whole.subarray(from, to));
      from = to;
    }
  } catch (error) {
    if (!(error instanceof ZmtpFault)) throw error;
    fault = error.message;
  }
  return {pings, sentBytes, fault};
}

/** Bytes that begin well, with some of them changed, left out or put in. */
const spoilt = fc
  .tuple(
    fc.array(fc.constantFrom(...CALLS), {minLength: 1, maxLength: 4}),
    fc.array(fc.record({at: fc.nat(), take: fc.nat(4), put: fc.uint8Array({maxLength: 6})}), {maxLength: 4}),
  )
  .map(([calls, changes]) => {
    let whole = Buffer.concat([GREETED, ...calls]);
    for (const {at, take, put} of changes) {
      const place = at % (whole.length + 1);
      whole = Buffer.concat([whole.subarray(0, place), put, whole.subarray(place + take)]);
    }
    return whole;
  });

test('ZeroRPC, any bytes in any pieces -> the same as in one piece: pings, or a fault on one line', () => {
  fc.assert(
    fc.property(spoilt, fc.array(fc.nat(), {maxLength: 8}), (whole, cuts) => {
      const once = hold(whole, []);
      assert.deepEqual(hold(whole, cuts), once);
      assert.ok(once.fault === undefined || (!/[\n\r]/.test(once.fault) && once.fault.length < 300), once.fault);
    }),
    budget(),
  );
});

test('ZeroRPC, any value as an event -> answered, ignored, or a fault', () => {
  const value = fc.letrec(tie => ({
    any: fc.oneof(
      {depthSize: 'small'},
      fc.constantFrom<unknown>('ping', 'message_id', 'response_to', '_zpc_hb', 'OK', null, true, 0, -1.5),
      fc.uint8Array({maxLength: 40}),
      fc.string({maxLength: 20}),
      fc.array(tie('any'), {maxLength: 4}),
      fc.dictionary(fc.constantFrom('message_id', 'response_to', 'v', '__proto__x'), tie('any')),
    ),
  })).any;
  const event = fc.oneof(
    value,
    fc.tuple(fc.dictionary(fc.constantFrom('message_id', 'response_to'), value), value, value),
  );
  fc.assert(
    fc.property(event, one => {
      hold(Buffer.concat([GREETED, message(encode(one))]), []);
    }),
    budget(),
  );
});

test('ZeroRPC, any pings in any pieces -> each received once, in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({maxLength: 300}), {maxLength: 6}),
      fc.array(fc.nat(), {maxLength: 8}),
      (texts, cuts) => {
        const whole = Buffer.concat([GREETED, ...texts.map(payload => pingOf({payload}))]);
        const {pings, fault} = hold(whole, cuts);
        assert.equal(fault, undefined);
        assert.deepEqual(
          pings.map(hex => JSON.parse(Buffer.from(hex, 'hex').toString()).payload),
          texts,
        );
      },
    ),
    budget(),
  );
});
