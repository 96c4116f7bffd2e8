import assert from 'node:assert/strict';
import {once} from 'node:events';
import {createServer} from 'node:net';
import {test} from 'node:test';
import {openListeningTable} from '../../src/jobs/listening.ts';
import {describeListeningSocket} from '../../src/proxy/sockets.ts';

for (const [host, written] of [
  ['127.0.9.8', '127.0.9.8'],
  ['0.0.0.0', '*'],
  ['::1', '[::1]'],
  ['::', '[::]'],
] as const) {
  test(`listening sockets, one on ${host} -> its address, and this process as its owner`, async () => {
    const table = openListeningTable();
    await using server = createServer().listen(0, host);
    await once(server, 'listening');
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    const found = (await table.listening()).find(({port}) => port === address.port);
    assert.ok(found);
    assert.equal(describeListeningSocket(found), `${written}:${address.port}`);
    assert.ok((await table.socketsOf(process.pid)).has(found.inode));
    assert.equal((await table.findOwner(found.inode))?.pid, process.pid);
  });
}

test('listening sockets, nobody has one open, or the process is gone -> undefined, none', async () => {
  const table = openListeningTable();
  assert.equal(await table.findOwner(2 ** 40), undefined);
  assert.deepEqual([...(await table.socketsOf(2 ** 22 + 1))], []);
});
