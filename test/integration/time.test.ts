import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {type Daemon, startDaemon} from '../support/daemon.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';
import type {Slave} from '../support/slave.ts';
import type {MemberStatus} from '../support/status.ts';
import {waitFor} from '../support/wait.ts';
import {openWallClock} from '../support/wall-clock.ts';
import {webTemplate} from '../support/web.ts';

const TTL_MS = 4000;

async function start(env: Readonly<Record<string, string>> = {}): Promise<Daemon> {
  const template = webTemplate(`127.0.0.1:${await freePort()}`, 80);
  const daemon = await startDaemon({template, env: {KONTROL_TTL: String(TTL_MS / 1000), ...env}});
  await daemon.waitFor(({inSync}) => inSync, 'the daemon in sync');
  return daemon;
}

const membersOf = async (daemon: Daemon): Promise<MemberStatus[]> =>
  JSON.parse((await daemon.get('/members'))?.body ?? '[]');

const silenced = (slave: Slave): Disposable => ({[Symbol.dispose]: slave.silence});

/** How often each member joined, as the log tells: once for one that was never lost. */
const joins = (daemon: Daemon): number => daemon.logs.filter(({msg}) => msg === 'member joined').length;

const told = (daemon: Daemon, message: string): boolean => daemon.logs.some(({msg}) => msg === message);

describe('time', {concurrency: 3, skip: missing('haproxy'), timeout: 180_000}, () => {
  for (const [direction, byMs] of [
    ['forward', 3_600_000],
    ['back', -3_600_000],
  ] as const) {
    test(`wall clock stepped ${direction} by an hour -> nobody who pings is lost, the silent leave in time`, {
      skip: missing('faketime'),
    }, async () => {
      await using wall = await openWallClock();
      await using daemon = await start(wall.env);
      const [steady, silent] = [daemon.slave({ip: '10.7.0.1'}), daemon.slave({ip: '10.7.0.2'})];
      using _steady = silenced(steady);
      using _silent = silenced(silent);
      steady.run(500);
      silent.run(500);
      await daemon.waitFor(({memberCount}) => memberCount === 2, 'two members');
      await wall.step(byMs);
      const isStepped = (member: MemberStatus) => Math.abs(member.lastSeenAt - Date.now() - byMs) < 600_000;
      await waitFor(async () => (await membersOf(daemon)).every(isStepped), 'pings after the step');
      silent.silence();
      await daemon.waitFor(({hosts}) => hosts.web?.join() === '10.7.0.1', 'the silent one gone', 3 * TTL_MS);
      assert.equal(joins(daemon), 2);
      await daemon.waitFor(({inSync}) => inSync, 'in sync');
    });
  }

  test('daemon stopped (SIGSTOP) for longer than the TTL -> nobody is lost who pings again', async () => {
    await using daemon = await start();
    const slave = daemon.slave({ip: '10.7.0.3'});
    using _silence = silenced(slave);
    slave.run(500);
    await daemon.waitFor(({memberCount}) => memberCount === 1, 'a member');
    slave.silence();
    daemon.signal('SIGSTOP');
    const stoppedMs = performance.now();
    await waitFor(() => performance.now() - stoppedMs > TTL_MS + 1500, 'more than a TTL');
    daemon.signal('SIGCONT');
    await daemon.waitFor(() => told(daemon, 'paused or clock moved: members get a fresh TTL'), 'the pause noticed');
    assert.equal((await daemon.status())?.memberCount, 1);
    slave.run(500);
    const resumedAt = Date.now();
    await waitFor(async () => (await membersOf(daemon)).some(({lastSeenAt}) => lastSeenAt >= resumedAt), 'a ping');
    assert.equal(joins(daemon), 1);
    assert.ok(!told(daemon, 'member expired'));
    slave.silence();
    await daemon.waitFor(({memberCount}) => memberCount === 0, 'the silent one gone', 3 * TTL_MS);
  });
});
