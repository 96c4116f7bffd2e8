import assert from 'node:assert/strict';
import {randomBytes} from 'node:crypto';
import {describe, test} from 'node:test';
import {openGateway} from '../../src/etcd/gateway.ts';
import {openTransport} from '../../src/etcd/transport.ts';
import {decodeSharedTemplate, encodeTemplate, openSharedTemplate} from '../../src/fleet/shared-template.ts';
import {systemClock as clock} from '../../src/ports/clock.ts';
import {openLogSink} from '../members/fixtures.ts';
import {startEtcd} from '../support/etcd.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {missing} from '../support/parts.ts';
import {waitFor} from '../support/wait.ts';

const RECORD = {pass: 7, sinceAt: 1000, replica: 'lb-0'};
const KEY = '/kontrol/template';

function openReplica(endpoints: string, id: string) {
  const {log, said} = openLogSink();
  const gateway = openGateway({
    endpoints: [endpoints],
    loadSecrets: async () => ({tls: {}, credentials: undefined}),
    openTransport,
    clock,
    log,
  });
  const shared = openSharedTemplate({gateway, key: KEY, id, clock, log});
  const close = () => {
    shared.close();
    gateway.close();
  };
  return {...shared, said, [Symbol.dispose]: close};
}

describe('the template that replicas share, as a value of etcd', () => {
  for (const [situation, template, isPacked] of [
    ['as long as an annotation may be', 'ä\n"'.repeat(65_536), false],
    ['as long as a file may be', '  server s 10.0.0.1:80\n'.repeat(180_000), true],
  ] as const) {
    test(`${situation} -> ${isPacked ? 'packed' : 'readable'}, fits, and is read back`, () => {
      const value = encodeTemplate({...RECORD, template}) ?? '';
      assert.equal('gzip' in JSON.parse(value), isPacked);
      assert.ok(Buffer.byteLength(value) <= 1 << 20);
      assert.deepEqual(decodeSharedTemplate(value), {...RECORD, template});
    });
  }

  test('it just fits -> readable; one byte more -> packed', () => {
    const room = (1 << 20) - Buffer.byteLength(JSON.stringify({...RECORD, template: ''}));
    assert.ok(!encodeTemplate({...RECORD, template: 'x'.repeat(room)})?.includes('gzip'));
    assert.ok(encodeTemplate({...RECORD, template: 'x'.repeat(room + 1)})?.includes('gzip'));
  });

  test('a pass or a time that is no number -> no template', () => {
    for (const wrong of [{pass: '7'}, {sinceAt: '1000'}, {pass: '7', sinceAt: '1000'}]) {
      assert.equal(decodeSharedTemplate(JSON.stringify({...RECORD, template: 'x', ...wrong})), undefined);
    }
  });

  test('it does not fit -> none; what is no template, or unpacks to too much -> none', () => {
    assert.equal(encodeTemplate({...RECORD, template: randomBytes(2 << 20).toString('base64')}), undefined);
    const bomb = encodeTemplate({...RECORD, template: 'x'.repeat(5 << 20)}) ?? '';
    for (const value of ['', 'null', '{}', '{"pass":"1"}', '{"pass":1,"sinceAt":1,"replica":"a","gzip":"??"}', bomb]) {
      assert.equal(decodeSharedTemplate(value), undefined);
    }
  });
});

/** A replica beside an etcd with one key, which the others may take first; `asked` is what it was asked. */
function openAlone(there?: {template: string; sinceAt: number}) {
  const clock = createFakeClock();
  const {log, said} = openLogSink();
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const etcd = {value: there && JSON.stringify({...RECORD, ...there}), isTaken: false};
  const asked: string[] = [];
  const shared = openSharedTemplate({
    gateway: {
      async ask(path, request) {
        asked.push(path);
        const kvs = etcd.value === undefined ? [] : [{key: '', value: base64(etcd.value), mod_revision: '1'}];
        if (path === '/kv/range') return {kvs};
        if (etcd.isTaken) return {responses: [{response_txn: {succeeded: false, responses: []}}]};
        const {value = ''} = (request as Batch).success[0]?.request_txn.success[0]?.request_put ?? {};
        etcd.value = Buffer.from(value, 'base64').toString();
        return {responses: [{response_txn: {succeeded: true}}]};
      },
    },
    ...{key: KEY, id: 'lb-1', clock, log},
  });
  /** Offers and lets all happen that does not wait. */
  const offer = async (template: string, sinceAt: number, isNew: boolean) => {
    shared.offer({pass: 1, template, sinceAt}, isNew);
    await clock.advance(0);
  };
  const kept = () => etcd.value && decodeSharedTemplate(etcd.value)?.template;
  return {clock, shared, etcd, asked, said, offer, kept};
}

interface Batch {
  readonly success: {readonly request_txn: {readonly success: {readonly request_put: {readonly value: string}}[]}}[];
}

describe('the template that a replica offers', () => {
  test('one that worked before the start -> takes the place of an older one, and of one as old, of none that is newer', async () => {
    for (const [there, kept] of [
      [undefined, 'offered'],
      [{template: 'there', sinceAt: 0}, 'offered'],
      [{template: 'there', sinceAt: 1}, 'there'],
    ] as const) {
      const replica = openAlone(there);
      await replica.offer('offered', 0, false);
      assert.equal(replica.kept(), kept);
      await replica.clock.advance(10_000);
      assert.equal(replica.asked.length, kept === 'there' ? 1 : 2);
    }
  });

  test('a new one -> takes the place of any; the same text -> is not written again', async () => {
    const {offer, asked, kept} = openAlone({template: 'there', sinceAt: 1000});
    await offer('there', 2000, true);
    assert.deepEqual(asked, ['/kv/range']);
    await offer('new', 1, true);
    assert.deepEqual([kept(), asked.length], ['new', 3]);
    await offer('new', 3, true);
    assert.equal(asked.length, 3);
  });

  test('two at once -> one after the other', async () => {
    const {shared, clock, asked, kept} = openAlone();
    shared.offer({pass: 1, template: 'first', sinceAt: 1}, true);
    shared.offer({pass: 2, template: 'second', sinceAt: 2}, true);
    await clock.advance(10_000);
    assert.deepEqual([kept(), asked], ['second', ['/kv/range', '/kv/txn', '/kv/range', '/kv/txn']]);
  });

  test('another replica is faster -> tried again after three seconds; closed -> no more', async () => {
    const {offer, clock, asked, etcd, kept, shared} = openAlone();
    etcd.isTaken = true;
    await offer('offered', 1, true);
    await clock.advance(2999);
    assert.equal(asked.length, 2);
    etcd.isTaken = false;
    await clock.advance(1);
    assert.deepEqual([kept(), asked.length], ['offered', 4]);
    etcd.isTaken = true;
    await offer('another', 2, true);
    shared.close();
    await clock.advance(10_000);
    assert.equal(asked.length, 6);
  });

  test('one that is too long -> a warning, once, and none is written', async () => {
    const {offer, clock, said, kept} = openAlone();
    await offer(randomBytes(2 << 20).toString('base64'), 1, true);
    await clock.advance(10_000);
    assert.deepEqual([said('too long for etcd').length, kept()], [1, undefined]);
  });
});

test('replicas share the last template that worked -> the newest stays, a remembered one fills an empty etcd only', {
  skip: missing('etcd'),
  timeout: 60_000,
}, async () => {
  await using etcd = await startEtcd({nodes: 1});
  using first = openReplica(etcd.endpoints, 'lb-0');
  using second = openReplica(etcd.endpoints, 'lb-1');
  const isThere = (template: string) =>
    waitFor(async () => {
      const found = await second.load();
      return found?.template === template && found;
    }, template);
  assert.equal(await second.load(), undefined);
  first.offer({pass: 1, template: 'old', sinceAt: 100}, false);
  assert.deepEqual(await isThere('old'), {pass: 1, template: 'old', sinceAt: 100, replica: 'lb-0'});
  // The clock of the one that made it is behind: it is the newest all the same.
  second.offer({pass: 5, template: 'new', sinceAt: 50}, true);
  await isThere('new');
  first.offer({pass: 1, template: 'older', sinceAt: 20}, false);
  first.offer({pass: 2, template: 'newest', sinceAt: 30}, true);
  assert.equal((await isThere('newest')).replica, 'lb-0');

  const [node] = etcd.nodes;
  await node?.kill();
  assert.equal(await second.load(), undefined);
  second.offer({pass: 6, template: 'told late', sinceAt: 60}, true);
  node?.start();
  await etcd.settle();
  await isThere('told late');
  assert.equal((await first.load())?.replica, 'lb-1');
});
