import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {judgeContest} from '../../src/members/contest.ts';
import {createEntry, MAX_RIVALS, type Rival, type TableEntry} from '../../src/members/entry.ts';
import {pingOf} from './fixtures.ts';

const TTL_MS = 1000;
const NOW_MS = 50_000;

const rival = (id: string, agoMs: number): Rival => ({id, nonce: undefined, heardMs: NOW_MS - agoMs});

/** The pod `new` pings from the IP of `old`, which was heard `agoMs` ago. */
const contest = (agoMs: number, changes: Partial<TableEntry> = {}) => {
  const entry = createEntry(pingOf({id: 'old'}), 1, {nowMs: NOW_MS - agoMs, epochMs: 0});
  return judgeContest({...entry, ...changes}, pingOf({id: 'new'}), NOW_MS, TTL_MS);
};

const idsOf = ({rivals}: ReturnType<typeof contest>) => rivals.map(({id}) => id);

describe('contest of an IP', () => {
  test('a newcomer -> takes it; who had it is a rival from now on', () => {
    const verdict = contest(1, {rivals: [rival('third', 10)]});
    assert.deepEqual([verdict.holderStays, verdict.alternating, idsOf(verdict)], [false, false, ['third', 'old']]);
    assert.equal(verdict.rivals.at(-1)?.heardMs, NOW_MS);
  });

  test('one that lost it within a TTL -> alternates, and waits while the holder is heard', () => {
    const verdict = contest(TTL_MS - 1, {rivals: [rival('new', TTL_MS)]});
    assert.deepEqual([verdict.holderStays, verdict.alternating, idsOf(verdict)], [true, true, ['new']]);
  });

  test('the holder silent for a TTL -> the other takes over, the place is kept', () => {
    const verdict = contest(TTL_MS, {rivals: [rival('new', 10)]});
    assert.deepEqual([verdict.holderStays, verdict.alternating, idsOf(verdict)], [false, true, ['old']]);
  });

  test('a holder that a shared store keeps -> stays, however long it was not heard here', () => {
    assert.equal(contest(9 * TTL_MS, {kept: true, rivals: [rival('new', 10)]}).holderStays, true);
    assert.equal(contest(1, {kept: true}).holderStays, false);
  });

  test('one that lost it longer ago than a TTL -> a newcomer like any other, forgotten as a rival', () => {
    const verdict = contest(1, {rivals: [rival('new', TTL_MS + 1), rival('third', TTL_MS + 1)]});
    assert.deepEqual([verdict.holderStays, verdict.alternating, idsOf(verdict)], [false, false, ['old']]);
  });

  test('more rivals than are told apart -> the oldest is forgotten', () => {
    assert.equal(MAX_RIVALS, 8);
    const rivals = Array.from({length: MAX_RIVALS}, (_, index) => rival(`r${index}`, 10));
    assert.deepEqual(idsOf(contest(1, {rivals})), ['r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'old']);
  });
});
