import assert from 'node:assert/strict';
import {test} from 'node:test';
import {openGateway} from '../../../src/etcd/gateway.ts';
import {grantLease} from '../../../src/etcd/lease.ts';
import {openTransport} from '../../../src/etcd/transport.ts';
import {keysOf} from '../../../src/members/etcd/keys.ts';
import {createSharedSeq} from '../../../src/members/etcd/shared-seq.ts';
import {createWriter} from '../../../src/members/etcd/writer.ts';
import {createSeqMark} from '../../../src/members/seq.ts';
import {systemClock as clock} from '../../../src/ports/clock.ts';
import {startEtcd} from '../../support/etcd.ts';
import {missing} from '../../support/parts.ts';
import {waitFor} from '../../support/wait.ts';
import {openLogSink} from '../fixtures.ts';

const TTL_S = 600;

test('hundreds of renewals at once -> etcd has renewed every lease', {
  skip: missing('etcd'),
  timeout: 60_000,
}, async () => {
  await using etcd = await startEtcd({nodes: 1});
  const gateway = openGateway({
    endpoints: [etcd.endpoints],
    loadSecrets: async () => ({tls: {}, credentials: undefined}),
    openTransport,
    clock,
    log: openLogSink().log,
  });
  const keys = keysOf('default', 'lb');
  const writer = createWriter(gateway, keys, createSharedSeq(gateway, keys.seq, createSeqMark(0)));
  const leases: string[] = [];
  // Each is a write to etcd's disk: of all at once, the last ones are late on a busy machine.
  while (leases.length < 300) {
    leases.push(...(await Promise.all(Array.from({length: 20}, () => grantLease(gateway, TTL_S * 1000)))));
  }
  const remaining = () => Promise.all(leases.map(lease => etcd.remaining(lease)));
  await waitFor(async () => Math.max(...(await remaining())) < TTL_S - 2, 'leases that have run for a while');

  let left = leases;
  for (let round = 0; left.length > 0; round += 1) {
    assert.ok(round < 10, `${left.length} leases are not renewed`);
    left = await writer.renew(left);
  }
  assert.ok(Math.min(...(await remaining())) >= TTL_S - 2);
  gateway.close();
});
