import assert from 'node:assert/strict';
import {once} from 'node:events';
import {mkdtemp, rm} from 'node:fs/promises';
import {createServer, type Socket} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {test} from 'node:test';
import {DaemonError, systemCodeOf} from '../../src/errors.ts';
import {ask} from '../../src/proxy/runtime.ts';

interface FakeRuntime extends AsyncDisposable {
  readonly path: string;
}

/** A socket that lets `answer` deal with each connection once its first line is there. */
async function openRuntime(answer: (socket: Socket, command: string) => void): Promise<FakeRuntime> {
  const folder = await mkdtemp(join(tmpdir(), 'kontrol-runtime-'));
  const path = join(folder, 'runtime.sock');
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    sockets.add(socket);
    socket.once('data', chunk => answer(socket, chunk.toString())).on('error', () => {});
  });
  server.listen(path);
  await once(server, 'listening');
  return {
    path,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
      await rm(folder, {recursive: true});
    },
  };
}

test('ask, an answer in pieces -> the whole of it without the last blank line', async () => {
  await using runtime = await openRuntime((socket, command) => {
    socket.write(`you said ${command}`);
    setImmediate(() => socket.end('é\n\n'));
  });
  assert.equal(await ask(runtime.path, 'show info', {timeoutMs: 5000}), 'you said show info\né');
});

test('ask, no socket there -> refused with ENOENT as cause', async () => {
  await assert.rejects(ask('/nowhere/runtime.sock', 'show info', {timeoutMs: 5000}), error => {
    assert.ok(error instanceof DaemonError);
    assert.equal(
      error.message,
      'cannot ask /nowhere/runtime.sock for "show info": connect ENOENT /nowhere/runtime.sock',
    );
    assert.equal(systemCodeOf(error.cause), 'ENOENT');
    return true;
  });
});

test('ask, no answer in time -> refused with the limit', async () => {
  await using runtime = await openRuntime(() => {});
  await assert.rejects(ask(runtime.path, 'show info', {timeoutMs: 30}), {
    code: 'PROXY',
    message: /no answer within 30 ms$/,
  });
});

test('ask, aborted -> the reason of the signal', async () => {
  const controller = new AbortController();
  const reason = new Error('stopping');
  await using runtime = await openRuntime(() => controller.abort(reason));
  await assert.rejects(ask(runtime.path, 'show info', {timeoutMs: 5000, signal: controller.signal}), reason);
  await assert.rejects(ask(runtime.path, 'show info', {timeoutMs: 5000, signal: controller.signal}), reason);
});

test('ask, two lines -> refused, nothing is sent', async () => {
  await using runtime = await openRuntime(socket => socket.end('sent'));
  await assert.rejects(ask(runtime.path, 'show info\nshut', {timeoutMs: 5000}), {code: 'PROXY', message: /one line/});
});
