import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {createEntry, type TableEntry} from '../../src/members/entry.ts';
import type {Silence} from '../../src/members/guard.ts';
import {siftSilent} from '../../src/members/silence.ts';
import {pingOf} from './fixtures.ts';

const TTL_MS = 1000;
const NOW_MS = 10_000;
const UNTIL_MS = 99_000;

interface Pod extends Partial<TableEntry> {
  readonly app?: string;
}

/** Sifts pods that are given in the order of their deadlines; the guard holds the apps of `holds`. */
function sift(pods: Readonly<Record<string, Pod>>, holds: readonly string[] = []) {
  const judged: [app: string, Silence, nowMs: number][] = [];
  const entries = new Map(
    Object.entries(pods).map(([ip, {app = 'web', ...changes}], index) => [
      ip,
      {...createEntry(pingOf({ip, app}), index, {nowMs: 0, epochMs: 0}), ...changes},
    ]),
  );
  const guard = {
    judge(app: string, silence: Silence, nowMs: number) {
      judged.push([app, silence, nowMs]);
      return holds.includes(app) ? UNTIL_MS : undefined;
    },
    forget: () => assert.fail('not asked for'),
    holds: 0,
  };
  const leaving = siftSilent(entries, {guard, ttlMs: TTL_MS, ownApp: 'haproxy'}, NOW_MS);
  const held = [...entries].filter(([, {heldUntilMs}]) => heldUntilMs === UNTIL_MS).map(([ip]) => ip);
  return {leaving: leaving.map(({pod}) => pod.ip), held, judged};
}

describe('silence', () => {
  test('time up to the millisecond -> asked for; a millisecond later -> counted as late', () => {
    const {leaving, judged} = sift({a: {deadlineMs: NOW_MS}, b: {deadlineMs: NOW_MS + 1}});
    assert.deepEqual(leaving, ['a']);
    assert.deepEqual(judged, [['web', {due: 1, overdue: 1, others: 0}, NOW_MS]]);
  });

  test('a ping that is late by four fifths of the TTL -> overdue; one that is not yet -> alive', () => {
    const {judged} = sift({a: {deadlineMs: 1}, b: {deadlineMs: NOW_MS + 200}, c: {deadlineMs: NOW_MS + 201}});
    assert.deepEqual(
      judged.map(([, silence]) => silence),
      [{due: 1, overdue: 1, others: 1}],
    );
  });

  test('apps -> judged each for itself; whom the guard holds stays, marked', () => {
    const pods = {
      a: {deadlineMs: 1},
      b: {deadlineMs: 2, app: 'api'},
      c: {deadlineMs: 3},
      d: {deadlineMs: NOW_MS + 900},
    };
    const {leaving, held, judged} = sift(pods, ['web']);
    assert.deepEqual([leaving, held], [['b'], ['a', 'c']]);
    assert.deepEqual(
      judged.map(([app, silence]) => [app, silence.due, silence.others]),
      [
        ['web', 2, 1],
        ['api', 1, 0],
      ],
    );
  });

  test('our own app, and who was never heard -> leave unasked, and count for nobody', () => {
    const pods = {
      a: {deadlineMs: 1, app: 'haproxy'},
      b: {deadlineMs: 2, heard: false},
      c: {deadlineMs: 3},
      d: {deadlineMs: NOW_MS + 900, heard: false},
    };
    const {leaving, judged} = sift(pods);
    assert.deepEqual(leaving, ['a', 'b', 'c']);
    assert.deepEqual(judged, [['web', {due: 1, overdue: 0, others: 0}, NOW_MS]]);
  });

  test('held ones -> stay until their time is up, are asked for no more, and count for nobody', () => {
    const pods = {
      a: {deadlineMs: 1, heldUntilMs: NOW_MS},
      b: {deadlineMs: 2, heldUntilMs: NOW_MS + 1},
      c: {deadlineMs: 3},
      d: {deadlineMs: NOW_MS + 900, heldUntilMs: NOW_MS + 1},
    };
    const {leaving, judged} = sift(pods);
    assert.deepEqual(leaving, ['a', 'c']);
    assert.deepEqual(judged, [['web', {due: 1, overdue: 0, others: 0}, NOW_MS]]);
  });

  test('nobody whose time is up -> nobody is asked about', () => {
    assert.deepEqual(sift({a: {deadlineMs: NOW_MS + 1}, b: {deadlineMs: NOW_MS + 2}}), {
      leaving: [],
      held: [],
      judged: [],
    });
  });
});
