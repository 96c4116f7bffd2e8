import assert from 'node:assert/strict';
import {test} from 'node:test';
import type {StagedGeneration} from '../../src/reload/generation.ts';
import {watchForHangs} from '../../src/reload/hang-watch.ts';
import {createFakeClock} from '../support/fake-clock.ts';

function open() {
  const clock = createFakeClock();
  const stop = new AbortController();
  const state: {current?: StagedGeneration; answers: boolean} = {answers: true};
  const asked: (readonly [atMs: number, number: number, restarts: boolean])[] = [];
  const watching = watchForHangs(
    {
      async check({number}, restarts) {
        asked.push([clock.nowMs(), number, restarts]);
        if (!state.answers) await new Promise(resolve => clock.after(5000, () => resolve(undefined)));
        return undefined;
      },
    },
    () => state.current,
    {clock, signal: stop.signal},
  );
  return {clock, stop, state, asked, watching};
}

const generation = (number: number) => ({number}) as StagedGeneration;

test('what serves -> asked every 2 s, and started anew when it hangs; nobody is asked while nothing serves', async () => {
  const {clock, state, asked} = open();
  await clock.advance(2000);
  assert.deepEqual(asked, []);
  state.current = generation(1);
  await clock.advance(2000);
  state.current = generation(2);
  await clock.advance(2000);
  assert.deepEqual(asked, [
    [4000, 1, true],
    [6000, 2, true],
  ]);
});

test('a question that waits -> the next one 2 s after it', async () => {
  const {clock, state, asked} = open();
  Object.assign(state, {current: generation(1), answers: false});
  await clock.advance(10_000);
  assert.deepEqual(
    asked.map(([atMs]) => atMs),
    [2000, 9000],
  );
});

test('closed -> nobody is asked any more', async () => {
  const {clock, stop, state, asked, watching} = open();
  state.current = generation(1);
  stop.abort();
  await watching;
  await clock.advance(10_000);
  assert.deepEqual(asked, []);
});
