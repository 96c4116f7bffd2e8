import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {createInterface} from 'node:readline';
import {test} from 'node:test';
import {missing} from './parts.ts';
import {openWallClock} from './wall-clock.ts';

const SCRIPT = 'setInterval(() => console.log(JSON.stringify([Date.now(), performance.now()])), 20)';
const HOUR_MS = 3_600_000;

test('a wall clock, stepped both ways -> only the child sees it, and only on its wall clock', {
  skip: missing('faketime'),
}, async () => {
  await using clock = await openWallClock();
  const child = spawn(process.execPath, ['-e', SCRIPT], {
    env: {...process.env, ...clock.env},
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({input: child.stdout});
  try {
    for (const byMs of [0, HOUR_MS, -HOUR_MS]) {
      await clock.step(byMs);
      await once(lines, 'line');
      const [line] = await once(lines, 'line');
      const [wallMs = 0, monotonicMs = 0] = JSON.parse(line);
      assert.ok(Math.abs(wallMs - Date.now() - byMs) < 5000, `${wallMs}`);
      assert.ok(monotonicMs < 60_000, `${monotonicMs}`);
    }
  } finally {
    child.kill('SIGKILL');
  }
});
