import assert from 'node:assert/strict';
import {EventEmitter, once} from 'node:events';
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import {PassThrough} from 'node:stream';
import {describe, test} from 'node:test';
import {readInPieces} from '../../src/http/pieces.ts';
import {openRaw} from './raw-client.ts';

/** A connection of a server that notes what it is given, and each turn of the event loop in between. */
function openNoted({onPiece}: {readonly onPiece?: (socket: PassThrough, count: number) => void} = {}) {
  const server = new EventEmitter();
  const socket = new PassThrough();
  const noted: (number | 'others')[] = [];
  let given = '';
  let count = 0;
  socket.on('data', (bytes: Buffer) => {
    given += bytes;
    noted.push(bytes.length);
    setImmediate(() => noted.push('others'));
    count += 1;
    onPiece?.(socket, count);
  });
  readInPieces(server as never);
  server.emit('connection', socket);
  return {socket, noted, given: () => given};
}

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
};

const text = (length: number): string => Array.from({length}, (_, at) => 'abcdefg'[at % 7]).join('');

describe('what a connection sends', () => {
  test('more than a piece at once -> all of it in pieces, others have a turn after each', async () => {
    const {socket, noted, given} = openNoted();
    socket.write(text(2500));
    await turns(6);
    assert.deepEqual(noted, [1024, 'others', 1024, 'others', 452, 'others']);
    socket.write(text(10));
    await turns(2);
    assert.deepEqual(noted.slice(6), [10, 'others']);
    assert.equal(given(), text(2500) + text(10));
  });

  for (const length of [10, 1024]) {
    test(`${length} bytes, no more than a piece -> what comes right behind is read before others have a turn`, async () => {
      const {socket, noted} = openNoted();
      await turns(1);
      for (let count = 0; count < 2; count += 1) socket.write(text(length));
      await turns(2);
      assert.deepEqual(noted, [length, length, 'others', 'others']);
    });
  }

  test('its end right behind -> told after the last piece', async () => {
    const {socket, noted} = openNoted();
    socket.end(text(2000));
    await once(socket, 'end');
    assert.deepEqual(
      noted.filter(note => note !== 'others'),
      [1024, 976],
    );
  });

  test('cut at its first piece -> the others are not read', async () => {
    const {socket, noted} = openNoted({onPiece: one => one.destroy()});
    socket.write(text(5000));
    await turns(4);
    assert.deepEqual(noted, [1024, 'others']);
  });

  test('paused by the server at a piece -> the next one comes when the server resumes it', async () => {
    const {socket, noted, given} = openNoted({onPiece: (one, count) => count === 2 && one.pause()});
    socket.write(text(3000));
    await turns(6);
    assert.deepEqual(noted, [1024, 'others', 1024, 'others']);
    socket.resume();
    await turns(4);
    assert.equal(given(), text(3000));
  });

  test('resumed by the server after each piece -> others have their turn all the same', async () => {
    const {socket, noted, given} = openNoted({onPiece: one => process.nextTick(() => one.resume())});
    socket.write(text(2500));
    await turns(8);
    assert.deepEqual(noted, [1024, 'others', 1024, 'others', 452, 'others']);
    assert.equal(given(), text(2500));
  });

  test('paused by the server, and resumed before others had their turn -> goes on', async () => {
    const {socket, given} = openNoted({
      onPiece(one) {
        one.pause();
        process.nextTick(() => one.resume());
      },
    });
    socket.write(text(2500));
    await turns(8);
    assert.equal(given(), text(2500));
  });
});

test('requests of many pieces, asked ahead for answers that are read late -> each is answered, in their order', async () => {
  const server = createServer((request, response) => {
    let sizeBytes = 0;
    request.on('data', chunk => {
      sizeBytes += chunk.length;
    });
    request.on('end', () => response.end(`${request.url} ${sizeBytes}`.padEnd(200_000)));
  });
  readInPieces(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const numbers = Array.from({length: 60}, (_, number) => number);
  const asked = numbers.map(number => {
    const body = 'x'.repeat(number * 100);
    return `PUT /${number} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  });
  const client = await openRaw((server.address() as AddressInfo).port, []);
  client.socket.pause();
  client.socket.write(asked.join(''));
  await new Promise<void>(resolve => server.once('request', () => resolve()));
  client.socket.resume();
  const answers = await client.answers(60);
  assert.deepEqual(
    answers.map(({body}) => body.trim()),
    numbers.map(number => `/${number} ${number * 100}`),
  );
  client.socket.destroy();
  server.close();
});
