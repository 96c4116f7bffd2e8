import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {type FleetStatus, showFleet} from '../../src/commands/fleet.ts';
import {EXIT_CODES} from '../../src/errors.ts';
import {createFakeClock} from '../support/fake-clock.ts';

const replica = (id: string, changes: Partial<FleetStatus> = {}) => ({
  id,
  version: '1.0.0',
  generation: 3,
  digest: '0123456789abcdef',
  inSync: true,
  ...changes,
});

const statusOf = (fleet?: FleetStatus['fleet']): FleetStatus => ({
  ...replica('lb-0'),
  proxy: {generation: 3},
  ...(fleet && {fleet}),
});

async function show(statuses: readonly FleetStatus[], boundMs = 2000) {
  const clock = createFakeClock();
  const [out, err]: [string[], string[]] = [[], []];
  let asked = 0;
  const shown = showFleet({
    loadStatus: async () => statuses[Math.min(asked++, statuses.length - 1)] ?? assert.fail(),
    print: text => void out.push(text),
    warn: text => void err.push(text),
    clock,
    boundMs,
  });
  await clock.advance(boundMs + 1000);
  return {code: await shown, out: out.join(''), err: err.join('')};
}

describe('status --all', () => {
  test('replicas agree -> a table at once, 0', async () => {
    const {code, out, err} = await show([statusOf([replica('lb-0'), replica('lb-10', {version: '1.0.1'})])]);
    assert.deepEqual([code, err], [0, '']);
    assert.equal(
      out,
      'REPLICA  VERSION  GENERATION  DIGEST        IN SYNC\n' +
        'lb-0     1.0.0    3           0123456789ab  yes\n' +
        'lb-10    1.0.1    3           0123456789ab  yes\n',
    );
  });

  test('they agree after a while -> waits for that', async () => {
    const differing = statusOf([replica('lb-0'), replica('lb-1', {digest: 'other'})]);
    const {code, out} = await show([differing, differing, statusOf([replica('lb-0'), replica('lb-1')])]);
    assert.equal(code, 0);
    assert.equal(out.split('\n').length, 4);
  });

  test('they disagree for too long -> the table all the same, why, and not 0', async () => {
    const {code, out, err} = await show([
      statusOf([replica('lb-0'), replica('lb-1', {digest: 'other', inSync: false})]),
    ]);
    assert.equal(code, EXIT_CODES.UNHEALTHY);
    assert.match(out, /lb-1 .*other +NO/);
    assert.match(err, /disagreed for 2 s: 2 digests among 2 replicas; not in sync: lb-1/);
  });

  test('the embedded store -> this one alone', async () => {
    const {code, out} = await show([statusOf()]);
    assert.equal(code, 0);
    assert.match(out, /this one {2}1\.0\.0/);
  });
});
