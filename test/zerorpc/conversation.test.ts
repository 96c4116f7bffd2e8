import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {decode, encode} from '@msgpack/msgpack';
import {type CallAnswer, openSlaveConversation} from '../../src/zerorpc/conversation.ts';
import {GREETING, message, readyCommand, ZmtpFault} from '../../src/zerorpc/zmtp.ts';
import {BAD_PING, bytes, HANDSHAKE, INVOKE, PING, PING_ID, pingOf} from './recorded.ts';

const MAX_BODY_BYTES = 1000;

/** A conversation of which everything is written down. */
function converse(answer: CallAnswer = {is: 'accepted'}) {
  const sent: Buffer[] = [];
  const pings: string[] = [];
  const refusals: string[] = [];
  let id = 0;
  const conversation = openSlaveConversation({
    receive(body) {
      pings.push(Buffer.from(body).toString());
      return answer;
    },
    refused: reason => refusals.push(reason),
    send: sending => sent.push(Buffer.from(sending)),
    newId: () => `own-${++id}`,
    maxBodyBytes: MAX_BODY_BYTES,
  });
  return {
    ...conversation,
    sent,
    pings,
    refusals,
    isAmidst: () => conversation.isAmidst,
    greet() {
      for (const part of HANDSHAKE) conversation.feed(bytes(part));
      sent.length = 0;
    },
    /** The last message, unpacked. */
    last() {
      const frames = sent.at(-1) ?? Buffer.alloc(0);
      return decode(new Uint8Array(frames.subarray(frames[2] === 2 ? 11 : 4)));
    },
  };
}

const call = (value: unknown): Buffer => message(encode(value));
const HEADER = {message_id: 'a', v: 3};

describe('conversation with a ZeroRPC slave', () => {
  test('the recorded handshake -> greeting at once, READY as ROUTER', () => {
    const it = converse();
    assert.deepEqual(it.sent, [GREETING]);
    for (const part of HANDSHAKE) it.feed(bytes(part));
    assert.deepEqual(it.sent, [GREETING, readyCommand('ROUTER')]);
    assert.equal(it.isAmidst(), false);
  });

  test('the recorded ping -> its JSON is received, OK under its id', () => {
    const it = converse();
    it.greet();
    it.feed(bytes(PING));
    assert.equal(JSON.parse(it.pings[0] ?? '').ip, '10.2.0.17');
    assert.deepEqual(it.last(), [
      {response_to: new Uint8Array(Buffer.from(PING_ID)), message_id: 'own-1', v: 3},
      'OK',
      [null],
    ]);
  });

  test('the handshake and two pings, byte by byte -> the same', () => {
    const it = converse();
    for (const byte of bytes(HANDSHAKE.join('') + PING + BAD_PING)) it.feed(Buffer.from([byte]));
    assert.deepEqual(
      it.pings.map(ping => JSON.parse(ping).app),
      ['web', 1],
    );
  });

  test('a ping longer than 255 bytes -> received', () => {
    const it = converse();
    it.greet();
    it.feed(pingOf({payload: 'x'.repeat(500)}));
    assert.equal(JSON.parse(it.pings[0] ?? '').payload.length, 500);
  });

  test('a ping that is not taken -> ERR with the reason', () => {
    const it = converse({is: 'bad', reason: 'app is a number'});
    it.greet();
    it.feed(bytes(BAD_PING));
    const [, name, args] = it.last() as [unknown, string, unknown];
    assert.deepEqual([name, args], ['ERR', ['PingError', 'app is a number', 'PingError: app is a number']]);
  });

  test('a ping over the limit -> ERR with the bound, nothing of it received; the next one is taken', () => {
    const long = pingOf({payload: 'x'.repeat(5 * MAX_BODY_BYTES)});
    for (const pieces of [
      [Buffer.concat([long, bytes(PING)])],
      [...long, ...bytes(PING)].map(byte => Buffer.of(byte)),
    ]) {
      const it = converse();
      it.greet();
      for (const piece of pieces) it.feed(piece);
      const [refused] = it.sent;
      assert.match(String(refused), /df52a96d518543fca6e87a46d04863be.*ERR.*a ping has at most 1000 bytes/s);
      assert.deepEqual([it.pings.length, it.refusals.length, it.isAmidst()], [1, 1, false]);
      assert.equal((it.last() as unknown[])[1], 'OK');
    }
    const it = converse();
    it.greet();
    it.feed(long.subarray(0, 600));
    assert.deepEqual([it.sent.length, it.isAmidst()], [1, true]);
  });

  test('another call over the limit -> ERR like a short one', () => {
    const it = converse();
    it.greet();
    it.feed(call([HEADER, 'invoke', ['x'.repeat(2 * MAX_BODY_BYTES)]]));
    assert.match(String(it.sent.at(-1)), /control socket/);
  });

  test('other calls, ping with other arguments -> ERR, and what is here instead', () => {
    for (const [what, reason] of [
      [bytes(INVOKE), /control socket/],
      [call([HEADER, 'script', ['ls']]), /control socket/],
      [call([HEADER, '_zerorpc_inspect', []]), /there is no call "_zerorpc_inspect" here; there is ping/],
      [call([HEADER, 'x'.repeat(65), []]), /there is no call "x{64}" here/],
      [call([HEADER, 'constructor', []]), /there is no call "constructor"/],
      [call([HEADER, 'ping', []]), /takes one argument/],
      [call([HEADER, 'ping', [1]]), /takes one argument/],
      [call([HEADER, 'ping', ['{}', '{}']]), /takes one argument/],
    ] as const) {
      const it = converse();
      it.greet();
      it.feed(what);
      const [, name, args] = it.last() as [unknown, string, [string, string, string]];
      assert.equal(name, 'ERR');
      assert.match(args[1], reason);
      assert.deepEqual(it.pings, []);
      assert.equal(it.refusals.length, /argument/.test(args[1]) ? 0 : 1);
    }
  });

  test('a ping with text instead of bytes -> taken all the same', () => {
    const it = converse();
    it.greet();
    it.feed(call([HEADER, 'ping', ['{"app": "web"}']]));
    assert.deepEqual(it.pings, ['{"app": "web"}']);
  });

  test('a heart-beat -> one back; other replies -> nothing', () => {
    const it = converse();
    it.greet();
    it.feed(call([{response_to: 'a', message_id: 'b', v: 3}, '_zpc_more', [100]]));
    assert.equal(it.sent.length, 0);
    it.feed(call([{response_to: 'a', message_id: 'b', v: 3}, '_zpc_hb', [0]]));
    assert.deepEqual(it.last(), [{response_to: 'a', message_id: 'own-1', v: 3}, '_zpc_hb', [0]]);
  });

  for (const [what, parts] of Object.entries({
    'no ZMTP': [`ff${'00'.repeat(63)}`],
    'ZMTP 2': [`${HANDSHAKE[0]}01${'00'.repeat(53)}`],
    'another mechanism': [`${HANDSHAKE[0]}0300${Buffer.from('CURVE'.padEnd(52, '\0')).toString('hex')}`],
    'a SUB socket': [
      HANDSHAKE.join('').slice(0, 128),
      `0417${Buffer.from('\x05READY\x0bSocket-Type\0\0\0\x03SUB').toString('hex')}`,
    ],
    'READY cut': [HANDSHAKE.join('').slice(0, 128), `0409${Buffer.from('\x05READY\x0bSo').toString('hex')}`],
    'a message before READY': [HANDSHAKE.join('').slice(0, 128), PING],
    'unknown flags': [...HANDSHAKE, '0800'],
    'one part': [...HANDSHAKE, PING.slice(4)],
    'three parts': [...HANDSHAKE, `0100${'01'}00${PING.slice(4)}`],
    'a body over 16 MiB': [...HANDSHAKE, '0100', '020000000001000001'],
    'a body over the limit that is no call': [...HANDSHAKE, message(Buffer.alloc(1001, 'a')).toString('hex')],
    'a body over the limit without an id': [...HANDSHAKE, call([{v: 3}, 'ping', ['x'.repeat(1001)]]).toString('hex')],
    'a body of 2^63': [...HANDSHAKE, '0100', '02ffffffffffffffff'],
    'a long command': [...HANDSHAKE, '060000000000000401'],
    'no MessagePack': [...HANDSHAKE, '0100', '0001c1'],
    'no event': [...HANDSHAKE, call({}).toString('hex')],
    'an event without an id': [...HANDSHAKE, call([{v: 3}, 'ping', ['{}']]).toString('hex')],
    'an id of a number': [...HANDSHAKE, call([{message_id: 1}, 'ping', ['{}']]).toString('hex')],
    'an id of 300 characters': [...HANDSHAKE, call([{message_id: 'x'.repeat(300)}, 'ping', []]).toString('hex')],
    'a list of 100 items': [...HANDSHAKE, call([HEADER, 'ping', Array(100).fill(0)]).toString('hex')],
    '900 lists within each other': [...HANDSHAKE, message(Buffer.alloc(900, 0x91)).toString('hex')],
  })) {
    test(`${what} -> a fault on one line, nothing received`, () => {
      const it = converse();
      assert.throws(
        () => {
          for (const part of parts) it.feed(bytes(part));
        },
        (error: unknown) => error instanceof ZmtpFault && !/[\n\r]/.test(error.message) && error.message.length < 300,
      );
      assert.deepEqual(it.pings, []);
    });
  }

  test('amidst -> until READY, and within a message', () => {
    const it = converse();
    assert.equal(it.isAmidst(), true);
    it.feed(bytes(HANDSHAKE.join('').slice(0, 128)));
    assert.equal(it.isAmidst(), true);
    it.feed(bytes(HANDSHAKE.join('').slice(128)));
    for (const end of [1, 2, 4, 20]) {
      const its = converse();
      its.greet();
      assert.equal(its.isAmidst(), false);
      its.feed(bytes(PING).subarray(0, end));
      assert.equal(its.isAmidst(), true, String(end));
    }
  });
});
