import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import type {FoundProcess, ProcessIdentity} from '../../src/jobs/proc.ts';
import {findLeftovers} from '../../src/reload/leftovers.ts';

interface Process {
  readonly pid: number;
  readonly args: string;
  readonly ports?: readonly number[] | 'unseen';
  /** Its `/data` is another folder. */
  readonly elsewhere?: true;
}

/** A process table of these, all with start time 1. */
const tableOf = (processes: readonly Process[]) => ({
  isAlive: async ({pid, startTicks}: ProcessIdentity) => startTicks === 1 && processes.some(one => one.pid === pid),
  findByArguments: async (matches: (args: readonly string[]) => boolean): Promise<FoundProcess[]> =>
    processes
      .map(({pid, args}) => ({identity: {pid, startTicks: 1}, args: args.split(' ')}))
      .filter(({args}) => matches(args)),
  listeningPorts: async (pid: number) => {
    const ports = processes.find(one => one.pid === pid)?.ports ?? [];
    if (ports === 'unseen') throw new Error('EACCES');
    return [...ports];
  },
  seesFolder: async (pid: number) => processes.find(one => one.pid === pid)?.elsewhere !== true,
});

const find = async (records: readonly {pid: number; startTicks: number; generation: number}[], ...all: Process[]) =>
  (await findLeftovers({last: 9, processes: records}, '/data', tableOf(all))).map(one => [
    one.identity.pid,
    one.generation,
    one.listens,
  ]);

describe('left-over HAProxys', () => {
  test('recorded and alive -> found, the oldest generation first', async () => {
    const records = [
      {pid: 2, startTicks: 1, generation: 4},
      {pid: 1, startTicks: 1, generation: 3},
    ];
    assert.deepEqual(await find(records, {pid: 1, args: 'x'}, {pid: 2, args: 'x', ports: [80]}), [
      [1, 3, false],
      [2, 4, true],
    ]);
  });

  test('a reused PID -> a stranger, left alone', async () => {
    assert.deepEqual(await find([{pid: 1, startTicks: 7, generation: 3}], {pid: 1, args: 'sshd'}), []);
  });

  for (const [args, generation] of [
    ['haproxy -db -f /data/run/5.cfg -f /data/run/5.control.cfg', 5],
    ['/usr/sbin/haproxy -db -f /data/run/5.run.cfg -f /data/run/5.control.cfg -x /data/run/4.sock', 5],
    ['haproxy -p /data/proxy.pid -f /data/proxy.cfg -D -sf 12', 0],
  ] as const) {
    test(`not recorded, started as "${args}" -> found as generation ${generation}`, async () => {
      assert.deepEqual(await find([], {pid: 1, args, ports: [80]}), [[1, generation, true]]);
    });
  }

  for (const [what, process] of [
    ['a check', {pid: 1, args: 'haproxy -c -f /data/run/5.cfg'}],
    ['an editor', {pid: 1, args: 'vi -f /data/run/5.cfg'}],
    ["another daemon's", {pid: 1, args: 'haproxy -db -f /other/run/5.cfg'}],
    ["another container's", {pid: 1, args: 'haproxy -db -f /data/run/5.cfg', elsewhere: true}],
  ] as const) {
    test(`${what} -> left alone`, async () => assert.deepEqual(await find([], process), []));
  }

  test('sockets that may not be seen -> taken to listen', async () => {
    const args = 'haproxy -db -f /data/run/5.cfg';
    assert.deepEqual(await find([], {pid: 1, args, ports: 'unseen'}), [[1, 5, true]]);
  });
});
