import assert from 'node:assert/strict';
import {beforeEach, describe, test} from 'node:test';
import {createRefusals, type Refusals, shownUrl} from '../../src/http/refusals.ts';
import {openLog} from '../../src/ports/log.ts';
import {createFakeClock, type FakeClock} from '../support/fake-clock.ts';

describe('refused requests', () => {
  const logged: {remoteAddress: string; event: string; outcome: string; count?: number}[] = [];
  const {log} = openLog('info', {write: line => logged.push(JSON.parse(line))});
  let clock: FakeClock;
  let refusals: Refusals;
  const note = (from: string, event = 'POST /release') => refusals.note(from, {event, outcome: 'denied'});
  const lines = () => logged.map(({remoteAddress, event, count = ''}) => `${remoteAddress} ${event} ${count}`.trim());

  beforeEach(() => {
    logged.length = 0;
    clock = createFakeClock();
    refusals = createRefusals({clock, log});
  });

  test('a hundred of one source -> one line at once, one with their number after a minute', async () => {
    for (let tries = 0; tries < 99; tries += 1) note('10.0.0.9');
    note('10.0.0.9', 'POST /reconfigure');
    assert.deepEqual(lines(), ['10.0.0.9 POST /release']);
    await clock.advance(60_000);
    assert.deepEqual(lines().slice(1), ['10.0.0.9 POST /reconfigure 99']);
    note('10.0.0.9');
    assert.equal(logged.length, 3);
    await clock.advance(60_000);
    assert.equal(logged.length, 3);
  });

  test('of two sources -> a line for each', () => {
    for (const from of ['10.0.0.8', '10.0.0.9', '10.0.0.8']) note(from);
    assert.deepEqual(lines(), ['10.0.0.8 POST /release', '10.0.0.9 POST /release']);
  });

  test('of more than a thousand sources in a minute -> the others as one', async () => {
    for (let source = 0; source < 1500; source += 1) note(`10.0.${source >> 8}.${source & 255}`);
    assert.equal(logged.length, 1001);
    await clock.advance(60_000);
    assert.deepEqual(lines().slice(1001), ['others POST /release 499']);
  });

  test('the end -> what was only counted is told, and no timer is left', async () => {
    for (const from of ['10.0.0.8', '10.0.0.8', '10.0.0.9', '10.0.0.9', '10.0.0.9']) note(from);
    refusals.close();
    assert.deepEqual(lines().slice(2), ['10.0.0.8 POST /release', '10.0.0.9 POST /release 2']);
    await clock.advance(60_000);
    assert.equal(logged.length, 4);
  });

  test('a URL of 15 kB -> its beginning', () => {
    assert.equal(shownUrl('/a'), '/a');
    assert.equal(shownUrl(`/${'x'.repeat(199)}`).length, 200);
    assert.equal(shownUrl(`/${'x'.repeat(15_000)}`), `/${'x'.repeat(199)}…`);
  });
});
