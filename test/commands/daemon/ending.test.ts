import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {openEnding} from '../../../src/commands/daemon/ending.ts';
import {DaemonError} from '../../../src/errors.ts';

function openStage() {
  const listeners = new Map<string, () => void>();
  const ending = openEnding({on: (name, listener) => listeners.set(name, listener)});
  return {ending, raise: (name: string) => listeners.get(name)?.()};
}

describe('ending', () => {
  test('nothing happened -> not reached; SIGHUP is no reason to end', () => {
    const {ending, raise} = openStage();
    raise('SIGHUP');
    ending.throwIfReached();
    assert.deepEqual([ending.asked.aborted, ending.skip.aborted], [false, false]);
  });

  test('a first signal -> a stop is asked for; a second, of whichever kind -> its waits are skipped', async () => {
    const {ending, raise} = openStage();
    raise('SIGTERM');
    await ending.reached;
    assert.throws(() => ending.throwIfReached(), /a stop was asked for/);
    assert.equal(ending.skip.aborted, false);
    raise('SIGINT');
    assert.equal(ending.skip.aborted, true);
  });

  test('asked for over the socket, then a signal -> the signal is the second', () => {
    const {ending, raise} = openStage();
    ending.ask();
    ending.ask();
    assert.deepEqual([ending.asked.aborted, ending.skip.aborted], [true, false]);
    raise('SIGTERM');
    assert.equal(ending.skip.aborted, true);
  });

  test('a fatal fault -> thrown between two steps of a start, and what the end is reached with; the first one counts', async () => {
    const {ending} = openStage();
    const first = new DaemonError('PROXY', 'first');
    ending.fail(first);
    ending.fail(new DaemonError('PROXY', 'second'));
    assert.throws(() => ending.throwIfReached(), first);
    await assert.rejects(ending.reached, first);
    assert.equal(ending.asked.aborted, false);
  });
});
