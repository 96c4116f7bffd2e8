import assert from 'node:assert/strict';
import {test} from 'node:test';
import {hidePayloads, joinMembers} from '../../src/http/joined-members.ts';
import type {ServerView} from '../../src/proxy/server-view.ts';
import {atOnce} from '../../src/steps.ts';
import {MEMBER} from './status-ports.ts';

const HOSTS = new Map([['web', [MEMBER.ip]]]);
const member = {...MEMBER, nonce: undefined};
const serverOf = (state: ServerView['state']): ServerView => ({
  backend: 'web',
  server: 'web-1',
  address: `${MEMBER.ip}:80`,
  state,
  status: state.toUpperCase(),
  sinceMs: null,
  check: null,
  weight: 1,
  sessions: 0,
  queue: 0,
  errors: 0,
});

const CASES: readonly (readonly [string, readonly ServerView['state'][], string])[] = [
  ['all its servers are up', ['up', 'up'], 'up'],
  ['one of two is down', ['up', 'down'], 'partly up'],
  ['one of two is drained', ['drain', 'up'], 'partly up'],
  ['it pings, and its server is down', ['down'], 'down'],
  ['one is down and one drained', ['drain', 'down'], 'down'],
  ['drained', ['drain'], 'out of service'],
  ['in maintenance', ['maint'], 'out of service'],
  ['no server has its address', [], 'no server'],
];

for (const [situation, states, expected] of CASES) {
  test(`a member in hosts, ${situation} -> ${expected}`, () => {
    const servers = states.map(serverOf);
    const [joined] = joinMembers([member], HOSTS, new Map(servers.length === 0 ? [] : [[MEMBER.ip, servers]]), []);
    assert.deepEqual(joined, {...member, proxyState: expected, servers});
  });
}

test('a member of the proxy itself, which no server needs -> not in hosts', () => {
  assert.equal(joinMembers([member], new Map(), new Map(), [])[0]?.proxyState, 'not in hosts');
});

test('HAProxy did not answer -> unknown, not none', () => {
  const [joined] = joinMembers([member], HOSTS, undefined, []);
  assert.deepEqual([joined?.proxyState, joined?.servers], ['unknown', null]);
});

test('members as they are shown -> payloads hidden, no nonce, one in a step', () => {
  const members = joinMembers(
    Array.from({length: 11}, () => ({...member, nonce: 'nonce1', payload: 'hunter2', payloadText: '"hunter2"'})),
    HOSTS,
    undefined,
    [],
  );
  const hide = (payload: unknown) => (payload === 'hunter2' ? '***' : 'unknown');
  assert.ok(atOnce(hidePayloads(members, hide)).every(({payload}) => payload === '***'));
  assert.doesNotMatch(JSON.stringify(atOnce(hidePayloads(members, hide))), /hunter2|nonce/);
  assert.equal([...hidePayloads(members, hide)].length, 11);
});
