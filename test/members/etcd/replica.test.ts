import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {decodeDocument, encodeDocument, type Stored} from '../../../src/members/etcd/document.ts';
import type {Write} from '../../../src/members/etcd/write.ts';
import {CONFIRM_MS, createEtcdModel, createModelReplica, type EtcdModel, settleAll, TTL_MS} from './model.ts';

const A = {ip: '10.0.0.1', id: 'a'};

/** Two replicas that know the pod, which has said goodbye to the first; that goodbye is on its way to etcd. */
function openScene() {
  const etcd = createEtcdModel();
  const [first, second] = [createModelReplica(etcd), createModelReplica(etcd)];
  first.ping(A, 0);
  settleAll(etcd, [first, second], 0);
  first.ping({...A, down: true}, 10);
  const [goodbye] = first.core.takeWrites(1);
  assert.equal(goodbye?.document.is, 'down');
  return {etcd, first, second, goodbye};
}

function write(etcd: EtcdModel, {ip, upon, document, lease = ''}: Write): Stored {
  const {stored} = etcd.write(ip, upon, document, lease);
  assert.ok(stored);
  return stored;
}

describe('replica, a pod is back while its goodbye is being written', () => {
  test('the answer comes -> it stays, and is in everywhere', () => {
    const {etcd, first, second, goodbye} = openScene();
    first.ping(A, 20);
    const stored = write(etcd, goodbye);
    assert.deepEqual(first.core.put(A.ip, stored, {nowMs: 30, epochMs: 30}), []);
    assert.equal(first.table.size, 1);
    first.core.settled(A.ip);
    settleAll(etcd, [first, second], 40);
    assert.deepEqual([first.table.size, second.table.size], [1, 1]);
  });

  test('the answer is lost, the watch tells -> it stays, and is in everywhere', () => {
    const {etcd, first, second, goodbye} = openScene();
    first.ping(A, 20);
    write(etcd, goodbye);
    first.core.settled(A.ip);
    first.watch(1, 30);
    assert.equal(first.table.size, 1);
    settleAll(etcd, [first, second], 40);
    assert.deepEqual([first.table.size, second.table.size], [1, 1]);
  });

  test('the answer is lost, the next write shows that it was done -> it stays, and is in everywhere', () => {
    const {etcd, first, second, goodbye} = openScene();
    first.ping(A, 20);
    write(etcd, goodbye);
    first.core.settled(A.ip);
    first.flush(30);
    assert.equal(first.table.size, 1);
    settleAll(etcd, [first, second], 40);
    assert.deepEqual([first.table.size, second.table.size], [1, 1]);
  });

  test('it left and came back more than once meanwhile -> it stays', () => {
    const {etcd, first, goodbye} = openScene();
    for (const ms of [20, 30]) {
      first.ping(A, ms);
      first.ping({...A, down: true}, ms + 5);
    }
    first.ping(A, 40);
    first.core.put(A.ip, write(etcd, goodbye), {nowMs: 50, epochMs: 50});
    assert.equal(first.table.size, 1);
  });

  test('it came back, and left for good -> gone', () => {
    const {etcd, first, second, goodbye} = openScene();
    first.ping(A, 20);
    first.ping({...A, down: true}, 30);
    first.core.put(A.ip, write(etcd, goodbye), {nowMs: 40, epochMs: 40});
    first.core.settled(A.ip);
    settleAll(etcd, [first, second], 50);
    assert.deepEqual([first.table.size, second.table.size], [0, 0]);
  });

  test('another replica heard it meanwhile and knew nothing of the goodbye -> the goodbye wins there', () => {
    const {etcd, first, second, goodbye} = openScene();
    second.ping({...A, payload: 'x'}, 20);
    write(etcd, goodbye);
    first.core.settled(A.ip);
    second.watch(1, 30);
    assert.equal(second.table.size, 0);
  });
});

test('replica, most of an app silent one after the other, held at fractions of a millisecond -> each hold can be read back', () => {
  const etcd = createEtcdModel();
  const replica = createModelReplica(etcd);
  const ips = Array.from({length: 6}, (_, n) => `10.0.0.${n + 1}`);
  for (const [n, ip] of ips.entries()) {
    replica.ping({ip, id: ip}, n);
    replica.flush(n);
  }
  const held: string[] = [];
  for (let nowMs = TTL_MS + 0.05; nowMs < TTL_MS + CONFIRM_MS + ips.length; nowMs += 0.1) {
    etcd.expire(nowMs);
    replica.watch(100, nowMs);
    replica.tick(nowMs);
    for (const {ip, document} of replica.core.takeWrites(100)) {
      const read = decodeDocument(encodeDocument(document));
      assert.equal(read?.is, 'held', JSON.stringify(document));
      held.push(ip);
    }
  }
  assert.deepEqual(held, ips);
});
