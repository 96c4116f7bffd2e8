import assert from 'node:assert/strict';
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import {describe, test} from 'node:test';
import {createStatusClient} from '../../src/commands/status-client.ts';
import {DaemonError} from '../../src/errors.ts';

describe('the client of the status port', () => {
  test('a daemon that is stopped: it listens and never answers -> UNREACHABLE after the limit that was given', async () => {
    await using server = createServer(() => {});
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const {port} = server.address() as AddressInfo;
    const client = createStatusClient(`http://127.0.0.1:${port}`, {print: () => {}, isTerminal: false});
    await assert.rejects(client.json('/status', 50), (error: unknown) => {
      assert.ok(error instanceof DaemonError);
      assert.equal(error.code, 'UNREACHABLE');
      assert.match(error.message, /\/status has not answered for 0\.05 s: whatever listens there is stopped/);
      return true;
    });
    server.closeAllConnections();
  });

  test('an address that is no URL -> USAGE with one that is', async () => {
    for (const base of ['localhost:8001', '10.2.0.3:8001', 'http://', 'nonsense']) {
      await assert.rejects(createStatusClient(base, {print: () => {}, isTerminal: false}).json('/status'), {
        code: 'USAGE',
        message: `cannot ask ${base}: it is no URL such as http://10.2.0.3:8001`,
      });
    }
  });

  test('nobody listens -> UNREACHABLE, with the option that names the address', async () => {
    const server = createServer();
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await new Promise(resolve => server.close(resolve));
    const wait = {print: () => {}, isTerminal: false};
    for (const [client, option] of [
      [createStatusClient(base, wait), '--url, or KONTROL_STATUS_PORT'],
      [createStatusClient(base, wait, '--live'), '--live'],
    ] as const) {
      await assert.rejects(client.json('/status'), (error: unknown) => {
        assert.ok(error instanceof DaemonError && error.code === 'UNREACHABLE');
        assert.ok(error.message.endsWith(`is the daemon running there? set ${option}`), error.message);
        return true;
      });
    }
  });

  test('what is asked for is refused -> the reason, and no path; somebody else answers -> USAGE with what came', async () => {
    await using server = createServer(({url}, response) => {
      response.statusCode = 404;
      response.end(url === '/history/99' ? '{"reason": "there is no pass 99"}' : 'nothing here');
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = createStatusClient(base, {print: () => {}, isTerminal: false});
    await assert.rejects(client.json('/history/99'), {
      code: 'USAGE',
      message: `the daemon at ${base} says: there is no pass 99`,
    });
    await assert.rejects(client.json('/status'), {
      code: 'USAGE',
      message: `cannot ask ${base}/status: the answer is 404 Not Found; is it the daemon's status port?`,
    });
    server.closeAllConnections();
  });
});
