import assert from 'node:assert/strict';
import {test} from 'node:test';
import {disagreement, type FleetReplica, formatFleet} from '../../src/fleet/agreement.ts';

const replica = (id: string, changes: Partial<FleetReplica> = {}): FleetReplica => ({
  id,
  version: '1.0.0',
  generation: 3,
  digest: '0123456789abcdef',
  inSync: true,
  ...changes,
});

test('replicas that serve the same, versions apart -> no disagreement; nor among none', () => {
  assert.equal(disagreement([replica('a'), replica('b', {version: '1.1.0', generation: 9})]), undefined);
  assert.equal(disagreement([]), undefined);
});

test('another digest, one that is behind, both -> each is a reason', () => {
  const [behind, other] = [replica('b', {inSync: false}), replica('c', {digest: 'f'})];
  assert.equal(disagreement([replica('a'), other]), '2 digests among 2 replicas');
  assert.equal(disagreement([replica('a'), behind]), 'not in sync: b');
  assert.equal(disagreement([replica('a'), behind, other]), '2 digests among 3 replicas; not in sync: b');
});

test('fleet for people -> one line each below a head, columns aligned, digests cut', () => {
  const text = formatFleet([replica('lb-0'), replica('proxy-with-a-long-name', {generation: 12, inSync: false})]);
  assert.equal(
    text,
    [
      'REPLICA                 VERSION  GENERATION  DIGEST        IN SYNC',
      'lb-0                    1.0.0    3           0123456789ab  yes',
      'proxy-with-a-long-name  1.0.0    12          0123456789ab  NO',
      '',
    ].join('\n'),
  );
  assert.equal(formatFleet([]), 'REPLICA  VERSION  GENERATION  DIGEST  IN SYNC\n');
});
