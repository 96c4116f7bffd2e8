import assert from 'node:assert/strict';
import {fork} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {FAMILIES} from '../../src/firewall/family.ts';
import {type Firewall, openFirewall} from '../../src/firewall/gate.ts';
import {openIptables} from '../../src/firewall/iptables.ts';
import {deriveGateIn} from '../../src/firewall/rules.ts';
import {systemClock} from '../../src/ports/clock.ts';
import {openLog} from '../../src/ports/log.ts';
import {type Spawn, systemSpawn} from '../../src/ports/spawn.ts';
import {missing} from '../support/parts.ts';
import {type Namespace, openNamespace, spawnInside, type Variant} from './namespace.ts';

const GATED = 8080;
const OTHER = 8081;
const LOOPBACKS = {ipv4: '127.0.0.1', ipv6: '::1'} as const;

const folder = mkdtempSync(join(tmpdir(), 'kontrol-firewall-'));
const lockFile = join(folder, 'xtables.lock');
after(() => rmSync(folder, {recursive: true}));

const log = openLog('info', {write: () => {}}).log;
const open = (spawn: Spawn, clock = systemClock) => openFirewall({spawn, clock, log, lockFile});

const lacking = (variant: Variant): string | false => {
  const parts = missing('root', 'iptables', 'netns');
  if (parts || variant === 'chosen') return parts;
  return existsSync('/usr/sbin/ip6tables-legacy-restore') ? false : 'no legacy iptables beside the chosen one';
};

for (const variant of ['chosen', 'legacy'] as const) {
  describe(`gate on real iptables, ${variant} variant`, {skip: lacking(variant), timeout: 60_000}, () => {
    let inside: Namespace;
    let spawn: Spawn;
    let firewall: Firewall;
    before(async () => {
      inside = await openNamespace(`kontrol-fw-${variant}-${process.pid}`, [GATED, OTHER]);
      spawn = spawnInside(inside.name, variant);
      firewall = await open(spawn);
    });
    after(() => inside[Symbol.asyncDispose]());

    const reachAll = async (port: number) =>
      Promise.all(Object.values(LOOPBACKS).map(host => inside.reach(host, port)));
    const savedAll = () =>
      Promise.all((['ipv4', 'ipv6'] as const).map(family => openIptables(family, {spawn, lockFile}).save()));
    const assertNothingLeft = async () => {
      for (const saved of await savedAll()) assert.doesNotMatch(saved, /KONTROL/);
    };

    test('opening -> able in both families, nothing left of the probe', async () => {
      assert.equal(firewall.capability.is, 'able');
      if (firewall.capability.is !== 'able') return;
      assert.deepEqual(firewall.capability.families, ['ipv4', 'ipv6']);
      assert.match(firewall.capability.variant, variant === 'legacy' ? /^legacy 1\./ : /^(nf_tables|legacy) 1\./);
      await assertNothingLeft();
    });

    test('shut -> new connections hang, kept ones and other ports do not care; disposed -> all is as before', async () => {
      assert.deepEqual(await reachAll(GATED), ['connected', 'connected']);
      await Promise.all(Object.values(LOOPBACKS).map(host => inside.keep(host, GATED)));
      {
        await using _gate = await firewall.closeGate([GATED], FAMILIES);
        assert.deepEqual(await reachAll(GATED), ['hangs', 'hangs']);
        assert.deepEqual(await reachAll(OTHER), ['connected', 'connected']);
        assert.equal(await inside.echo('hello'), 'hello hello');
      }
      assert.deepEqual(await reachAll(GATED), ['connected', 'connected']);
      await assertNothingLeft();
    });

    test('a throw while it is shut -> open again', async () => {
      await assert.rejects(async () => {
        await using _gate = await firewall.closeGate([GATED], FAMILIES);
        throw new Error('reload failed');
      }, /reload failed/);
      await assertNothingLeft();
    });

    test('50 ports -> one batch shuts all', async () => {
      const ports = [GATED, ...Array.from({length: 49}, (_, index) => 9000 + 2 * index)];
      await using _gate = await firewall.closeGate(ports, FAMILIES);
      for (const saved of await savedAll()) {
        assert.equal(saved.match(/^-A KONTROL-SYN .*--dports .* -j DROP$/gm)?.length, 4);
      }
      assert.deepEqual(await reachAll(GATED), ['hangs', 'hangs']);
    });

    test('clock stepped back, so that the window is in the future -> nothing is dropped', async () => {
      const ahead = {...systemClock, epochMs: () => systemClock.epochMs() + 60_000};
      const early = await open(spawn, ahead);
      await using _gate = await early.closeGate([GATED], FAMILIES);
      assert.deepEqual(await reachAll(GATED), ['connected', 'connected']);
    });

    const leaveGates = async (count: number) => {
      const window = {fromMs: Date.now() - 60_000, untilMs: Date.now() + 60_000};
      for (const family of ['ipv4', 'ipv6'] as const) {
        const iptables = openIptables(family, {spawn, lockFile});
        for (let n = 0; n < count; n++) await iptables.restore(deriveGateIn([GATED], window));
      }
    };

    test('left-over gate with two jumps -> swept at start', async () => {
      await leaveGates(2);
      assert.deepEqual(await reachAll(GATED), ['hangs', 'hangs']);
      await open(spawn);
      assert.deepEqual(await reachAll(GATED), ['connected', 'connected']);
      await assertNothingLeft();
    });

    test('left-over gate that nobody swept -> closing works, disposing removes both', async () => {
      await leaveGates(1);
      await using gate = await firewall.closeGate([OTHER], FAMILIES);
      assert.deepEqual(await reachAll(OTHER), ['hangs', 'hangs']);
      await gate[Symbol.asyncDispose]();
      await assertNothingLeft();
    });

    test('someone else sweeps a shut gate -> disposing is quiet', async () => {
      await using _gate = await firewall.closeGate([GATED], FAMILIES);
      await open(spawn);
      await assertNothingLeft();
    });

    test('daemon killed -9 while the gate is shut -> new connections work again within 5 s, unaided', async () => {
      const holder = fork(join(import.meta.dirname, 'holder.ts'), [inside.name, variant, lockFile, `${GATED}`]);
      await once(holder, 'message');
      assert.deepEqual(await reachAll(GATED), ['hangs', 'hangs']);
      holder.kill('SIGKILL');
      const killedAtMs = performance.now();
      const limitMs = 5000;
      const isOpen = async (): Promise<boolean> => {
        const reached = await reachAll(GATED);
        return reached.every(reach => reach === 'connected');
      };
      while (!(await isOpen())) assert.ok(performance.now() - killedAtMs < limitMs, 'still shut after 5 s');
      for (const saved of await savedAll()) assert.match(saved, /KONTROL-SYN/);
      await open(spawn);
      await assertNothingLeft();
    });

    test('plain user -> unable, naming NET_ADMIN', async () => {
      const {capability} = await open(
        spawnInside(inside.name, variant, ['setpriv', '--reuid', '65534', '--clear-groups']),
      );
      assert.ok(capability.is === 'unable');
      assert.match(capability.why, /^cannot run iptables-save: .*NET_ADMIN/);
    });
  });
}

test('gate, iptables not installed -> unable, saying so', async () => {
  const absent: Spawn = {
    ...systemSpawn,
    run: (command, options) => systemSpawn.run({...command, file: `/absent/${command.file}`}, options),
  };
  const {capability} = await open(absent);
  assert.deepEqual(capability, {is: 'unable', why: 'cannot run iptables-save: it is not installed'});
});
