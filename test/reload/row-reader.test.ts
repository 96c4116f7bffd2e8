import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {createCounterLedger} from '../../src/proxy/counter-ledger.ts';
import {createRowReader} from '../../src/reload/row-reader.ts';

/** HAProxys by PID, each with so many requests; `serving` is the one that is asked. */
function openReader(requests: Record<number, number>) {
  const world = {serving: 1 as number | null, next: [] as number[], asked: [] as string[]};
  const followers = {pids: [] as number[]};
  const read = createRowReader({
    async ask(socket, command) {
      world.asked.push(`${socket} ${command}`);
      const pid = world.serving ?? 0;
      world.serving = world.next.shift() ?? world.serving;
      return `# pxname,svname,type,req_tot,\nweb,FRONTEND,0,${requests[pid]},\n`;
    },
    serving: {
      get status() {
        return {pid: world.serving};
      },
      socket: '/run/socket',
    },
    counters: createCounterLedger(['req_tot']),
    followers,
  });
  return {world, followers, read: async () => (await read('show stat')).map(row => row.req_tot)};
}

describe('what HAProxy counts', () => {
  test('none runs -> PROXY, and none is asked', async () => {
    const {world, read} = openReader({});
    world.serving = null;
    await assert.rejects(read(), {code: 'PROXY'});
    assert.deepEqual(world.asked, []);
  });

  test('one after another -> goes on; one that still drains counts what it says last', async () => {
    const requests: Record<number, number> = {1: 10, 2: 5};
    const {world, followers, read} = openReader(requests);
    assert.deepEqual(await read(), ['10']);
    world.serving = 2;
    followers.pids.push(1);
    assert.deepEqual(await read(), ['15']);
    followers.pids.length = 0;
    requests[2] = 6;
    assert.deepEqual(await read(), ['16']);
  });

  test('another takes over while the first is asked -> the new one is asked, and the first counts nothing twice', async () => {
    const {world, read} = openReader({1: 10, 2: 5});
    world.next.push(2);
    assert.deepEqual([await read(), world.asked.length], [['5'], 2]);
  });
});
