import assert from 'node:assert/strict';
import {createServer, type Server} from 'node:http';
import type {AddressInfo} from 'node:net';
import {describe, test} from 'node:test';
import {createStatusClient} from '../../src/commands/status-client.ts';
import {DaemonError} from '../../src/errors.ts';
import type {Status} from '../../src/http/status-types.ts';
import type {HistoryEntry} from '../../src/lifecycle/history.ts';
import {freePort} from '../support/free-port.ts';

describe('the client of the status port', () => {
  test('a daemon that is stopped: it listens and never answers -> UNREACHABLE after the limit that was given', async () => {
    await using server = createServer(() => {});
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const {port} = server.address() as AddressInfo;
    const client = createStatusClient(`http://127.0.0.1:${port}`, {print: () => {}, isTerminal: false});
    await assert.rejects(client.json<Status>('/status', 'problems', 50), (error: unknown) => {
      assert.ok(error instanceof DaemonError);
      assert.equal(error.code, 'UNREACHABLE');
      assert.match(error.message, /\/status has not answered for 0\.05 s: whatever listens there is stopped/);
      return true;
    });
    server.closeAllConnections();
  });

  test('an address that is no URL -> USAGE with one that is', async () => {
    for (const base of ['localhost:8001', '10.2.0.3:8001', 'http://', 'nonsense', '', 'http://10.2.0.3:8001?x=1']) {
      assert.throws(() => createStatusClient(base, {print: () => {}, isTerminal: false}), {
        code: 'USAGE',
        message: `cannot ask ${base || 'an empty address'}: it is no URL such as http://10.2.0.3:8001`,
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
      await assert.rejects(client.json<Status>('/status', 'problems'), (error: unknown) => {
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
    await assert.rejects(client.json<HistoryEntry>('/history/99', 'verdict'), {
      code: 'USAGE',
      message: `the daemon at ${base} says: there is no pass 99`,
    });
    await assert.rejects(client.json<Status>('/status', 'problems'), {
      code: 'USAGE',
      message: `cannot ask ${base}/status: the answer is 404 Not Found; is it the daemon's status port?`,
    });
    server.closeAllConnections();
  });

  const NOBODY = {print: () => {}, isTerminal: false};
  const listen = async (server: Server) => {
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  for (const [what, type, said] of [
    ['a page', 'text/html', '<!doctype html>'],
    ['another JSON', 'application/json', '{"status": "ok"}'],
    ['a list of its own where there is an object', 'application/json', '[]'],
    ['null', 'application/json', 'null'],
  ] as const) {
    test(`a server of somebody else that answers 200 with ${what} -> USAGE: it is not the status port`, async () => {
      await using server = createServer((_request, response) => response.setHeader('content-type', type).end(said));
      const base = await listen(server);
      const client = createStatusClient(base, NOBODY);
      const refused = (path: string) => ({
        code: 'USAGE',
        message: `cannot ask ${base}${path}: what answers there is not the daemon's status port; set --url, or KONTROL_STATUS_PORT`,
      });
      await assert.rejects(client.json<Status>('/status', 'problems'), refused('/status'));
      await assert.rejects(client.post<{works: boolean}>('/check', 'token', 'works'), refused('/check'));
      await assert.rejects(client.text('/config/diff?from=1'), refused('/config/diff?from=1'));
      if (said !== '[]') await assert.rejects(client.json<HistoryEntry[]>('/history', 'a list'), refused('/history'));
      server.closeAllConnections();
    });
  }

  test('an answer that is cut -> UNREACHABLE', async () => {
    await using server = createServer((_request, response) => {
      response.writeHead(200, {'content-length': 100}).write('{"problems"', () => response.destroy());
    });
    const client = createStatusClient(await listen(server), NOBODY);
    await assert.rejects(client.json<Status>('/status', 'problems'), {
      code: 'UNREACHABLE',
      message: /; is the daemon running there\?/,
    });
    server.closeAllConnections();
  });

  test('an address with blanks around it and a slash -> taken; https, a password -> what to do, the password not shown', async () => {
    await using server = createServer((_request, response) => response.end('{"problems": []}'));
    const base = await listen(server);
    const ask = async (address: string) => createStatusClient(address, NOBODY).json<Status>('/status', 'problems');
    assert.deepEqual(await ask(` ${base}/ `), {problems: []});
    await assert.rejects(ask(base.replace('http:', 'https:')), {
      code: 'UNREACHABLE',
      message: /: it speaks no TLS, as the status port itself does not: try http:\/\/; is/,
    });
    for (const who of ['admin:hunter2', 'admin', ':hunter2']) {
      await assert.rejects(ask(base.replace('http://', `http://${who}@`)), {
        code: 'USAGE',
        message: `cannot ask ${base.slice(7)}: its URL has a name or a password, which the status port does not take`,
      });
    }
    await assert.rejects(ask(`https://127.0.0.1:${await freePort()}`), {code: 'UNREACHABLE', message: /ECONNREFUSED/});
    server.closeAllConnections();
  });
});
