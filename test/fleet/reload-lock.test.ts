import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {type Gateway, openGateway} from '../../src/etcd/gateway.ts';
import {grantLease, renewLease, revokeLease} from '../../src/etcd/lease.ts';
import {openTransport} from '../../src/etcd/transport.ts';
import {applyLocked, openReloadLock} from '../../src/fleet/reload-lock.ts';
import {systemClock as clock} from '../../src/ports/clock.ts';
import {openLogSink} from '../members/fixtures.ts';
import {startEtcd} from '../support/etcd.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';
import {waitFor} from '../support/wait.ts';

/** Calls back each time that somebody asks for the lock. */
const observed = (gateway: Gateway, onAsked: () => void): Pick<Gateway, 'ask' | 'askEach' | 'listen'> => ({
  askEach: gateway.askEach,
  listen: gateway.listen,
  async ask(path, request, timeoutMs) {
    const answer = await gateway.ask(path, request, timeoutMs);
    if (path === '/kv/txn') onAsked();
    return answer;
  },
});

function openReplica(endpoints: string, id: string, onAsked = () => {}) {
  const {log, said} = openLogSink();
  const gateway = openGateway({
    endpoints: endpoints.split(','),
    loadSecrets: async () => ({tls: {}, credentials: undefined}),
    openTransport,
    clock,
    log,
  });
  const leases = {grant: grantLease, renew: renewLease, revoke: revokeLease};
  const lock = openReloadLock({
    gateway: observed(gateway, onAsked),
    replicas: () => ['a', 'b'],
    leases,
    key: '/kontrol/turn',
    id,
    clock,
    log,
  });
  return {...lock, said, close: gateway.close};
}

describe('the lock of reloads', {skip: missing('etcd'), timeout: 60_000}, () => {
  test('four replicas that reload at once -> one at a time, each once; a fault is passed on and gives the lock back', async () => {
    await using etcd = await startEtcd({nodes: 1});
    let asked = 0;
    const replicas = ['a', 'b', 'c', 'd'].map(id => openReplica(etcd.endpoints, id, () => (asked += 1)));
    let waiting = replicas.length;
    let atOnce = 0;
    let most = 0;
    const work = async (index: number) => {
      most = Math.max(most, ++atOnce);
      waiting -= 1;
      // Each that waits asks in vain once more before this work ends.
      const before = asked;
      await waitFor(() => asked >= before + 2 * waiting, 'the others asking');
      atOnce -= 1;
      if (index === 1) throw new Error('refused');
      return index;
    };
    const outcomes = await Promise.allSettled(replicas.map(({hold}, index) => hold(() => work(index))));
    assert.equal(most, 1);
    assert.deepEqual(
      outcomes.map(outcome => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason.message)),
      [0, 'refused', 2, 3],
    );
    for (const {close} of replicas) close();
  });

  test('etcd is away -> done all the same, told', async () => {
    const replica = openReplica(`http://127.0.0.1:${await freePort()}`, 'a');
    assert.equal(await replica.hold(async () => 'done'), 'done');
    assert.equal(replica.said('whose turn').length, 1);
    replica.close();
  });
});

/** A lock in an etcd made of what a test says: by whom it is held, whether a lease lives. */
function openLock({
  holder,
  lives = true,
  replicas = ['a', 'b'],
}: {
  holder?: string;
  lives?: boolean;
  replicas?: readonly string[];
} = {}) {
  const fake = createFakeClock();
  const {log, said} = openLogSink();
  const etcd = {holder, lives, asked: 0, granted: [] as number[], renewed: 0, revoked: [] as string[]};
  const gateway = {
    async ask() {
      etcd.asked += 1;
      const isFree = etcd.holder === undefined;
      if (isFree) etcd.holder = 'me';
      const encode = (text: string) => Buffer.from(text).toString('base64');
      const kv = {key: encode('/kontrol/turn'), value: encode(etcd.holder ?? ''), lease: etcd.holder};
      return {responses: [{response_txn: {succeeded: isFree, responses: [{response_range: {kvs: [kv]}}]}}]};
    },
  } as unknown as Gateway;
  const leases = {
    async grant(_gateway: unknown, ttlMs: number) {
      etcd.granted.push(ttlMs);
      return 'me';
    },
    async renew() {
      etcd.renewed += 1;
      return etcd.lives;
    },
    async revoke(_gateway: unknown, lease: string) {
      etcd.revoked.push(lease);
    },
  };
  const lock = openReloadLock({
    gateway,
    replicas: () => replicas,
    leases,
    key: '/kontrol/turn',
    id: 'a',
    clock: fake,
    log,
  });
  return {...lock, etcd, clock: fake, said};
}

describe('the lock of reloads, as time goes by', () => {
  test('no other replica -> nobody is asked', async () => {
    for (const replicas of [[], ['a']]) {
      const {hold, etcd} = openLock({holder: 'b', replicas});
      assert.equal(await hold(async () => 'done'), 'done');
      assert.deepEqual([etcd.asked, etcd.granted], [0, []]);
    }
  });

  test('free -> held under a lease of 10 s, renewed every 3 s while the work lasts, then given back', async () => {
    const {hold, etcd, clock: fake} = openLock();
    const work = Promise.withResolvers<string>();
    const done = hold(() => work.promise);
    await fake.advance(2999);
    assert.deepEqual([etcd.granted, etcd.renewed], [[10_000], 0]);
    await fake.advance(1);
    assert.equal(etcd.renewed, 1);
    await fake.advance(3000);
    assert.deepEqual([etcd.renewed, etcd.revoked], [2, []]);
    work.resolve('done');
    assert.equal(await done, 'done');
    await fake.advance(10_000);
    assert.deepEqual([etcd.renewed, etcd.revoked], [2, ['me']]);
  });

  test('an answer to our own request was lost -> the lock is ours all the same', async () => {
    const {hold} = openLock({holder: 'me'});
    assert.equal(await hold(async () => 'done'), 'done');
  });

  test('held by another -> asked for 4 to 14 times a second, the lease kept; ours when it is given back', async () => {
    const {hold, etcd, clock: fake} = openLock({holder: 'b'});
    let worked = 0;
    const done = hold(async () => {
      worked += 1;
    });
    await fake.advance(10_000);
    assert.ok(etcd.asked >= 44 && etcd.asked <= 135, `${etcd.asked} times in 10 s`);
    assert.deepEqual([worked, etcd.renewed >= etcd.asked - 1], [0, true]);
    etcd.holder = undefined;
    await fake.advance(225);
    await done;
    assert.deepEqual([worked, etcd.revoked], [1, ['me']]);
  });

  test('held by another, and the daemon stops -> its reason at once, the work is not done', async () => {
    const {hold, clock: fake} = openLock({holder: 'b'});
    const stop = new AbortController();
    let worked = 0;
    const done = hold(async () => {
      worked += 1;
    }, stop.signal);
    const reason = new Error('the daemon stops');
    const refused = assert.rejects(done, reason);
    await fake.advance(1000);
    stop.abort(reason);
    await fake.advance(0);
    await refused;
    assert.equal(worked, 0);
  });

  test('held by another for over 30 s -> told, the work done without it, the lease given back', async () => {
    const {hold, etcd, clock: fake, said} = openLock({holder: 'b'});
    await fake.advance(1000);
    let worked = 0;
    const done = hold(async () => {
      worked += 1;
    });
    await fake.advance(30_000);
    assert.deepEqual([worked, said('waited too long').length], [0, 0]);
    await fake.advance(225);
    await done;
    assert.deepEqual([worked, etcd.revoked, said('waited too long')[0]?.member], [1, ['me'], 'b']);
    const {asked} = etcd;
    await fake.advance(10_000);
    assert.equal(etcd.asked, asked);
  });

  test('the lease ended while it waited -> the work is done without the lock', async () => {
    const {hold, etcd, clock: fake} = openLock({holder: 'b', lives: false});
    const done = hold(async () => 'done');
    await fake.advance(225);
    assert.equal(await done, 'done');
    assert.deepEqual([etcd.asked, etcd.revoked], [1, []]);
  });
});

describe('apply under the lock', () => {
  for (const [way, text, times] of [
    ['syn-drop', 'old', 1],
    ['plain', 'old', 1],
    ['inherit', 'old', 0],
    ['syn-drop', undefined, 0],
  ] as const) {
    test(`${way}, ${text === undefined ? 'nothing served yet' : 'serving'} -> takes it ${times} times`, async () => {
      let taken = 0;
      const hold = <T>(work: () => Promise<T>) => {
        taken += 1;
        return work();
      };
      const apply = applyLocked(
        {text, reload: {way}, apply: async (candidate: string) => `${candidate} applied`},
        {hold},
      );
      assert.equal(await apply('new'), 'new applied');
      assert.equal(taken, times);
    });
  }
});
