import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {createCounterLedger} from '../../src/proxy/counter-ledger.ts';
import {fc} from '../support/properties.ts';

const row = (stot: number | string, name = 'web', more: Record<string, string> = {}) => ({
  pxname: name,
  svname: 'FRONTEND',
  type: '0',
  scur: '3',
  stot: String(stot),
  ...more,
});

const open = () => createCounterLedger(['stot', 'bin']);

describe('counters', () => {
  test('one process -> its own, and what is no counter as it is', () => {
    const ledger = open();
    ledger.note('1', [row(5)]);
    assert.deepEqual(ledger.total('1', [row(5)]), [row(5)]);
  });

  test('an old one finishes its connections -> added, what it says later too; once it has ended for good', () => {
    const ledger = open();
    ledger.note('1', [row(5)]);
    ledger.note('2', [row(1)]);
    ledger.keepOnly(['2', '1']);
    assert.deepEqual(ledger.total('2', [row(1)]), [row(6)]);
    ledger.note('1', [row(7)]);
    assert.deepEqual(ledger.total('2', [row(1)]), [row(8)]);
    ledger.keepOnly(['2']);
    ledger.keepOnly(['2']);
    assert.deepEqual(ledger.total('2', [row(2)]), [row(9)]);
  });

  test('rows that a later word leaves out -> stay as they were', () => {
    const ledger = open();
    ledger.note('1', [row(5), row(8, 'api')]);
    ledger.note('1', [row(6)]);
    assert.deepEqual(ledger.total('2', [row(0), row(0, 'api'), row(0, 'new')]), [row(6), row(8, 'api'), row(0, 'new')]);
  });

  test('somebody clears the counters -> they go on', () => {
    const ledger = open();
    ledger.note('1', [row(5)]);
    ledger.note('1', [row(2)]);
    assert.deepEqual(ledger.total('1', [row(2)]), [row(7)]);
  });

  test('a field that HAProxy leaves empty -> stays empty', () => {
    const ledger = open();
    ledger.note('1', [row(5, 'web', {bin: ''})]);
    assert.deepEqual(ledger.total('2', [row(1, 'web', {bin: ''})]), [row(6, 'web', {bin: ''})]);
  });

  test('more rows than are kept of what has ended -> those that no configuration has any more are forgotten', () => {
    const ledger = createCounterLedger(['stot'], 2);
    ledger.note('1', [row(5), row(8, 'api')]);
    ledger.keepOnly([]);
    ledger.total('2', [row(0)]);
    assert.deepEqual(ledger.total('2', [row(1), row(1, 'api')]), [row(6), row(9, 'api')]);
    ledger.note('2', [row(1, 'new')]);
    ledger.keepOnly([]);
    ledger.total('3', [row(0)]);
    assert.deepEqual(ledger.total('3', [row(1), row(1, 'api')]), [row(6), row(1, 'api')]);
  });

  test('whatever processes come, count and go -> a total never falls', () => {
    const step = fc.record({counts: fc.nat(9), reloads: fc.boolean(), ends: fc.boolean()});
    fc.assert(
      fc.property(fc.array(step), steps => {
        const ledger = open();
        const processes = [{pid: '1', count: 0}];
        let [last, all] = [0, 0];
        for (const {counts, reloads, ends} of steps) {
          if (reloads) processes.push({pid: String(processes.length + 1), count: 0});
          const current = processes.at(-1) ?? {pid: '', count: 0};
          current.count += counts;
          all += counts;
          ledger.note(current.pid, [row(current.count)]);
          ledger.keepOnly(ends ? [current.pid] : processes.map(({pid}) => pid));
          const total = Number(ledger.total(current.pid, [row(current.count)])[0]?.stot);
          assert.ok(total >= last);
          assert.equal(total, all);
          last = total;
        }
      }),
    );
  });
});
