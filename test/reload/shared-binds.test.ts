import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {openLog} from '../../src/ports/log.ts';
import type {ListeningSocket, SocketOwner} from '../../src/proxy/sockets.ts';
import {watchSharedBinds} from '../../src/reload/shared-binds.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {systemError} from '../support/system-error.ts';
import {takeUnhandled} from '../support/unhandled.ts';

const ANY = '00000000';
const ANY_6 = '0'.repeat(32);
const LOOPBACK = '0100007F';
const OTHER = '0200007F';
const HAPROXY = 7;
const DAEMON = 5;

/** HAProxy listens on `host`:80 by inode 1, the daemon on *:8000 by inode 2. */
function open(host: string) {
  const clock = createFakeClock();
  const {log} = openLog('error', {write() {}});
  const stop = new AbortController();
  const listening: ListeningSocket[] = [
    {host, port: 80, inode: 1},
    {host: ANY, port: 8000, inode: 2},
  ];
  const owners = new Map<number, SocketOwner>();
  const sockets = new Map([
    [HAPROXY, [1]],
    [DAEMON, [2]],
  ]);
  const state = {serving: HAPROXY, isApplying: false, reads: 0, fault: undefined as Error | undefined, isV6Only: false};
  const watch = watchSharedBinds(
    {
      clock,
      log,
      table: {
        listening: async () => [...listening],
        async socketsOf(pid) {
          state.reads += 1;
          if (state.fault !== undefined) throw state.fault;
          return new Set(sockets.get(pid));
        },
        findOwner: async inode => owners.get(inode),
      },
      processes: () => (state.isApplying ? undefined : {serving: state.serving, others: [DAEMON]}),
      isV6Only: port => port === 80 && state.isV6Only,
      isOurs: args => args.includes('/data/run/3.cfg'),
    },
    stop.signal,
  );
  return {
    state,
    sockets,
    owners,
    listen: (at: string, port: number, inode: number) => listening.push({host: at, port, inode}),
    /** The last one does not listen any more. */
    leave: () => listening.pop(),
    /** What is told after so many looks. */
    async look(times: number) {
      await clock.advance(times * 10_000);
      return watch.shared.map(({address, owner}) => `${address} ${owner?.pid}`);
    },
    [Symbol.dispose]: () => stop.abort(),
  };
}

describe('who listens where HAProxy does', () => {
  test('a stranger takes the same address -> told at the second look, with its PID; until it is gone', async () => {
    using watched = open(LOOPBACK);
    const {look, listen, leave, owners, state} = watched;
    assert.deepEqual(await look(2), []);
    listen(LOOPBACK, 80, 66);
    owners.set(66, {pid: 13, args: ['thief']});
    assert.deepEqual(await look(1), []);
    assert.deepEqual(await look(1), ['127.0.0.1:80 13']);
    // Once it is told, it takes no more looks at all descriptors.
    const {reads} = state;
    assert.deepEqual(await look(3), ['127.0.0.1:80 13']);
    assert.equal(state.reads, reads);
    leave();
    assert.deepEqual(await look(1), []);
  });

  test('one that cannot be seen, at a part of all addresses -> told all the same', async () => {
    using watched = open(ANY);
    watched.listen(LOOPBACK, 80, 66);
    assert.deepEqual(await watched.look(2), ['127.0.0.1:80 undefined']);
  });

  test('HAProxy at all addresses of both families, another at those of IPv4 -> told; at IPv6 alone (v6only) -> nothing', async () => {
    using both = open(ANY_6);
    both.listen(ANY, 80, 66);
    assert.deepEqual(await both.look(2), ['*:80 undefined']);
    using alone = open(ANY_6);
    alone.state.isV6Only = true;
    alone.listen(ANY, 80, 66);
    assert.deepEqual(await alone.look(2), []);
  });

  test('another address, port or family, a child of the HAProxy that serves -> nothing', async () => {
    using watched = open(LOOPBACK);
    watched.listen(OTHER, 80, 66);
    watched.listen(LOOPBACK, 81, 67);
    watched.listen(ANY_6, 80, 68);
    watched.listen(LOOPBACK, 80, 69);
    watched.owners.set(69, {pid: 9, args: ['haproxy', '-f', '/data/run/3.cfg']});
    assert.deepEqual(await watched.look(3), []);
  });

  test('another HAProxy takes over -> nothing; while a change is applied, nobody looks', async () => {
    using watched = open(LOOPBACK);
    const {state, sockets, look, listen} = watched;
    await look(1);
    state.isApplying = true;
    listen(LOOPBACK, 80, 4);
    assert.deepEqual(await look(3), []);
    sockets.set(8, [4]).set(DAEMON, [1, 2]);
    Object.assign(state, {isApplying: false, serving: 8});
    assert.deepEqual(await look(2), []);
  });

  test('nobody else listens -> descriptors are read once; they may not be read -> nothing is told', async () => {
    using watched = open(LOOPBACK);
    await watched.look(5);
    assert.equal(watched.state.reads, 2);
    watched.state.fault = systemError('EACCES');
    watched.listen(LOOPBACK, 80, 66);
    assert.deepEqual(await watched.look(3), []);
  });

  test('a bug in a look -> fatal', async () => {
    using unhandled = takeUnhandled();
    using watched = open(LOOPBACK);
    watched.state.fault = new TypeError('a bug');
    await watched.look(1);
    await new Promise(setImmediate);
    assert.deepEqual(unhandled.errors, [watched.state.fault]);
  });
});
