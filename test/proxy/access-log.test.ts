import assert from 'node:assert/strict';
import {createSocket} from 'node:dgram';
import {test} from 'node:test';
import {systemClock as clock} from '../../src/ports/clock.ts';
import {openLog} from '../../src/ports/log.ts';
import {openAccessLog} from '../../src/proxy/access-log.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {waitFor} from '../support/wait.ts';

const LINE = '<134>Nov 25 09:04:00 haproxy[123]: Proxy web started.';

/** A stdout that takes `room` writes and then nobody reads until `read` is called. */
function createSink(room = Number.POSITIVE_INFINITY) {
  const lines: string[] = [];
  let left = room;
  let onDrain = () => {};
  return {
    lines,
    write(text: string) {
      lines.push(...text.trimEnd().split('\n'));
      left -= 1;
      return left > 0;
    },
    once(_event: 'drain', call: () => void) {
      onDrain = call;
    },
    read() {
      left = Number.POSITIVE_INFINITY;
      onDrain();
    },
  };
}

function openSender(port: number) {
  const socket = createSocket('udp4');
  return {
    send: (text: string) => new Promise(resolve => socket.send(text, port, '127.0.0.1', resolve)),
    [Symbol.dispose]: () => void socket.close(),
  };
}

const logged: {msg: string; overRate?: number}[] = [];
const {log} = openLog('info', {write: line => logged.push(JSON.parse(line))});

test('access log, lines and rubbish -> JSON on the sink without secrets, rubbish counted, nothing breaks', async () => {
  const sink = createSink();
  const hideSecrets = (said: string) => said.replace('web', '***');
  await using access = await openAccessLog({sink, clock, log, port: 0, linesPerSecond: 1000, hideSecrets});
  using sender = openSender(access.port);
  await sender.send(LINE);
  await sender.send('rubbish');
  await sender.send(`<134>Nov 25 09:04:00 haproxy[1]: ${'"\\\u0007'.repeat(2000)}`);
  await waitFor(() => access.counts.written + access.counts.malformed === 3, 'three datagrams');
  const [first, second] = sink.lines.map(line => JSON.parse(line));
  assert.deepEqual(
    [first.room, first.format, first.pid, first.message],
    ['access', 'other', 123, 'Proxy *** started.'],
  );
  assert.equal(second.message, '"\\\\x07'.repeat(2000));
  assert.equal(access.counts.malformed, 1);
});

test('access log, over its rate -> dropped and counted, reported once in a while', async () => {
  const fakeClock = createFakeClock();
  await using access = await openAccessLog({sink: createSink(), clock: fakeClock, log, port: 0, linesPerSecond: 2});
  using sender = openSender(access.port);
  for (let sent = 0; sent < 5; sent += 1) await sender.send(LINE);
  await waitFor(() => access.counts.overRate === 3, 'three dropped lines');
  assert.equal(access.counts.written, 2);
  logged.length = 0;
  await fakeClock.advance(10_000);
  assert.deepEqual(
    logged.map(({msg, overRate}) => [msg, overRate]),
    [['access log lines dropped, counted from the start', 3]],
  );
});

test('access log, nobody reads stdout -> lines wait up to a bound, then are counted; all comes when it is read', async () => {
  const sink = createSink(1);
  await using access = await openAccessLog({sink, clock, log, port: 0, linesPerSecond: 100_000});
  using sender = openSender(access.port);
  const long = `<134>Nov 25 09:04:00 haproxy[1]: ${'x'.repeat(60_000)}`;
  for (let sent = 0; sent < 80; sent += 1) {
    await sender.send(long);
    const seen = () => access.counts.written + access.counts.slowOutput > sent;
    await waitFor(seen, `line ${sent}`);
  }
  assert.equal(sink.lines.length, 1);
  assert.ok(access.counts.slowOutput > 0, JSON.stringify(access.counts));
  sink.read();
  assert.equal(sink.lines.length, access.counts.written);
});
