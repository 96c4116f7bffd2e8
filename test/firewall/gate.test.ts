import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {FAMILIES} from '../../src/firewall/family.ts';
import {type Firewall, openFirewall} from '../../src/firewall/gate.ts';
import {openLog} from '../../src/ports/log.ts';
import type {Command, Finished, Spawn} from '../../src/ports/spawn.ts';
import {createFakeClock, type FakeClock} from '../support/fake-clock.ts';

const SAVED = '*filter\n:KONTROL-SYN - [0:0]\n-A INPUT -p tcp -j KONTROL-SYN\nCOMMIT\n';

interface Call extends Command {
  readonly input: string | undefined;
}

interface Bench {
  readonly firewall: Firewall;
  readonly clock: FakeClock;
  /** The commands since the firewall was opened. */
  readonly calls: Call[];
  /** The programs that were started, some of which may wait for their input still. */
  readonly started: readonly string[];
  readonly logged: {level: number; msg: string; family?: string; remedy?: string}[];
  /** From now on commands for which this is true exit 1. */
  refuse(when: (call: Call) => boolean): void;
}

async function openBench(refused: (call: Call) => boolean = () => false): Promise<Bench> {
  const clock = createFakeClock();
  const calls: Call[] = [];
  const started: string[] = [];
  const logged: Bench['logged'] = [];
  const spawn: Spawn = {
    start: () => Promise.reject(new Error('not needed')),
    async run(command, {input}): Promise<Finished> {
      started.push(command.file);
      const call = {...command, input: await input};
      calls.push(call);
      const stdout = command.args.includes('--version') ? 'iptables v1.8.9 (nf_tables)\n' : SAVED;
      return {code: refused(call) ? 1 : 0, signal: undefined, stdout, stderr: 'no', timedOut: false};
    },
  };
  const {log} = openLog('trace', {write: line => logged.push(JSON.parse(line))});
  const firewall = await openFirewall({spawn, clock, log, lockFile: '/tmp/x.lock'});
  for (const call of calls) assert.equal(call.env?.XTABLES_LOCKFILE, '/tmp/x.lock');
  calls.length = 0;
  started.length = 0;
  return {
    firewall,
    clock,
    calls,
    started,
    logged,
    refuse(when) {
      refused = when;
    },
  };
}

const closes = (call: Call) => call.input?.includes('-I INPUT 1') ?? false;
const filesOf = (calls: readonly Call[]) => calls.map(({file}) => file).sort();

describe('gate', () => {
  test('both families usable -> able, with the variant', async () => {
    const {firewall, logged} = await openBench();
    assert.deepEqual(firewall.capability, {is: 'able', families: ['ipv4', 'ipv6'], variant: 'nf_tables 1.8.9'});
    assert.deepEqual(logged, []);
  });

  test('IPv6 refused -> IPv4 serves alone, and says so', async () => {
    const {firewall, calls, logged} = await openBench(({file}) => file.startsWith('ip6'));
    assert.deepEqual(firewall.capability, {is: 'able', families: ['ipv4'], variant: 'nf_tables 1.8.9'});
    assert.deepEqual(
      logged.map(({family, msg}) => [family, msg]),
      [['ipv6', 'SYN gate not usable']],
    );
    await using _gate = await firewall.closeGate([80], FAMILIES);
    assert.deepEqual(filesOf(calls), ['iptables-restore']);
  });

  test('close and dispose twice -> one batch in and one out per family, the time shut is counted', async () => {
    const {firewall, clock, calls} = await openBench();
    const gate = await firewall.closeGate([80], FAMILIES);
    assert.deepEqual(filesOf(calls.splice(0)), ['ip6tables-restore', 'iptables-restore']);
    assert.equal(gate.closedAtMs, clock.nowMs());
    await clock.advance(40);
    await gate[Symbol.asyncDispose]();
    await clock.advance(500);
    await gate[Symbol.asyncDispose]();
    assert.deepEqual(filesOf(calls), ['ip6tables-restore', 'iptables-restore']);
    await (await firewall.closeGate([80], FAMILIES))[Symbol.asyncDispose]();
    assert.deepEqual([firewall.shutMs(), firewall.lastShutMs()], [40, 0]);
  });

  test('one family asked for -> that one alone; what opens it is started while it is shut', async () => {
    const {firewall, calls, started} = await openBench();
    const gate = await firewall.closeGate([80], ['ipv6']);
    assert.deepEqual(started, ['ip6tables-restore', 'ip6tables-restore']);
    assert.equal(calls.length, 1, 'it has changed nothing yet');
    await gate[Symbol.asyncDispose]();
    assert.deepEqual(filesOf(calls), ['ip6tables-restore', 'ip6tables-restore']);
    assert.equal(started.length, 2);
  });

  test('no ports -> no command', async () => {
    const {firewall, calls} = await openBench();
    await (await firewall.closeGate([], FAMILIES))[Symbol.asyncDispose]();
    assert.deepEqual(calls, []);
  });

  test('one family refuses to close -> both are opened, rejects with APPLY', async () => {
    const {firewall, calls, logged, refuse} = await openBench();
    refuse(call => call.file === 'ip6tables-restore' && closes(call));
    await assert.rejects(firewall.closeGate([80], FAMILIES), {
      code: 'APPLY',
      message: 'cannot close the SYN gate: cannot run ip6tables-restore: ended with code 1',
    });
    assert.deepEqual(filesOf(calls.filter(call => !closes(call))), ['ip6tables-restore', 'iptables-restore']);
    assert.deepEqual(logged, []);
    assert.equal(firewall.shutMs(), 0);
  });

  test('gate out refused -> swept', async () => {
    const {firewall, calls, logged, refuse} = await openBench();
    const gate = await firewall.closeGate([80], FAMILIES);
    calls.length = 0;
    refuse(({input}) => input?.includes('--syn') ?? false);
    await gate[Symbol.asyncDispose]();
    assert.match(calls.at(-1)?.input ?? '', /^-D INPUT -p tcp -j KONTROL-SYN$/m);
    assert.deepEqual(logged, []);
  });

  test('opening refused altogether -> no throw, an error with the remedy for each family', async () => {
    const {firewall, logged, refuse} = await openBench();
    const gate = await firewall.closeGate([80], FAMILIES);
    refuse(() => true);
    await gate[Symbol.asyncDispose]();
    assert.deepEqual(
      logged.map(({level, remedy}) => [level, remedy?.slice(0, 30)]),
      [
        [50, 'while iptables -D INPUT -p tcp'],
        [50, 'while ip6tables -D INPUT -p tc'],
      ],
    );
  });

  test('not able, or what is no port -> refused', async () => {
    const {firewall} = await openBench(() => true);
    assert.deepEqual(firewall.capability, {is: 'unable', why: 'cannot run iptables-save: ended with code 1'});
    await assert.rejects(firewall.closeGate([80], FAMILIES), {
      code: 'APPLY',
      message: /SYN gate: cannot run iptables-save/,
    });
    await assert.rejects((await openBench()).firewall.closeGate([80, 0], FAMILIES), {code: 'APPLY', message: /port 0/});
  });
});
