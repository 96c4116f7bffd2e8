import assert from 'node:assert/strict';
import {test} from 'node:test';
import {appliedHosts, startDaemon} from '../support/daemon.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';
import {waitFor} from '../support/wait.ts';
import {webTemplate} from '../support/web.ts';
import {bytes, openRecordedSlave, PING} from '../zerorpc/recorded.ts';

test("a slave of kontrol's last release beside an HTTP one -> both in hosts, counted apart; it leaves by silence", {
  skip: missing('haproxy'),
  timeout: 120_000,
}, async () => {
  await using daemon = await startDaemon({
    template: webTemplate(`127.0.0.1:${await freePort()}`, 80),
    env: {KONTROL_TTL: '2'},
  });
  await daemon.waitFor(({inSync}) => inSync, 'the daemon in sync');
  const old = await openRecordedSlave(daemon.port);
  const slave = daemon.slave({ip: '10.8.0.1', app: 'web'});
  const pinging = setInterval(() => void slave.ping(), 500);
  try {
    await waitFor(async () => {
      await old.call(bytes(PING));
      return (await appliedHosts(daemon)).web?.length === 2;
    }, 'both applied');
    assert.deepEqual((await appliedHosts(daemon)).web?.toSorted(), ['10.2.0.17', '10.8.0.1']);
    const metrics = (await daemon.get('/metrics'))?.body ?? '';
    assert.match(metrics, /^kontrol_pings_total\{result="joined",protocol="zerorpc"\} 1$/m);
    assert.match(metrics, /^kontrol_pings_total\{result="joined",protocol="http"\} 1$/m);
    assert.deepEqual((await daemon.status())?.zerorpc, {connections: 1});
    await waitFor(async () => (await appliedHosts(daemon)).web?.join() === '10.8.0.1', 'the silent one gone');
  } finally {
    clearInterval(pinging);
    old.socket.destroy();
  }
});
