import assert from 'node:assert/strict';
import {once} from 'node:events';
import {type AddressInfo, connect, createServer, type Socket} from 'node:net';
import {describe, test} from 'node:test';
import {divert} from '../../src/http/first-byte.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {waitFor} from '../support/wait.ts';

const SILENT_MS = 5000;

/** A server that writes down what it is given, and who takes over what begins with `!`. */
async function openBench() {
  const clock = createFakeClock();
  const told: string[] = [];
  let accepted = 0;
  const note = (who: string) => (socket: Socket) => {
    socket.on('data', (bytes: Buffer) => told.push(`${who} ${bytes}`));
  };
  const server = createServer(note('server'));
  const stop = divert(server, {firstByte: '!'.charCodeAt(0), take: note('taker'), silentMs: SILENT_MS, clock});
  server.on('connection', () => {
    accepted += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const clients: Socket[] = [];
  return {
    clock,
    told,
    stop,
    /** Connects, and says it if that is anything; resolves once the server has it. */
    async open(said = ''): Promise<{isClosed(): boolean; say(more: string): void}> {
      const before = accepted;
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
      let closed = false;
      clients.push(socket);
      socket
        .on('error', () => {})
        .on('close', () => {
          closed = true;
        });
      if (said !== '') socket.write(said);
      await waitFor(() => accepted > before, 'the connection');
      return {isClosed: () => closed, say: more => void socket.write(more)};
    },
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) client.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('connections by their first byte', () => {
  test('two that begin otherwise -> each is told all that came, from its first byte on', async () => {
    await using bench = await openBench();
    const [one, other] = [await bench.open('GET'), await bench.open('!hello')];
    await waitFor(() => bench.told.length === 2, 'both told');
    one.say(' /');
    other.say('!');
    await waitFor(() => bench.told.length === 4, 'what came later');
    assert.deepEqual(bench.told.toSorted(), ['server  /', 'server GET', 'taker !', 'taker !hello']);
  });

  test('silence -> cut when its time has come, and no earlier; who has begun stays', async () => {
    await using bench = await openBench();
    const begun = await bench.open('GET');
    const first = await bench.open();
    await waitFor(() => bench.told.length === 1, 'the first told');
    await bench.clock.advance(3000);
    const second = await bench.open();
    await bench.clock.advance(SILENT_MS - 3001);
    assert.equal(first.isClosed(), false);
    await bench.clock.advance(1);
    await waitFor(first.isClosed, 'the first cut');
    assert.deepEqual([begun.isClosed(), second.isClosed()], [false, false]);
    await bench.clock.advance(3000);
    await waitFor(second.isClosed, 'the second cut');
    assert.equal(begun.isClosed(), false);
    const third = await bench.open();
    await bench.clock.advance(SILENT_MS + 1000);
    await waitFor(third.isClosed, 'the third cut, long after the others');
  });

  test('stopped -> who has said nothing is cut at once, others are not', async () => {
    await using bench = await openBench();
    const begun = await bench.open('GET');
    await waitFor(() => bench.told.length === 1, 'it told');
    const silent = await bench.open();
    bench.stop();
    await waitFor(silent.isClosed, 'the cut');
    assert.equal(begun.isClosed(), false);
  });
});
