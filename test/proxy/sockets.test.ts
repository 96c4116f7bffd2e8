import assert from 'node:assert/strict';
import {test} from 'node:test';
import {isBusy, parseSocketRow} from '../../src/proxy/sockets.ts';

const rowOf = (address: string, state: string, queues: string) =>
  parseSocketRow(
    `   3: ${address} 00000000:0000 ${state} ${queues} 00:00000000 00000000     0        0 51704 2 000000009d3b 100 0 0 10 0`,
  );

test('socket row, LISTEN over IPv4 -> its port, inode and accept queue', () => {
  assert.deepEqual(rowOf('0100007F:1F90', '0A', '00000000:0000001F'), {
    state: 'LISTEN',
    localPort: 8080,
    inode: 51704,
    acceptQueue: 31,
  });
});

test('socket row, IPv6 and other states -> read the same way', () => {
  assert.equal(rowOf('00000000000000000000000001000000:0050', '03', '00000000:00000000')?.state, 'SYN_RECV');
  assert.equal(rowOf('0100007F:0050', '01', '00000000:00000000')?.state, 'other');
});

test('socket row, header or empty line -> undefined', () => {
  assert.equal(
    parseSocketRow('  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt'),
    undefined,
  );
  assert.equal(parseSocketRow(''), undefined);
});

test('busy, by state and queue -> pending handshakes and unaccepted connections only', () => {
  const busy = (state: 'LISTEN' | 'SYN_RECV' | 'other', acceptQueue: number) =>
    isBusy({state, acceptQueue, localPort: 80, inode: 1});
  assert.deepEqual(
    [busy('LISTEN', 0), busy('LISTEN', 1), busy('SYN_RECV', 0), busy('other', 7)],
    [false, true, true, false],
  );
});
