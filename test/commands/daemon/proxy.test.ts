import assert from 'node:assert/strict';
import {test} from 'node:test';
import {isOfGeneration, processesOf} from '../../../src/commands/daemon/proxy.ts';

test('who may listen where HAProxy does -> it, those that finish, and the daemon; nobody while that changes', () => {
  const draining = [{pid: 6, generation: 2, sinceMs: 0}];
  const of = (isApplying: boolean, pid: number | null) => processesOf({isApplying, status: {pid, draining}});
  assert.deepEqual(of(false, 7), {serving: 7, others: [6, process.pid]});
  assert.deepEqual([of(true, 7), of(false, null), of(true, null)], [undefined, undefined, undefined]);
});

test("the arguments of a process -> whether it is a HAProxy of this generation, by its configuration's path", () => {
  const runs = (...args: string[]) => isOfGeneration(['haproxy', '-f', ...args], '/data', 3);
  assert.deepEqual(
    [runs('/data/run/3.cfg'), runs('/data/run/2.cfg'), runs('/other/run/3.cfg'), runs()],
    [true, false, false, false],
  );
});
