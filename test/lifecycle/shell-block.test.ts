import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {runShellBlock} from '../../src/lifecycle/shell-block.ts';
import {systemClock} from '../../src/ports/clock.ts';
import {systemSpawn} from '../../src/ports/spawn.ts';
import {openLogSink} from '../members/fixtures.ts';
import {waitFor} from '../support/wait.ts';

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

function openBench() {
  const {log, lines} = openLogSink();
  const stop = new AbortController();
  const written = () => lines.filter(({msg}) => msg === 'shell block wrote');
  return {
    stop,
    written,
    texts: () => written().map(({line}) => line),
    run: (block: string, env: Record<string, string> = {}) =>
      runShellBlock(block, 'configure', env, {spawn: systemSpawn, clock: systemClock, log, signal: stop.signal}),
  };
}

describe('shell block', () => {
  test('what it writes -> logged line by line, with its stream and state; variables are there', async () => {
    const {run, written} = openBench();
    await run('echo "$NAME"; echo wrong >&2; printf unfinished', {NAME: 'a b'});
    const seen = written().map(({line, stream, to}) => [line, stream, to]);
    for (const expected of [
      ['a b', 'stdout', 'configure'],
      ['wrong', 'stderr', 'configure'],
      ['unfinished', 'stdout', 'configure'],
    ]) {
      assert.ok(
        seen.some(line => JSON.stringify(line) === JSON.stringify(expected)),
        JSON.stringify(seen),
      );
    }
  });

  test('an exit other than 0 -> a fault with the code, and what it wrote last', async () => {
    const {said, fault} = await openBench().run('exit 3');
    assert.deepEqual([said, fault?.code], ['', 'LIFECYCLE']);
    assert.equal(fault?.message, 'cannot finish state configure: its shell block ended with exit code 3');
    const long = await openBench().run('printf "1\\n2\\n3\\n%0300d" 4; exit 3');
    assert.equal(long.said, `2 | 3 | ${'0'.repeat(200)}`);
    assert.equal(long.fault?.message, `${fault?.message}, and said last: ${long.said}`);
  });

  test('ended by a signal -> a fault with the signal', async () => {
    assert.match(String((await openBench().run('kill -KILL $$')).fault), /ended with SIGKILL/);
  });

  test('fault 8: a block that writes 10 MB -> finishes, every line is logged', async () => {
    const {run, written} = openBench();
    await run('i=0; line=$(printf "%01000d" 0); while [ $i -lt 10000 ]; do echo $line; i=$((i+1)); done');
    await waitFor(() => written().length === 10_000, 'every line');
  });

  test('it ends by itself -> what it left in the background lives on', async () => {
    const {run, texts} = openBench();
    await run('sleep 300 >/dev/null 2>&1 & echo $!');
    const [pid = 0] = texts().map(Number);
    assert.ok(isAlive(pid));
    process.kill(pid, 'SIGKILL');
  });

  test('aborted -> the whole process group is gone, a background grandchild included', async () => {
    const {run, stop, texts} = openBench();
    const ended = assert.rejects(run('sleep 300 & echo $!; wait'), /superseded/);
    const [pid] = await waitFor(() => texts().length > 0 && texts().map(Number), 'the grandchild');
    assert.ok(isAlive(pid ?? 0));
    stop.abort(new Error('superseded'));
    await ended;
    await waitFor(() => !isAlive(pid ?? 0), 'its end');
  });

  test('aborted before it began -> never started', async () => {
    const {run, stop, written} = openBench();
    stop.abort(new Error('too late'));
    await assert.rejects(run('echo started'), /too late/);
    assert.deepEqual(written(), []);
  });
});
