import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {EtcdFault} from '../../src/etcd/fault.ts';
import {openSharedText} from '../../src/fleet/shared-text.ts';
import {createFakeClock} from '../support/fake-clock.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

interface Batch {
  readonly success: {readonly request_txn: {readonly success: {readonly request_put: {readonly value: string}}[]}}[];
}

/** A replica beside an etcd with one key. */
function openReplica() {
  const clock = createFakeClock();
  const etcd = {value: undefined as string | undefined, isAway: false, isTaken: false, asked: 0};
  const shared = openSharedText({
    gateway: {
      async ask(path, request) {
        etcd.asked += 1;
        if (etcd.isAway) throw new EtcdFault('unreachable', 'away');
        const {value} = etcd;
        if (path === '/kv/range')
          return {kvs: value === undefined ? [] : [{key: '', value: base64(value), mod_revision: '1'}]};
        if (etcd.isTaken) return {responses: [{response_txn: {succeeded: false, responses: []}}]};
        const put = (request as Batch).success[0]?.request_txn.success[0]?.request_put;
        etcd.value = Buffer.from(put?.value ?? '', 'base64').toString();
        return {responses: [{response_txn: {succeeded: true}}]};
      },
    },
    ...{key: '/kontrol/text', empty: '[]', clock},
  });
  const offer = async (text: string) => {
    shared.offer(text);
    await clock.advance(0);
  };
  return {clock, etcd, shared, offer};
}

describe('a text that replicas share', () => {
  test('what was offered last is there; nothing to tell takes the place of nothing but what was told here', async () => {
    const {etcd, shared, offer} = openReplica();
    etcd.value = 'theirs';
    await offer('[]');
    assert.equal(await shared.load(), 'theirs');
    await offer('ours');
    assert.equal(await shared.load(), 'ours');
    await offer('[]');
    assert.equal(await shared.load(), '[]');
  });

  test('etcd is away, or another replica was faster -> written later; nothing is known meanwhile', async () => {
    for (const trouble of ['isAway', 'isTaken'] as const) {
      const {clock, etcd, shared, offer} = openReplica();
      etcd[trouble] = true;
      await offer('ours');
      assert.equal(await shared.load(), undefined, trouble);
      etcd[trouble] = false;
      await clock.advance(3000);
      assert.equal(etcd.value, 'ours');
    }
  });

  test('said twice, too long, or closed -> not asked for', async () => {
    const {etcd, shared, offer} = openReplica();
    await offer('ours');
    const {asked} = etcd;
    await offer('ours');
    await offer('x'.repeat((1 << 20) + 1));
    assert.equal(etcd.asked, asked);
    shared.close();
    await offer('more');
    assert.deepEqual([etcd.asked, etcd.value], [asked, 'ours']);
  });
});
