import assert from 'node:assert/strict';
import {test} from 'node:test';
import {systemSpawn} from '../../src/ports/spawn.ts';

const KEEPS_PIPES = {file: '/bin/sh', args: ['-c', 'sleep 60 & echo $!; wait']};

for (const [how, options, timedOut] of [
  ['its time is over', {timeoutMs: 200}, true],
  ['it is not wanted any more', {timeoutMs: 60_000, signal: AbortSignal.timeout(200)}, false],
] as const) {
  test(`a command whose own child keeps its output open, ${how} -> ended, with what it wrote`, {
    timeout: 30_000,
  }, async () => {
    const ended = await systemSpawn.run(KEEPS_PIPES, options);
    process.kill(Number(ended.stdout), 'SIGKILL');
    assert.deepEqual({...ended, stdout: ''}, {code: undefined, signal: 'SIGTERM', stdout: '', stderr: '', timedOut});
  });
}
