import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {createZmtpReader, GREETING, message, readyCommand, type ZmtpEvent, ZmtpFault} from '../../src/zerorpc/zmtp.ts';
import {bytes, HANDSHAKE} from './recorded.ts';

const MAX_BODY_BYTES = 1000;
const SHAKEN = HANDSHAKE.join('');

/** What a peer's bytes mean, piece by piece. */
function readAll(...pieces: readonly string[]): ZmtpEvent[][] {
  const reader = createZmtpReader(MAX_BODY_BYTES);
  return pieces.map(piece => [...reader.feed(bytes(piece))]);
}

const command = (body: string): string => {
  const frame = Buffer.from(body, 'latin1');
  return Buffer.concat([Buffer.from([4, frame.length]), frame]).toString('hex');
};

describe('ZMTP 3.0', () => {
  test('what this side says -> byte for byte as the standard has it', () => {
    assert.equal(GREETING.toString('hex'), `ff00000000000000017f03004e554c4c${'00'.repeat(48)}`);
    assert.ok(SHAKEN.endsWith(readyCommand('DEALER').toString('hex')));
    assert.equal(message(Buffer.alloc(255)).toString('hex', 0, 4), '010000ff');
    assert.equal(message(Buffer.alloc(256)).toString('hex', 0, 11), '0100020000000000000100');
  });

  test('a handshake with the first byte of what follows, a body as long as it may be -> read', () => {
    const body = Buffer.alloc(MAX_BODY_BYTES, 'a');
    const sent = message(body).toString('hex');
    assert.deepEqual(readAll(SHAKEN + sent.slice(0, 2), sent.slice(2)), [[{is: 'ready'}], [{is: 'message', body}]]);
  });

  test('a peer that says it is the server -> understood all the same', () => {
    const greeting = bytes(SHAKEN);
    greeting[32] = 1;
    assert.deepEqual(readAll(greeting.toString('hex')), [[{is: 'ready'}]]);
  });

  test('another command before READY -> nothing comes of it', () => {
    const greeting = SHAKEN.slice(0, 128);
    assert.deepEqual(readAll(greeting, command('\x04PING'), SHAKEN.slice(128)), [[], [], [{is: 'ready'}]]);
  });

  for (const [what, sent, reason] of [
    ['a first byte without the end of the signature', `ff${'00'.repeat(63)}`, /signature/],
    ['a length of 2^56', `${SHAKEN}0100020100000000000000`, /longer than 16777216 bytes/],
    [
      'READY that ends within the length of a value',
      SHAKEN.slice(0, 128) + command('\x05READY\x0bSocket-Type\0\0'),
      /breaks off/,
    ],
    [
      'READY that ends within a value',
      SHAKEN.slice(0, 128) + command('\x05READY\x0bSocket-Type\0\0\0\x09DEALER'),
      /breaks off/,
    ],
  ] as const) {
    test(`${what} -> a fault that says so`, () => {
      assert.throws(
        () => readAll(sent),
        (error: unknown) => error instanceof ZmtpFault && reason.test(error.message),
      );
    });
  }
});
