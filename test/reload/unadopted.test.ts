import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import type {ProcessTable} from '../../src/jobs/proc.ts';
import {superviseJob} from '../../src/jobs/supervisor.ts';
import {drainUnadopted} from '../../src/reload/unadopted.ts';
import {createMemoryFiles, openLogSink} from '../members/fixtures.ts';
import {createFakeClock} from '../support/fake-clock.ts';

/** Two HAProxys that a daemon left, and somebody else's; each goes at the signal that `goesAt` says. */
function openStage(goesAt: string) {
  const clock = createFakeClock();
  const {log} = openLogSink();
  const {files} = createMemoryFiles();
  const alive = new Set([7, 8, 9]);
  const signals: string[] = [];
  const argsOf = (pid: number) => ['haproxy', '-db', '-f', pid === 9 ? '/other/run/1.cfg' : `/data/run/${pid}.cfg`];
  const identityOf = (pid: number) => ({pid, startTicks: 1});
  const processes: Partial<ProcessTable> = {
    isAlive: async ({pid}) => alive.has(pid),
    findByArguments: async matches =>
      [...alive].map(pid => ({identity: identityOf(pid), args: argsOf(pid)})).filter(({args}) => matches(args)),
    seesFolder: async () => true,
    listeningPorts: async () => [80],
    async signal({pid}, signal) {
      signals.push(`${pid} ${signal}`);
      if (signal === goesAt) alive.delete(pid);
      return true;
    },
  };
  const ports = {dataFolder: '/data', clock, files, log, processes: processes as ProcessTable, supervise: superviseJob};
  return {clock, alive, signals, drain: () => drainUnadopted(ports, 5000, new AbortController().signal)};
}

describe('a stop before the HAProxys of an earlier daemon are taken over', () => {
  test('they finish in time -> told to finish, and no other', async () => {
    const {clock, alive, signals, drain} = openStage('SIGUSR1');
    const drained = drain();
    await clock.advance(1000);
    assert.equal(await drained, true);
    assert.deepEqual([[...alive], signals.sort()], [[9], ['7 SIGUSR1', '8 SIGUSR1']]);
  });

  test('their connections outlive the grace -> ended', async () => {
    const {clock, alive, drain} = openStage('SIGTERM');
    const drained = drain();
    await clock.advance(4999);
    assert.deepEqual([...alive], [7, 8, 9]);
    await clock.advance(1000);
    assert.equal(await drained, false);
    assert.deepEqual([...alive], [9]);
  });
});
