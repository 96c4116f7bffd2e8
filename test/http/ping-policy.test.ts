import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {openPingPolicy} from '../../src/http/ping-policy.ts';
import type {Member} from '../../src/members/member.ts';
import type {Credence} from '../../src/members/verify.ts';
import {createSource} from '../../src/ports/source.ts';
import {memberOf, openLogSink, pingOf} from '../members/fixtures.ts';
import {createFakeClock} from '../support/fake-clock.ts';

const FROM = {remoteAddress: '10.0.0.1', authorization: undefined};
const GONE: Credence = {is: 'unreal', reason: 'there is no pod web-1'};
const SILENT: Credence = {is: 'unknown', reason: 'the API is silent'};

function openStage(withDirectory = true) {
  const clock = createFakeClock();
  const {log, lines} = openLogSink();
  const changes = createSource<void>();
  const evicted: (string | undefined)[] = [];
  let credence: Credence = {is: 'real'};
  let known: Member | undefined;
  const policy = openPingPolicy({
    source: false,
    directory: withDirectory
      ? {believe: claim => (claim.down ? {is: 'real'} : credence), changes, size: 3, status: []}
      : undefined,
    tokens: undefined,
    registry: {
      find: () => known,
      evict: reasonOf => evicted.push(reasonOf(memberOf())),
    },
    clock,
    log,
  });
  return {
    clock,
    policy,
    changes,
    evicted,
    lines,
    believe: (next: Credence) => {
      credence = next;
    },
    know: (member: Member | undefined) => {
      known = member;
    },
  };
}

describe('ping policy', () => {
  test('a pod that the cluster has -> allowed; one that it has not -> forbidden, one line a minute', async () => {
    const {clock, policy, believe, lines} = openStage();
    assert.equal(policy.verify(pingOf(), FROM).is, 'allowed');
    believe(GONE);
    for (let i = 0; i < 3; i++) assert.equal(policy.verify(pingOf(), FROM).is, 'forbidden');
    assert.equal(lines.length, 1);
    await clock.advance(60_000);
    policy.verify(pingOf(), FROM);
    assert.equal(lines.length, 2);
  });

  test('the API is silent -> who was verified before stays welcome, a stranger is asked to come back', () => {
    const {policy, believe, know} = openStage();
    believe(SILENT);
    const ping = pingOf();
    assert.equal(policy.verify(ping, FROM).is, 'unavailable');
    know(memberOf());
    assert.equal(policy.verify(ping, FROM).is, 'allowed');
    assert.equal(policy.verify({...ping, app: 'other'}, FROM).is, 'unavailable');
    assert.equal(policy.verify({...ping, id: 'other'}, FROM).is, 'unavailable');
  });

  test('a crowd of changes -> members are looked over once, those whose pods are gone with the reason', async () => {
    const {clock, changes, evicted, believe} = openStage();
    believe(GONE);
    changes.tell();
    changes.tell();
    await clock.advance(49);
    assert.deepEqual(evicted, []);
    await clock.advance(1);
    assert.deepEqual(evicted, ['there is no pod web-1']);
    believe(SILENT);
    changes.tell();
    await clock.advance(50);
    assert.deepEqual(evicted, ['there is no pod web-1', undefined]);
  });

  test('closed -> nobody is looked over any more', async () => {
    const {clock, policy, changes, evicted} = openStage();
    changes.tell();
    policy.close();
    await clock.advance(1000);
    assert.deepEqual(evicted, []);
  });

  test('its status -> how pings are checked', () => {
    assert.deepEqual(openStage().policy.status, {source: false, token: false, pods: {known: 3, watches: []}});
    assert.deepEqual(openStage(false).policy.status, {source: false, token: false, pods: null});
  });
});
