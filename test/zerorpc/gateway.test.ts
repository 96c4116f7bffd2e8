import assert from 'node:assert/strict';
import {EventEmitter} from 'node:events';
import {connect, type Socket} from 'node:net';
import {describe, test} from 'node:test';
import {listen} from '../../src/http/listen.ts';
import {createMaster} from '../../src/http/master.ts';
import {systemClock} from '../../src/ports/clock.ts';
import {openLog} from '../../src/ports/log.ts';
import type {CallAnswer} from '../../src/zerorpc/conversation.ts';
import {openZerorpcGateway} from '../../src/zerorpc/gateway.ts';
import {ZMTP_FIRST_BYTE} from '../../src/zerorpc/zmtp.ts';
import {askRaw} from '../http/raw-client.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {waitFor} from '../support/wait.ts';
import {BAD_PING, bytes, HANDSHAKE, openRecordedSlave, PING, PING_ID} from './recorded.ts';

/** A master endpoint on loopback, whose clock for slow ZeroRPC slaves stands still until it is told to go on. */
async function openMaster({maxConnections = 10} = {}) {
  const clock = createFakeClock();
  const logged: {reason?: string}[] = [];
  const {log} = openLog('warn', {write: line => logged.push(JSON.parse(line))});
  const pings: string[] = [];
  let answer: CallAnswer = {is: 'accepted'};
  const gateway = openZerorpcGateway({
    clock,
    log,
    mayWarn: () => true,
    maxConnections,
    maxBodyBytes: 1000,
    silentMs: 60_000,
  });
  const app = createMaster({
    receive: () => ({is: 'accepted'}),
    zerorpc: {
      firstByte: ZMTP_FIRST_BYTE,
      take: socket =>
        gateway.take(socket, (body, remoteAddress) => {
          pings.push(`${remoteAddress} ${Buffer.from(body)}`);
          return answer;
        }),
      close: gateway.close,
    },
    appliedHosts: () => undefined,
    clock: systemClock,
    log,
  });
  const {port, close} = await listen(app, {port: 0, label: 'master endpoint', clock: systemClock, maxConnections: 100});
  return {
    clock,
    logged,
    gateway,
    pings,
    port,
    refuse(reason: string) {
      answer = {is: 'bad', reason};
    },
    [Symbol.asyncDispose]: close,
  };
}

/** Sends something and tells when the other side has hung up. */
function send(port: number, hex: string): {readonly socket: Socket; isClosed(): boolean} {
  const socket = connect({port, host: '127.0.0.1'});
  let closed = false;
  socket
    .on('error', () => {})
    .on('close', () => {
      closed = true;
    });
  socket.resume();
  socket.write(bytes(hex));
  return {socket, isClosed: () => closed};
}

describe('ZeroRPC slaves on the master endpoint', () => {
  test('a recorded slave and an HTTP one on one port -> both served; the first keeps one connection', async () => {
    await using master = await openMaster();
    const slave = await openRecordedSlave(master.port);
    for (let round = 1; round <= 3; round += 1) {
      const answer = await slave.call(bytes(PING));
      assert.ok(answer.includes(Buffer.from(PING_ID)) && answer.includes(Buffer.from('\xa2OK', 'latin1')), `${answer}`);
      assert.equal(
        (await askRaw(master.port, ['PUT /ping HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}'])).status,
        200,
      );
    }
    assert.equal(master.pings.length, 3);
    assert.match(master.pings[0] ?? '', /^::ffff:127\.0\.0\.1 \{"app": "web"/);
    assert.equal(master.gateway.connections, 1);
    slave.socket.destroy();
    await waitFor(() => master.gateway.connections === 0, 'the slave gone');
  });

  test('a ping that is not taken -> ERR with the reason', async () => {
    await using master = await openMaster();
    master.refuse('app is a number');
    const slave = await openRecordedSlave(master.port);
    assert.match(`${await slave.call(bytes(BAD_PING))}`, /ERR.*app is a number/s);
  });

  test('HTTP in pieces of one byte, a client that goes at once -> as before', async () => {
    await using master = await openMaster();
    const request = 'GET /state HTTP/1.1\r\nHost: a\r\n\r\n';
    assert.equal((await askRaw(master.port, [...request])).status, 200);
    send(master.port, '').socket.end();
    assert.equal((await askRaw(master.port, [request])).status, 200);
  });

  test('more connections than are held -> closed, and said which setting raises it', async () => {
    await using master = await openMaster({maxConnections: 2});
    await openRecordedSlave(master.port);
    await openRecordedSlave(master.port);
    await assert.rejects(openRecordedSlave(master.port), /hung up/);
    assert.match(master.logged[0]?.reason ?? '', /KONTROL_MAX_MEMBERS/);
  });

  test('bytes that cannot be understood -> closed with a line, others go on', async () => {
    await using master = await openMaster();
    const slave = await openRecordedSlave(master.port);
    const hostile = send(master.port, `${HANDSHAKE.join('')}0800`);
    await waitFor(hostile.isClosed, 'the close');
    assert.match(master.logged[0]?.reason ?? '', /flags 8/);
    assert.match(`${await slave.call(bytes(PING))}`, /OK/);
  });

  test('half a greeting or half a message for 10 s, silence for a minute -> closed; a slave that pings stays', async () => {
    await using master = await openMaster();
    const greeting = send(master.port, HANDSHAKE[0] ?? '');
    const half = send(master.port, HANDSHAKE.join('') + PING.slice(0, 60));
    const silent = await openRecordedSlave(master.port);
    let isSilentClosed = false;
    silent.socket.once('close', () => {
      isSilentClosed = true;
    });
    const living = await openRecordedSlave(master.port);
    await waitFor(() => master.gateway.connections === 4, 'four connections');
    await living.call(bytes(PING));
    await master.clock.advance(10_000);
    await waitFor(() => greeting.isClosed() && half.isClosed(), 'the slow ones cut');
    await living.call(bytes(PING));
    await master.clock.advance(55_000);
    await waitFor(() => isSilentClosed, 'the silent one cut');
    assert.match(`${await living.call(bytes(PING))}`, /OK/);
    assert.equal(master.gateway.connections, 1);
  });

  test('a slave that reads no answer -> cut', async () => {
    await using master = await openMaster();
    const slave = await openRecordedSlave(master.port);
    let closed = false;
    slave.socket.once('close', () => {
      closed = true;
    });
    slave.socket.pause();
    const many = Buffer.concat(Array.from({length: 2000}, () => bytes(PING)));
    const push = () => {
      if (!closed) slave.socket.write(many, () => setImmediate(push));
    };
    push();
    await waitFor(() => master.gateway.connections === 0, 'the cut');
    slave.socket.destroy();
    assert.match(master.logged[0]?.reason ?? '', /does not read/);
  });

  test('the port closes -> slaves are disconnected at once, undecided connections too', async () => {
    const master = await openMaster();
    const slave = await openRecordedSlave(master.port);
    const undecided = send(master.port, '');
    const ends = new Promise(resolve => slave.socket.once('close', resolve));
    await master[Symbol.asyncDispose]();
    await ends;
    await waitFor(undecided.isClosed, 'the close of the other');
  });
});

/** A gateway for one connection, which is no socket but a record of what becomes of it. */
function takeOne({writableLength = 0} = {}) {
  const clock = createFakeClock();
  const logged: {reason?: string}[] = [];
  const {log} = openLog('warn', {write: line => logged.push(JSON.parse(line))});
  const gateway = openZerorpcGateway({
    clock,
    log,
    mayWarn: () => true,
    maxConnections: 1,
    maxBodyBytes: 1000,
    silentMs: 60_000,
  });
  const connectOne = () => {
    const socket = Object.assign(new EventEmitter(), {
      remoteAddress: '10.2.0.17',
      writableLength,
      destroyed: false,
      isPrompt: false,
      write: () => true,
      setNoDelay(isPrompt: boolean) {
        socket.isPrompt = isPrompt;
      },
      destroy() {
        socket.destroyed = true;
        socket.emit('close');
      },
    });
    gateway.take(socket as never, () => ({is: 'accepted'}));
    return socket;
  };
  return {clock, logged, connectOne, socket: connectOne()};
}

describe('a connection of a ZeroRPC slave', () => {
  test('silent for a minute, to the millisecond -> cut; what it is sent waits for nothing', async () => {
    const {clock, socket} = takeOne();
    assert.equal(socket.isPrompt, true);
    socket.emit('data', bytes(HANDSHAKE.join('') + PING));
    await clock.advance(59_999);
    assert.equal(socket.destroyed, false);
    await clock.advance(1);
    assert.equal(socket.destroyed, true);
  });

  test('a greeting byte by byte -> cut after 10 s all the same', async () => {
    const {clock, socket} = takeOne();
    for (const byte of bytes(HANDSHAKE[0] ?? '').subarray(0, 9)) {
      socket.emit('data', Buffer.from([byte]));
      await clock.advance(1000);
    }
    assert.equal(socket.destroyed, false);
    await clock.advance(1000);
    assert.equal(socket.destroyed, true);
  });

  test('64 KiB of answers unread -> stays; a byte more -> cut', () => {
    for (const [writableLength, isCut] of [
      [64 * 1024, false],
      [64 * 1024 + 1, true],
    ] as const) {
      const {socket} = takeOne({writableLength});
      socket.emit('data', bytes(HANDSHAKE.join('')));
      assert.equal(socket.destroyed, isCut);
    }
  });

  test('one that reads nothing sends what cannot be understood -> one line', () => {
    const {socket, logged} = takeOne({writableLength: 1 << 20});
    socket.emit('data', bytes(`${HANDSHAKE.join('')}0800`));
    assert.equal(socket.destroyed, true);
    assert.equal(logged.length, 1);
  });

  test('one too many -> cut, and nothing of it is read', () => {
    const {connectOne} = takeOne();
    const second = connectOne();
    assert.equal(second.destroyed, true);
    assert.equal(second.listenerCount('data'), 0);
  });
});
