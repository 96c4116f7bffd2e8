import assert from 'node:assert/strict';
import {once} from 'node:events';
import {createServer, type ServerResponse} from 'node:http';
import {type AddressInfo, connect, type Socket} from 'node:net';
import {after, before, describe, test} from 'node:test';
import {type FastifyInstance, fastify} from 'fastify';
import {boundAnswers, readerOf} from '../../src/http/bounded-answers.ts';
import type {Listening} from '../../src/http/listen.ts';
import {listen} from '../../src/http/listen.ts';
import {readInPieces} from '../../src/http/pieces.ts';
import {systemClock} from '../../src/ports/clock.ts';
import {createFakeClock, type FakeClock} from '../support/fake-clock.ts';
import {waitFor} from '../support/wait.ts';
import {openRaw} from './raw-client.ts';

/** More than the kernel takes from us for one who reads nothing. */
const LARGE = 'x'.repeat(16 << 20);

describe('answers that nobody reads', () => {
  let app: FastifyInstance;
  let clock: FakeClock;
  let server: Listening;
  const sockets: Socket[] = [];
  let looked = 0;

  before(async () => {
    clock = createFakeClock();
    app = fastify({forceCloseConnections: true});
    readInPieces(app.server);
    app.addHook('onRequest', ({url}, _reply, done) => {
      if (url === '/never') looked += 1;
      done();
    });
    const bodies = boundAnswers(app, clock);
    app.get<{Params: {key: string}}>('/large/:key', ({params}, reply) =>
      bodies.of(params.key, () => LARGE).then(body => reply.send(body)),
    );
    app.get('/small', () => 'here');
    app.get('/never', () => new Promise(() => {}));
    server = await listen(app, {port: 0, label: 'status port', clock: systemClock, maxConnections: 100});
  });
  after(() => {
    for (const socket of sockets) socket.destroy();
    return server.close();
  });

  /** Sends requests and reads nothing of the answers. */
  const ask = (path: string): void => {
    const socket = connect(server.port, '127.0.0.1').on('error', () => {});
    sockets.push(socket.pause());
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  };
  const connections = () =>
    new Promise<number>((resolve, reject) =>
      app.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
    );
  const isAnswered = async () => (await fetch(`http://127.0.0.1:${server.port}/small`)).text();

  test('answered before the request was whole -> nothing more of it is read, and it is cut a second later', async () => {
    const client = await openRaw(server.port, []);
    client.socket.write('PUT /nothing HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n');
    const [answer] = await client.answers(1);
    assert.equal(answer?.status, 404);
    client.socket.write('0\r\n\r\nGET /never HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const closed = once(client.socket, 'close');
    assert.equal(await isAnswered(), 'here');
    await clock.advance(1000);
    await closed;
    assert.equal(looked, 0);
  });

  test('one that is not read for a minute -> its connection is cut; others are answered', async () => {
    ask('/large/a');
    await waitFor(async () => (await connections()) === 1, 'the reader');
    assert.equal(await isAnswered(), 'here');
    await waitFor(async () => {
      await clock.advance(60_000);
      return (await connections()) < 2;
    }, 'it cut');
  });

  test('several, together more than 48 MiB -> the first ones are cut, a small one is answered', async () => {
    const before = await connections();
    for (const key of ['a', 'b', 'c', 'd', 'e']) ask(`/large/${key}`);
    await waitFor(async () => (await connections()) <= before + 3, 'only three of 16 MiB left');
    assert.equal(await isAnswered(), 'here');
  });

  test('a client that asks on and on before it is answered -> cut', async () => {
    const client = await openRaw(server.port, ['GET /never HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(300)]);
    await waitFor(client.isClosed, 'the connection closed');
    assert.equal(looked, 17, 'what it had sent as well is not looked at');
  });
});

test('a reader is cut at the moment at which its connection ends -> it is closed, and its process can end', async () => {
  const errors: Error[] = [];
  await using server = createServer(({socket}, response) => {
    socket.on('error', error => errors.push(error));
    // Whoever listened before has taken the connection away by then.
    response.once('finish', () => readerOf({socket} as ServerResponse).destroy());
    response.setHeader('connection', 'close').end('here');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const {port} = server.address() as AddressInfo;
  const client = connect(port, '127.0.0.1').resume();
  client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(client, 'close');
  assert.deepEqual(errors, []);
});
