import assert from 'node:assert/strict';
import {test} from 'node:test';
import {formatBytes, formatDuration, formatPercent, formatRate, formatTime} from '../../src/dashboard/client/format.ts';
import {
  actionFor,
  applyMembers,
  describeLoad,
  describeMember,
  errorShare,
  groupByApp,
  matches,
  toneOfMember,
  toPoints,
} from '../../src/dashboard/client/model.ts';
import type {LiveMember, LiveServer, TrafficSample} from '../../src/http/page-types.ts';
import {entryOf} from '../http/status-ports.ts';

const memberOf = (ip: string, app = 'web', seq = 1): LiveMember => ({
  app,
  id: `${app}-${ip}`,
  ip,
  role: 'frontend',
  seq,
  firstSeenAt: 0,
  lastSeenAt: 0,
  expiresInMs: 25_000,
  held: false,
  quarantine: null,
  proxyState: 'up',
  servers: [],
});

test('members, everybody, then changes -> as the server has them, expiry by our own clock', () => {
  const first = applyMembers(new Map(), {all: true, changed: [memberOf('a'), memberOf('b')], gone: []}, 1000);
  const second = applyMembers(first, {all: false, changed: [memberOf('c')], gone: ['a']}, 2000);
  assert.deepEqual([...second.keys()], ['b', 'c']);
  assert.deepEqual([second.get('b')?.expiresAtMs, second.get('c')?.expiresAtMs], [26_000, 27_000]);
  const anew = applyMembers(second, {all: true, changed: [memberOf('d')], gone: []}, 3000);
  assert.deepEqual([...anew.keys()], ['d']);
});

test('members by app -> apps by name, members by seq, one without a seq last', () => {
  const {seq: _, ...provisional} = memberOf('n');
  const members = applyMembers(
    new Map(),
    {
      all: true,
      changed: [provisional, memberOf('b', 'web', 2), memberOf('a', 'web', 1), memberOf('x', 'api')],
      gone: [],
    },
    0,
  );
  assert.deepEqual(
    groupByApp(members.values()).map(([app, group]) => [app, group.map(({ip}) => ip)]),
    [
      ['api', ['x']],
      ['web', ['a', 'b', 'n']],
    ],
  );
});

test('filter, parts of an IP, a pod or an app in any case -> found', () => {
  for (const query of ['10.0', 'WEB', ' web-10 ', 'front', '']) assert.ok(matches(memberOf('10.0.0.1'), query), query);
  assert.ok(!matches(memberOf('10.0.0.1'), 'api'));
});

test('formats -> short, with their unit', () => {
  assert.deepEqual([0, 850, 12_300, 240_000, 11_520_000, 439_200_000].map(formatDuration), [
    '0 ms',
    '850 ms',
    '12 s',
    '4 min',
    '3 h 12 min',
    '5 d 2 h',
  ]);
  assert.deepEqual([0, 512, 1536, 20_971_520].map(formatBytes), ['0 B', '512 B', '1.5 KiB', '20 MiB']);
  assert.deepEqual([0, 0.54, 12.4, 3400, 56_000].map(formatRate), ['0', '0.5', '12', '3.4k', '56k']);
  const at = new Date(2026, 0, 2, 10, 2, 11).getTime();
  assert.equal(formatTime(at, at), '10:02:11');
  assert.equal(formatTime(at, at + 86_400_000), '2026-01-02 10:02:11');
});

test('shares -> percent with one figure behind the point below ten', () => {
  assert.deepEqual([0, 0.004, 0.05, 0.374, 1].map(formatPercent), ['0 %', '0.4 %', '5 %', '37 %', '100 %']);
});

const sampleAt = (at: number, requestsPerSecond = 1, serverErrorsPerSecond = 0): TrafficSample => ({
  at,
  requestsPerSecond,
  serverErrorsPerSecond,
  clientErrorsPerSecond: 0,
  bytesInPerSecond: 0,
  bytesOutPerSecond: 0,
  failuresPerSecond: 0,
  sessions: 0,
  responseTimeMs: null,
});

test('a curve in which looks are missing -> a gap there, not a line across', () => {
  const points = toPoints([sampleAt(0), sampleAt(2000), sampleAt(7000), sampleAt(12_001)]);
  assert.deepEqual(
    points.map(({at, sample}) => [at, sample !== undefined]),
    [
      [0, true],
      [2000, true],
      [7000, true],
      [7001, false],
      [12_001, true],
    ],
  );
});

test('share of 5xx -> of the requests; none without requests, never more than all', () => {
  assert.equal(errorShare(sampleAt(0, 0, 3)), null);
  assert.equal(errorShare(sampleAt(0, 4, 1)), 0.25);
  assert.equal(errorShare(sampleAt(0, 1, 2)), 1);
  // Nobody asked: that is not to be read as if nobody had been answered.
  assert.doesNotMatch(describeLoad(sampleAt(0, 0, 0)), /answered|5xx/);
  assert.match(describeLoad(sampleAt(0, 4, 1)), /^4 requests\/s, 25 % of them 5xx, /);
});

test('what stands beside a member -> its servers, and why one is down', () => {
  const server: LiveServer = {
    backend: 'web',
    server: 'a',
    address: '10.0.0.1:80',
    state: 'down',
    status: 'DOWN',
    sinceMs: 1,
    check: {result: 'L4CON', reason: 'Connection refused'},
    weight: 1,
    sessions: 0,
    queue: 0,
    errors: 0,
  };
  const member = memberOf('10.0.0.1');
  const described = (changes: Partial<LiveMember>) => describeMember({...member, ...changes});
  assert.equal(described({proxyState: 'down', servers: [server]}), 'down: web/a DOWN: L4CON Connection refused');
  assert.equal(
    described({
      proxyState: 'partly up',
      servers: [
        {...server, state: 'up'},
        {...server, check: null},
      ],
    }),
    'partly up: web/a, web/a DOWN',
  );
  assert.equal(described({proxyState: 'no server', servers: []}), 'in hosts, in no backend');
  assert.equal(described({proxyState: 'not in hosts', servers: []}), 'not in hosts');
  assert.equal(described({proxyState: 'unknown', servers: null}), 'unknown: HAProxy does not answer');
  assert.equal(toneOfMember(member), 'good');
  const quarantine = {reason: 'weight "x" is no number', sinceAt: 0, served: 'as before'} as const;
  assert.equal(
    described({quarantine, servers: [{...server, state: 'up'}]}),
    'in quarantine, served as before: weight "x" is no number; up: web/a',
  );
  assert.equal(toneOfMember({...member, quarantine}), 'bad');
});

test('the action beside a problem -> what ends it; back to the pass that serves, else to the last good one', () => {
  const passes = [entryOf(5, {verdict: 'failed'}), entryOf(4), entryOf(3, {template: null}), entryOf(2)];
  const passOf = (kind: string, serving?: number) => {
    const action = actionFor(kind, passes, serving);
    return action?.is === 'rollback' ? action.pass : action?.is;
  };
  assert.deepEqual([passOf('pass'), passOf('template'), passOf('template', 2), passOf('template', 3)], [4, 4, 2, 4]);
  assert.deepEqual(
    [passOf('rollback'), passOf('drift'), passOf('stopped'), passOf('backend-down'), passOf('queue')],
    ['release', 'reconfigure', 'reconfigure', 'look', undefined],
  );
  assert.equal(actionFor('pass', [entryOf(1, {verdict: 'failed'})]), undefined);
});
