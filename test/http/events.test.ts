import assert from 'node:assert/strict';
import {once} from 'node:events';
import {type IncomingMessage, request} from 'node:http';
import type {AddressInfo} from 'node:net';
import {describe, test} from 'node:test';
import {fastify} from 'fastify';
import {createEventStream} from '../../src/http/events.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {waitFor} from '../support/wait.ts';

async function open() {
  const clock = createFakeClock();
  const stream = createEventStream(clock);
  const world = {greetings: 0, written: 0, held: 0};
  const app = fastify({forceCloseConnections: true});
  const greeting = () => [{name: 'hello', value: {n: ++world.greetings}}];
  const hold = () => {
    world.written += 1;
    world.held += 1;
    return () => {
      world.held -= 1;
    };
  };
  stream.serve(app, '/events', greeting, {hold});
  await app.listen({host: '127.0.0.1', port: 0});
  const {port} = app.server.address() as AddressInfo;
  const ask = async (method = 'GET'): Promise<IncomingMessage> => {
    const asked = request({host: '127.0.0.1', port, path: '/events', method, agent: false});
    asked.end();
    const [answer] = await once(asked, 'response');
    return answer;
  };
  /** A listener with all that it was sent so far. */
  const listen = async () => {
    const answer = await ask();
    const heard = {text: '', answer};
    answer.setEncoding('utf8').on('data', (text: string) => {
      heard.text += text;
    });
    return heard;
  };
  const close = async () => {
    stream.close();
    await app.close();
  };
  return {clock, stream, world, ask, listen, [Symbol.asyncDispose]: close};
}

const HELLO = 'retry: 2000\n\nevent: hello\ndata: {"n":1}\n\n';

describe('server-sent events', () => {
  test('a listener -> greeted, told what is published, and every 5 s that we are there; forgotten once it goes', async () => {
    await using stage = await open();
    const {clock, stream, world} = stage;
    const heard = await stage.listen();
    assert.match(heard.answer.headers['content-type'] ?? '', /^text\/event-stream/);
    await waitFor(() => heard.text === HELLO, 'the greeting');
    stream.publish({name: 'pass', value: {pass: 7}});
    await waitFor(() => heard.text === `${HELLO}event: pass\ndata: {"pass":7}\n\n`, 'the event');
    const [before, beat] = [heard.text, 'event: beat\ndata: {}\n\n'];
    await clock.advance(4999);
    assert.equal(heard.text, before);
    await clock.advance(1);
    await waitFor(() => heard.text === before + beat, 'the heartbeat');
    await clock.advance(5000);
    await waitFor(() => heard.text === before + beat.repeat(2), 'the next one');
    assert.equal(stream.listeners, 1);
    heard.answer.destroy();
    await waitFor(() => stream.listeners === 0, 'that it is gone');
    assert.equal(world.held, 0);
  });

  test('HEAD -> what an answer would be, nothing is written, and no listener', async () => {
    await using stage = await open();
    const answer = await stage.ask('HEAD');
    assert.equal(answer.statusCode, 200);
    assert.equal(stage.world.written, 0);
    assert.equal(stage.stream.listeners, 0);
  });

  test('64 listeners -> the next one is told to come back', async () => {
    await using stage = await open();
    for (let n = 1; n <= 64; n += 1) await stage.listen();
    assert.equal(stage.stream.listeners, 64);
    const {statusCode, headers} = await stage.ask();
    assert.deepEqual([statusCode, headers['retry-after']], [503, '10']);
  });

  test('several come within a second -> one greeting is made for them; a new one after it, and after news', async () => {
    await using stage = await open();
    const {clock, stream, world} = stage;
    for (const _ of [1, 2]) await stage.listen();
    await clock.advance(999);
    await stage.listen();
    assert.equal(world.greetings, 1);
    await clock.advance(1);
    await stage.listen();
    assert.equal(world.greetings, 2);
    await clock.advance(999);
    await stage.listen();
    assert.equal(world.greetings, 2);
    stream.publish({name: 'pass', value: {}});
    await stage.listen();
    assert.equal(world.greetings, 3);
  });

  test('nobody was there meanwhile -> the next one is greeted anew', async () => {
    await using stage = await open();
    (await stage.listen()).answer.destroy();
    await waitFor(() => stage.stream.listeners === 0, 'that it is gone');
    await stage.listen();
    assert.equal(stage.world.greetings, 2);
  });

  test('nobody listens -> what is published is not even written as JSON', async () => {
    await using stage = await open();
    let written = 0;
    stage.stream.publish({name: 'pass', value: {toJSON: () => ++written}});
    assert.equal(written, 0);
  });

  test('one that reads nothing -> cut off, and what it was sent is held no longer', async () => {
    await using stage = await open();
    const {stream, world} = stage;
    const answer = await stage.ask();
    answer.on('error', () => {}).pause();
    const value = 'x'.repeat(1 << 20);
    await waitFor(() => {
      stream.publish({name: 'much', value});
      return stream.listeners === 0;
    }, 'that it is cut off');
    assert.equal(world.held, 0);
  });

  test('closed -> every stream ends, and no heartbeat is left', async () => {
    await using stage = await open();
    const heard = await stage.listen();
    const ended = once(heard.answer, 'end');
    stage.stream.close();
    await ended;
    await waitFor(() => stage.stream.listeners === 0, 'that it is gone');
    await stage.clock.advance(60_000);
    assert.equal(heard.text, HELLO);
  });
});
