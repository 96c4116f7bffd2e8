import assert from 'node:assert/strict';
import {test} from 'node:test';
import {isBusy, parseWaitingSockets} from '../../src/proxy/sockets.ts';

const HEADER = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';

const row = (address: string, state: string, queues = '00000000:00000000') =>
  `   3: ${address} 00000000:0000 ${state} ${queues} 00:00000000 00000000     0        0 51704 2 000000009d3b 100 0 0 10 0`;

const parse = (...rows: string[]) => parseWaitingSockets(`${[HEADER, ...rows].join('\n')}\n`);

test('waiting sockets, LISTEN over IPv4 -> its port, inode and accept queue', () => {
  assert.deepEqual(parse(row('0100007F:1F90', '0A', '00000000:0000001F')), [
    {state: 'LISTEN', localPort: 8080, inode: 51704, acceptQueue: 31},
  ]);
});

test('waiting sockets, IPv6 and other states -> read the same way, the others left out', () => {
  assert.deepEqual(
    parse(row('0100007F:0050', '01'), row('00000000000000000000000001000000:0050', '03'), row('0100007F:0050', '06')),
    [{state: 'SYN_RECV', localPort: 80}],
  );
});

test('waiting sockets, a remote port or a queue that looks like a state -> not taken for one', () => {
  assert.deepEqual(parse('   4: 0100007F:0050 0100007F:000A 01 0000000A:00000003 00:00000000 00000000 0 0 03 1'), []);
});

test('waiting sockets, header or nothing -> none', () => {
  assert.deepEqual(parse(), []);
  assert.deepEqual(parseWaitingSockets(''), []);
});

test('busy, by state and queue -> pending handshakes and unaccepted connections only', () => {
  const listening = (acceptQueue: number) => isBusy({state: 'LISTEN', localPort: 80, inode: 1, acceptQueue});
  assert.deepEqual([listening(0), listening(1), isBusy({state: 'SYN_RECV', localPort: 80})], [false, true, true]);
});
