import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {describe, test} from 'node:test';
import {openLog} from '../../src/ports/log.ts';
import {type Spawn, systemSpawn} from '../../src/ports/spawn.ts';
import {isBusy, parseWaitingSockets} from '../../src/proxy/sockets.ts';
import {createHasPendingHandshakes} from '../../src/reload/pending-handshakes.ts';
import {openNamespace, spawnInside} from '../firewall/namespace.ts';
import {missing} from '../support/parts.ts';
import {waitFor} from '../support/wait.ts';

const PORT = 8080;
const OTHER = 8081;

const {log} = openLog('info', {write: () => {}});
const unasked = {hasPendingHandshakes: () => Promise.reject(new Error('/proc was read'))};

const answering = (stdout: string, code = 0): Pick<Spawn, 'run'> => ({
  run: async () => ({code, signal: undefined, stdout, stderr: '', timedOut: false}),
});

describe('handshakes by ss, the real one', {skip: missing('root', 'iptables', 'netns'), timeout: 60_000}, () => {
  for (const [family, host] of [
    ['IPv4', '127.0.0.1'],
    ['IPv6', '::1'],
  ] as const) {
    test(`a handshake that its client does not end, ${family} -> busy on that port, as /proc says`, async () => {
      await using inside = await openNamespace(`kontrol-quiet-${process.pid}`, [PORT, OTHER]);
      const spawn = spawnInside(inside.name);
      const hasPendingHandshakes = createHasPendingHandshakes({spawn, processes: unasked, log});
      assert.equal(await hasPendingHandshakes([PORT, OTHER]), false);
      const tool = family === 'IPv4' ? 'iptables' : 'ip6tables';
      const dropLastAck = `-A INPUT -p tcp --dport ${PORT} --tcp-flags SYN,ACK ACK -j DROP`;
      execFileSync('ip', ['netns', 'exec', inside.name, tool, ...dropLastAck.split(' ')]);
      assert.equal(await inside.reach(host, PORT), 'connected');
      await waitFor(() => hasPendingHandshakes([PORT]), 'the pending handshake');
      assert.equal(await hasPendingHandshakes([OTHER]), false);
      const {stdout} = await spawn.run({file: 'cat', args: ['/proc/net/tcp', '/proc/net/tcp6']}, {timeoutMs: 5000});
      assert.deepEqual(
        new Set(
          parseWaitingSockets(stdout)
            .filter(isBusy)
            .map(one => one.localPort),
        ),
        new Set([PORT]),
      );
    });
  }
});

test('a connection that nobody accepts, by ss -> busy', async () => {
  const lines = [
    'State    Recv-Q Send-Q Local Address:Port  Peer Address:PortProcess',
    'LISTEN   1      128          0.0.0.0:80         0.0.0.0:*',
    'LISTEN   0      128                *:443              *:*',
    'SYN-RECV 0      0      [fd77::1%eth0]:8080 [fd77::2]:41000',
    '',
  ];
  const hasPendingHandshakes = createHasPendingHandshakes({
    spawn: answering(lines.join('\n')),
    processes: unasked,
    log,
  });
  assert.deepEqual(await Promise.all([[80], [443], [8080], [0], []].map(hasPendingHandshakes)), [
    true,
    false,
    true,
    false,
    false,
  ]);
});

for (const [name, spawn] of [
  ['not installed', {run: command => systemSpawn.run({...command, file: 'no-such-tool'}, {timeoutMs: 5000})}],
  ['refused', answering('', 255)],
] as const satisfies readonly (readonly [string, Pick<Spawn, 'run'>])[]) {
  test(`ss is ${name} -> /proc is read, ss never asked again`, async () => {
    let asked = 0;
    const counting: Pick<Spawn, 'run'> = {
      run(...args) {
        asked += 1;
        return spawn.run(...args);
      },
    };
    const hasPendingHandshakes = createHasPendingHandshakes({
      spawn: counting,
      processes: {hasPendingHandshakes: async ports => ports.includes(PORT)},
      log,
    });
    assert.deepEqual([await hasPendingHandshakes([PORT]), await hasPendingHandshakes([OTHER])], [true, false]);
    assert.equal(asked, 1);
  });
}
