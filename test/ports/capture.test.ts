import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {type CaptureOptions, captureGroup} from '../../src/ports/capture.ts';
import {systemClock} from '../../src/ports/clock.ts';
import {isRunning} from '../support/processes.ts';
import {waitFor} from '../support/wait.ts';

const run = (block: string, options: Partial<CaptureOptions> = {}) => {
  const errors: string[] = [];
  const captured = captureGroup(
    {file: '/bin/sh', args: ['-c', block], env: {NAME: 'value'}},
    {clock: systemClock, timeoutMs: 60_000, maxBytes: 1000, onErrorLine: line => errors.push(line), ...options},
  );
  return {captured, errors};
};

describe('capture', () => {
  test('a command -> its stdout as it was, stderr by lines, its exit', async () => {
    const {captured, errors} = run('printf " $NAME\\n\\n"; echo wrong >&2; exit 3');
    const {stdout, code, signal, ended} = await captured;
    assert.deepEqual([String(stdout), code, signal, ended], [' value\n\n', 3, undefined, 'itself']);
    await waitFor(() => errors.join() === 'wrong', 'stderr');
  });

  test('too slow -> ended, a grandchild in the background too', async () => {
    const {captured, errors} = run('sleep 300 & echo $! >&2; wait', {timeoutMs: 500});
    assert.equal((await captured).ended, 'timeout');
    assert.ok(!isRunning(errors[0]));
  });

  test('deaf to SIGTERM -> killed', async () => {
    const {captured} = run('trap "" TERM; echo ready; while :; do sleep 300; done', {timeoutMs: 500});
    const {ended, signal} = await captured;
    assert.deepEqual([ended, signal], ['timeout', 'SIGKILL']);
  });

  test('too much output -> ended', async () => {
    const {captured} = run('yes');
    const {ended, stdout} = await captured;
    assert.equal(ended, 'overflow');
    assert.ok(stdout.length <= 1000);
  });

  test('aborted, before or while it runs -> ended', async () => {
    const stop = new AbortController();
    const {captured} = run('sleep 300', {signal: stop.signal});
    stop.abort();
    assert.equal((await captured).ended, 'abort');
    assert.equal((await run('sleep 300', {signal: stop.signal}).captured).ended, 'abort');
  });

  test('no such program -> rejects', async () => {
    const options = {clock: systemClock, timeoutMs: 1000, maxBytes: 1, onErrorLine: () => {}};
    await assert.rejects(captureGroup({file: '/no/such/program', args: []}, options), {code: 'ENOENT'});
  });
});
