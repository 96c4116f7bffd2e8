import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {createServer, type RequestListener} from 'node:http';
import type {AddressInfo} from 'node:net';
import {describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';

const program = fileURLToPath(new URL('../../docker/healthcheck.js', import.meta.url));

async function check(port: string): Promise<unknown> {
  const child = spawn(process.execPath, [program], {env: {KONTROL_STATUS_PORT: port}, stdio: 'ignore'});
  const [code] = await once(child, 'exit');
  return code;
}

/** What HEALTHCHECK sees of a daemon that answers like this, and what it was asked for. */
async function checkAgainst(listener: RequestListener) {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    listener(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const {port} = server.address() as AddressInfo;
  try {
    return {code: await check(String(port)), asked, port};
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('docker/healthcheck.js', () => {
  for (const [status, expected] of [
    [200, 0],
    [503, 1],
  ] as const) {
    test(`a daemon whose /readyz answers ${status} -> exit code ${expected}`, async () => {
      const {code, asked} = await checkAgainst((_, response) => response.writeHead(status).end());
      assert.deepEqual({code, asked}, {code: expected, asked: ['/readyz']});
    });
  }

  test('a daemon that hangs -> exit code 1, before the container engine loses its patience', async () => {
    assert.equal((await checkAgainst(() => {})).code, 1);
  });

  test('nobody at the port -> exit code 1', async () => {
    const {port} = await checkAgainst((_, response) => response.end());
    assert.equal(await check(String(port)), 1);
  });
});
