import assert from 'node:assert/strict';
import {test} from 'node:test';
import type {Member} from '../../src/members/member.ts';
import {createTimelines} from '../../src/members/timeline.ts';

const memberOf = (ip: string, id = `web-${ip}`): Member => ({
  app: 'web',
  id,
  ip,
  key: 'x',
  role: 'frontend',
  nonce: undefined,
  payload: '',
  seq: 1,
  firstSeenAt: 0,
  lastSeenAt: 0,
});

const IP = '10.0.0.1';
const member = memberOf(IP);

test('timeline, a pod from its first ping to its removal -> every step with its pass', () => {
  const timelines = createTimelines();
  timelines.note({is: 'joined', member}, 1);
  timelines.applied(1, new Set(), 2);
  timelines.applied(2, new Set([IP]), 3);
  timelines.applied(3, new Set([IP]), 4);
  timelines.note({is: 'left', member, why: 'down'}, 5);
  timelines.applied(4, new Set([IP]), 6);
  timelines.applied(5, new Set(), 7);
  const story = timelines.of(IP);
  assert.deepEqual(
    story?.moments.map(({at, what, pass}) => [at, what, pass]),
    [
      [1, 'first ping', undefined],
      [3, 'config', 2],
      [5, 'down', undefined],
      [7, 'removed', 5],
    ],
  );
  assert.equal(story?.gone, true);
  assert.deepEqual([timelines.isGone(IP), timelines.isGone('10.0.0.9')], [true, false]);
  assert.deepEqual(timelines.departures(), [
    {at: 5, app: 'web', id: member.id, ip: IP, why: 'down', heardAt: member.lastSeenAt},
  ]);
});

test('a timeline, asked for by name -> of the address that the pod had last; of a stranger none', () => {
  const timelines = createTimelines();
  const named = (ip: string, id: string) => ({is: 'joined', member: memberOf(ip, id)}) as const;
  timelines.note(named('10.0.0.1', 'web-a'), 1);
  timelines.note(named('10.0.0.2', 'web-b'), 2);
  timelines.note({is: 'left', member: memberOf('10.0.0.1', 'web-a'), why: 'down'}, 3);
  assert.equal(timelines.find('web-a')?.ip, '10.0.0.1');
  timelines.note(named('10.0.0.3', 'web-a'), 4);
  assert.equal(timelines.find('web-a')?.ip, '10.0.0.3');
  assert.equal(timelines.find('10.0.0.2')?.moments[0]?.id, 'web-b');
  assert.equal(timelines.find('web-c'), undefined);
});

test('timeline, a pod that is back before it was removed -> no removal is claimed', () => {
  const timelines = createTimelines();
  timelines.note({is: 'joined', member}, 1);
  timelines.applied(1, new Set([IP]), 2);
  timelines.note({is: 'left', member, why: 'silent'}, 3);
  timelines.note({is: 'joined', member}, 4);
  timelines.applied(2, new Set([IP]), 5);
  assert.deepEqual(
    timelines.of(IP)?.moments.map(({what}) => what),
    ['first ping', 'config', 'silent', 'first ping', 'config'],
  );
  assert.equal(timelines.of(IP)?.gone, false);
  assert.equal(timelines.isGone(IP), false);
});

test('timeline, another pod takes the IP -> the old one left because it was replaced', () => {
  const timelines = createTimelines();
  timelines.note({is: 'joined', member}, 1);
  timelines.note({is: 'replaced', member: memberOf(IP, 'web-new'), previous: member, alternating: false}, 2);
  assert.equal(timelines.whyLeft(member), 'replaced');
  assert.equal(timelines.whyLeft(memberOf(IP, 'web-new')), undefined);
});

test('timeline, a pod whose Pod is gone -> evicted, with the reason, in its story and among the departures', () => {
  const timelines = createTimelines();
  timelines.note({is: 'joined', member}, 1);
  timelines.applied(1, new Set([IP]), 2);
  timelines.note({is: 'left', member, why: 'evicted', reason: 'no such pod'}, 3);
  timelines.applied(2, new Set(), 4);
  assert.deepEqual(
    timelines.of(IP)?.moments.map(({what, reason}) => [what, reason]),
    [
      ['first ping', undefined],
      ['config', undefined],
      ['evicted', 'no such pod'],
      ['removed', undefined],
    ],
  );
  const {app, id, ip} = member;
  assert.deepEqual(timelines.departures(), [
    {at: 3, app, id, ip, why: 'evicted', reason: 'no such pod', heardAt: member.lastSeenAt},
  ]);
  assert.equal(timelines.whyLeft(member), 'evicted');
});

test('timeline, pods that only alternate, or got their seq -> not a word', () => {
  const timelines = createTimelines();
  timelines.note({is: 'settled', member}, 1);
  assert.equal(timelines.of(IP), undefined);
  timelines.note({is: 'joined', member}, 2);
  timelines.note({is: 'replaced', member: memberOf(IP, 'web-new'), previous: member, alternating: true}, 3);
  assert.equal(timelines.of(IP)?.moments.length, 1);
  assert.deepEqual(timelines.departures(), []);
});

test('timeline, a payload that changes for ever -> the beginning is kept, the rest is bounded', () => {
  const timelines = createTimelines({maxMomentsEach: 5});
  timelines.note({is: 'joined', member}, 1);
  for (let at = 2; at < 200; at += 1) {
    timelines.note({is: 'changed', member}, at);
    timelines.applied(at, new Set([IP]), at);
  }
  const moments = timelines.of(IP)?.moments ?? [];
  assert.equal(moments.length, 5);
  assert.equal(moments[0]?.what, 'first ping');
});

test('timelines, many pods gone -> the longest gone are forgotten, the living never', () => {
  const timelines = createTimelines({maxGone: 3, maxDepartures: 4});
  const ips = Array.from({length: 10}, (_, index) => `10.0.1.${index}`);
  timelines.note({is: 'joined', member}, 0);
  for (const ip of ips) {
    timelines.note({is: 'joined', member: memberOf(ip)}, 1);
    timelines.note({is: 'left', member: memberOf(ip), why: 'silent'}, 2);
  }
  assert.deepEqual(
    ips.filter(ip => timelines.of(ip) !== undefined),
    ips.slice(-3),
  );
  assert.ok(timelines.of(IP));
  assert.equal(timelines.departures().length, 4);
});

test('timeline, a payload that changes twice in a row -> one moment, the last', () => {
  const timelines = createTimelines();
  timelines.note({is: 'joined', member}, 1);
  for (const at of [2, 3]) timelines.note({is: 'changed', member}, at);
  timelines.note({is: 'left', member, why: 'down'}, 4);
  for (const at of [5, 6]) timelines.note({is: 'joined', member}, at);
  assert.deepEqual(
    timelines.of(IP)?.moments.map(({at, what}) => [at, what]),
    [
      [1, 'first ping'],
      [3, 'changed'],
      [4, 'down'],
      [5, 'first ping'],
      [6, 'first ping'],
    ],
  );
});

test('timeline, more moments than are kept -> the first and the newest', () => {
  const timelines = createTimelines({maxMomentsEach: 3});
  for (const at of [1, 2, 3, 4, 5]) timelines.note({is: 'joined', member}, at);
  assert.deepEqual(
    timelines.of(IP)?.moments.map(({at}) => at),
    [1, 4, 5],
  );
});

test('timeline, an IP whose first word is a replacement -> it lives', () => {
  const timelines = createTimelines();
  timelines.note({is: 'replaced', member, previous: memberOf(IP, 'old'), alternating: false}, 1);
  assert.equal(timelines.of(IP)?.gone, false);
});

test('timelines, the usual bounds -> 40 moments an IP, 2000 IPs that are gone, 500 departures', () => {
  const timelines = createTimelines();
  for (let at = 0; at < 100; at += 1) timelines.note({is: 'joined', member}, at);
  assert.equal(timelines.of(IP)?.moments.length, 40);
  const ips = Array.from({length: 2001}, (_, index) => `10.1.${index >> 8}.${index & 255}`);
  for (const ip of ips) timelines.note({is: 'left', member: memberOf(ip), why: 'silent'}, 1);
  assert.equal(ips.filter(ip => timelines.of(ip) !== undefined).length, 2000);
  assert.equal(timelines.departures().length, 500);
});

test('an app, of whom was there last -> when it said goodbye, or was heard last before it fell silent; a stranger never', () => {
  const timelines = createTimelines();
  const left = (ip: string, why: 'down' | 'silent', lastSeenAt: number, at: number) =>
    timelines.note({is: 'left', why, member: {...memberOf(ip), lastSeenAt}}, at);
  left('10.0.0.1', 'silent', 100, 900);
  assert.equal(timelines.lastThereAt('web'), 100);
  left('10.0.0.2', 'down', 90, 300);
  left('10.0.0.3', 'silent', 200, 950);
  assert.equal(timelines.lastThereAt('web'), 300);
  assert.equal(timelines.lastThereAt('db'), undefined);
});
