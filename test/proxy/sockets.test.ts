import assert from 'node:assert/strict';
import {test} from 'node:test';
import {isBusy, type ListeningSocket, parseWaitingSockets, takesFrom} from '../../src/proxy/sockets.ts';

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

// Each as the kernel deals connections to 127.0.0.1 and ::1 out (Linux 6.18, tried with SO_REUSEPORT).
test('who listens beside another -> gets its connections at a narrower address, before IPv6 at one of IPv4, or a part', () => {
  const hosts = {
    '0.0.0.0': '00000000',
    '127.0.0.1': '0100007F',
    '127.0.0.2': '0200007F',
    '::': '0'.repeat(32),
    '::1': `${'0'.repeat(24)}01000000`,
    '::ffff:127.0.0.1': `${'0'.repeat(16)}FFFF00000100007F`,
    '::ffff:0.0.0.0': `${'0'.repeat(16)}FFFF000000000000`,
  };
  type Host = keyof typeof hosts;
  const at = (host: Host, port = 80): ListeningSocket => ({host: hosts[host], port, inode: 1});
  const takers = (ours: Host, isV6Only = false) =>
    (Object.keys(hosts) as Host[]).filter(theirs => takesFrom(at(theirs), at(ours), () => isV6Only));
  assert.deepEqual(takers('0.0.0.0'), ['0.0.0.0', '127.0.0.1', '127.0.0.2', '::ffff:127.0.0.1']);
  assert.deepEqual(takers('127.0.0.1'), ['127.0.0.1']);
  assert.deepEqual(takers('::'), Object.keys(hosts));
  assert.deepEqual(takers('::', true), ['::', '::1']);
  assert.deepEqual(takers('::1'), ['::1']);
  assert.deepEqual(takers('::ffff:127.0.0.1'), ['127.0.0.1', '::ffff:127.0.0.1']);
  assert.equal(
    takesFrom(at('0.0.0.0', 81), at('0.0.0.0'), () => false),
    false,
  );
});
