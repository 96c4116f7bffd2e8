import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {type Gateway, openGateway} from '../../src/etcd/gateway.ts';
import {grantLease, renewLease, revokeLease} from '../../src/etcd/lease.ts';
import {openTransport} from '../../src/etcd/transport.ts';
import {applyLocked, openReloadLock} from '../../src/fleet/reload-lock.ts';
import {systemClock as clock} from '../../src/ports/clock.ts';
import {openLogSink} from '../members/fixtures.ts';
import {startEtcd} from '../support/etcd.ts';
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
  const lock = openReloadLock({gateway: observed(gateway, onAsked), leases, key: '/kontrol/turn', id, clock, log});
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
