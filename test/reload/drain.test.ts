import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {superviseJob} from '../../src/jobs/supervisor.ts';
import type {Child, Exit} from '../../src/ports/spawn.ts';
import {drainAll} from '../../src/reload/drain.ts';
import {openLogSink} from '../members/fixtures.ts';
import {createFakeClock} from '../support/fake-clock.ts';

/** A HAProxy: the signal that it goes at, and how long after it. */
interface Process {
  readonly goesAt?: NodeJS.Signals;
  readonly afterMs?: number;
  readonly isStarting?: boolean;
}

/** What becomes of generations 1, 2, ... that have a grace of 5 s, after which somebody may have had enough. */
async function drain(processes: readonly Process[], skipMs?: number) {
  const clock = createFakeClock();
  const {log, said} = openLogSink();
  const signals: string[] = [];
  const leaving = processes.map(({goesAt, afterMs = 0, isStarting = false}, index) => {
    const number = index + 1;
    const {promise: exited, resolve} = Promise.withResolvers<Exit>();
    const child: Child = {
      pid: 100 + number,
      exited,
      kill(signal) {
        signals.push(`${number} ${signal} ${clock.nowMs()}`);
        if (signal === goesAt) clock.after(afterMs, () => resolve({code: 0, signal: undefined}));
        return true;
      },
    };
    const supervisor = superviseJob(
      'haproxy',
      {},
      {
        ...{clock, log, launch: async () => child, untilReady: () => new Promise<void>(() => {})},
        settings: () => ({retries: 0, delayMs: () => 0, stableMs: 0, readyWithinMs: 60_000}),
      },
    );
    if (isStarting) supervisor.start();
    else supervisor.adopt(child);
    return {number, supervisor};
  });
  await clock.advance(0);
  const skip = new AbortController();
  if (skipMs !== undefined) clock.after(skipMs, () => skip.abort());
  const drained = drainAll(leaving, 5000, skip.signal, {clock, log});
  let ended: {readonly isDrained: boolean; readonly atMs: number} | undefined;
  void drained.then(isDrained => {
    ended = {isDrained, atMs: clock.nowMs()};
  });
  await clock.advance(60_000);
  const told = said('connections outlived the grace: ending HAProxy').map(({generations}) => generations);
  return {ended, signals, told};
}

describe('HAProxys that are to go', () => {
  test('their connections end within the grace -> told to finish, waited for', async () => {
    const last: Process = {goesAt: 'SIGUSR1', afterMs: 4999};
    assert.deepEqual(await drain([{goesAt: 'SIGUSR1'}, last]), {
      ended: {isDrained: true, atMs: 4999},
      signals: ['1 SIGUSR1 0', '2 SIGUSR1 0'],
      told: [],
    });
  });

  test('connections of one outlive the grace -> it is ended, and told by its number', async () => {
    assert.deepEqual(await drain([{goesAt: 'SIGUSR1'}, {goesAt: 'SIGTERM', afterMs: 10}]), {
      ended: {isDrained: false, atMs: 5010},
      signals: ['1 SIGUSR1 0', '2 SIGUSR1 0', '2 SIGTERM 5000'],
      told: [[2]],
    });
  });

  test('one heeds no SIGTERM -> killed 5 s later', async () => {
    assert.deepEqual(await drain([{goesAt: 'SIGKILL'}]), {
      ended: {isDrained: false, atMs: 10_000},
      signals: ['1 SIGUSR1 0', '1 SIGTERM 5000', '1 SIGKILL 10000'],
      told: [[1]],
    });
  });

  test('the kernel holds one -> tried once more after 10 s, and given up after 20', async () => {
    assert.deepEqual(await drain([{}]), {
      ended: {isDrained: false, atMs: 25_000},
      signals: ['1 SIGUSR1 0', '1 SIGTERM 5000', '1 SIGKILL 10000', '1 SIGTERM 15000', '1 SIGKILL 15250'],
      told: [[1]],
    });
  });

  test('one is being started, and hangs -> nothing to wait for: ended within the grace', async () => {
    assert.deepEqual(await drain([{goesAt: 'SIGKILL', isStarting: true}]), {
      ended: {isDrained: true, atMs: 1250},
      signals: ['1 SIGUSR1 0', '1 SIGTERM 1000', '1 SIGKILL 1250'],
      told: [],
    });
  });
});

describe('somebody has had enough', () => {
  test('of the grace, and what is left goes within 1 s -> it has drained', async () => {
    assert.deepEqual(await drain([{goesAt: 'SIGUSR1', afterMs: 3000}], 2000), {
      ended: {isDrained: true, atMs: 3000},
      signals: ['1 SIGUSR1 0'],
      told: [],
    });
  });

  test('of the grace, and connections go on -> ended after 1 s, killed soon', async () => {
    assert.deepEqual(await drain([{goesAt: 'SIGKILL'}], 2000), {
      ended: {isDrained: false, atMs: 3250},
      signals: ['1 SIGUSR1 0', '1 SIGTERM 3000', '1 SIGKILL 3250'],
      told: [[1]],
    });
  });

  test('while one is ended -> killed soon, with no second SIGTERM', async () => {
    assert.deepEqual(await drain([{goesAt: 'SIGKILL'}], 6000), {
      ended: {isDrained: false, atMs: 6250},
      signals: ['1 SIGUSR1 0', '1 SIGTERM 5000', '1 SIGKILL 6250'],
      told: [[1]],
    });
  });
});
