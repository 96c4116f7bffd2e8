import assert from 'node:assert/strict';
import {test} from 'node:test';
import {formatBytes, formatDuration, formatRate, formatTime} from '../../src/dashboard/client/format.ts';
import {applyMembers, groupByApp, matches} from '../../src/dashboard/client/model.ts';
import type {LiveMember} from '../../src/http/page-types.ts';

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
