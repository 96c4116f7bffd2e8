import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {decodeJobRecords, encodeJobRecords, openJobRecords} from '../../src/jobs/job-records.ts';
import type {ProcessIdentity} from '../../src/jobs/proc.ts';
import {createMemoryFiles, openLogSink} from '../members/fixtures.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {fc} from '../support/properties.ts';
import {systemError} from '../support/system-error.ts';

const PATH = '/data/run/jobs.json';
const RECORD = {job: 'telegraf', pid: 42, startTicks: 4711, stopWaitMs: 5000};

/** Processes by PID; those named in `stubborn` do not end for SIGTERM. */
function openBench(text: string, alive: Record<number, number>, stubborn: readonly number[] = []) {
  const clock = createFakeClock();
  const {log, said} = openLogSink();
  const {files, contents, failWith} = createMemoryFiles({[PATH]: text});
  const sent: [number, string][] = [];
  const isAlive = async ({pid, startTicks}: ProcessIdentity) => alive[pid] === startTicks;
  const records = openJobRecords({
    clock,
    files,
    log,
    path: PATH,
    processes: {
      identify: async pid => (alive[pid] === undefined ? undefined : {pid, startTicks: alive[pid]}),
      isAlive,
      async signal(identity, signal) {
        if (!(await isAlive(identity))) return false;
        sent.push([identity.pid, signal]);
        if (signal === 'SIGKILL' || !stubborn.includes(identity.pid)) delete alive[identity.pid];
        return true;
      },
    },
  });
  return {clock, records, sent, contents, failWith, said};
}

describe('job records', () => {
  test('a job that an earlier daemon left -> ended', async () => {
    const {records, sent, said} = openBench(encodeJobRecords([RECORD]), {42: 4711});
    await records.endLeftovers();
    assert.deepEqual(sent, [[42, 'SIGTERM']]);
    assert.equal(said('an earlier daemon left').length, 1);
  });

  test('fault 10: a stranger with its PID -> left alone', async () => {
    const {records, sent} = openBench(encodeJobRecords([RECORD]), {42: 4712});
    await records.endLeftovers();
    assert.deepEqual(sent, []);
  });

  test('one that does not end -> killed after its stopwaitsecs', async () => {
    const {clock, records, sent} = openBench(encodeJobRecords([RECORD]), {42: 4711}, [42]);
    const ended = records.endLeftovers();
    await clock.advance(4900);
    assert.deepEqual(sent, [[42, 'SIGTERM']]);
    await clock.advance(200);
    assert.deepEqual(sent, [
      [42, 'SIGTERM'],
      [42, 'SIGKILL'],
    ]);
    await ended;
  });

  test('written -> what runs, with its start time; read back as it was', async () => {
    const {records, contents} = openBench('', {42: 4711});
    await records.write(() => [
      {job: 'telegraf', pid: 42, stopWaitMs: 5000},
      {job: 'gone', pid: 43, stopWaitMs: 1},
    ]);
    assert.deepEqual(decodeJobRecords(contents.get(PATH) ?? ''), [RECORD]);
  });

  test('a full disk -> a warning', async () => {
    const {records, failWith, said} = openBench('', {});
    failWith(systemError('ENOSPC'));
    await records.write(() => []);
    assert.equal(said('cannot record').length, 1);
  });

  test('anything else in the file -> nobody', () => {
    for (const text of [
      '',
      '{}',
      '[1]',
      '[{"job":"x"}]',
      'null',
      '[null]',
      JSON.stringify([{...RECORD, pid: -1}]),
      JSON.stringify([{...RECORD, pid: 0}]),
    ]) {
      assert.deepEqual(decodeJobRecords(text), [], text);
    }
    fc.assert(fc.property(fc.json(), text => void decodeJobRecords(text)));
  });
});
