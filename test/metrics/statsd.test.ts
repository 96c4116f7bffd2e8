import assert from 'node:assert/strict';
import {createSocket} from 'node:dgram';
import {once} from 'node:events';
import {describe, test} from 'node:test';
import {encodeCounts, openStatsd} from '../../src/metrics/statsd.ts';
import {createFakeClock} from '../support/fake-clock.ts';

async function listen() {
  const server = createSocket('udp4');
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  return {server, address: {host: '127.0.0.1', port: server.address().port}};
}

describe('statsd', () => {
  test('what was counted within a second -> one datagram; nothing counted -> none', async () => {
    const {server, address} = await listen();
    const clock = createFakeClock();
    const statsd = openStatsd(address, clock);
    const received = once(server, 'message');
    for (let ping = 0; ping < 10; ping += 1) statsd.countPing('renewed');
    for (const result of ['joined', 'replaced', 'bad']) statsd.countPing(result);
    statsd.countPass({verdict: 'unchanged'});
    await clock.advance(1000);
    assert.equal(String((await received)[0]), 'kontrol.ping:12|c\nkontrol.up:2|c');
    const last = once(server, 'message');
    await clock.advance(60_000);
    statsd.countPing('left');
    statsd.countPass({verdict: 'ok'});
    statsd.close();
    assert.equal(String((await last)[0]), 'kontrol.ping:1|c\nkontrol.down:1|c\nkontrol.configured:1|c');
    server.close();
  });

  test('nobody listens -> nothing happens', async () => {
    const {server, address} = await listen();
    server.close();
    await once(server, 'close');
    const clock = createFakeClock();
    const statsd = openStatsd(address, clock);
    for (let second = 0; second < 5; second += 1) {
      statsd.countPing('renewed');
      await clock.advance(1000);
    }
    statsd.close();
  });

  test('no counts -> no text', () => assert.equal(encodeCounts(new Map()), undefined));
});
