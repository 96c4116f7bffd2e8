import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {connect, type Socket} from 'node:net';
import {describe, test} from 'node:test';
import {type Daemon, startDaemon} from '../support/daemon.ts';
import {exchange} from '../support/exchange.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';
import {keyOf, pingSegments} from '../support/slave.ts';
import {waitFor} from '../support/wait.ts';
import {webTemplate} from '../support/web.ts';

/** `KONTROL_READERS=500` is the whole measurement. */
const READERS = Number(process.env.KONTROL_READERS ?? 100);
const MEMBERS = 700;
const PAYLOAD = 'x'.repeat(20_000);

const MAX_GROWTH_MIB = 100;

const rssMib = ({pid}: Daemon): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

async function fill(daemon: Daemon): Promise<void> {
  const master = {host: '127.0.0.1', port: daemon.port};
  for (let number = 0; number < MEMBERS; number += 1) {
    const ip = `10.8.${number >> 8}.${number & 255}`;
    const body = {app: 'web', id: `web-${number}`, ip, key: keyOf(ip), payload: PAYLOAD, role: 'frontend'};
    const segments = pingSegments(JSON.stringify(body), master);
    const outcome = await exchange({...master, segments, timeoutMs: 30_000});
    assert.equal(outcome.is === 'answered' && outcome.answer.status, 200);
  }
}

describe('clients that read nothing', {skip: missing('haproxy'), timeout: 240_000}, () => {
  test('of any large answer -> the daemon grows by less than 100 MiB, and probes are answered', async () => {
    await using daemon = await startDaemon({
      template: webTemplate(`127.0.0.1:${await freePort()}`, 80),
      env: {KONTROL_TTL: '600', KONTROL_WARMUP: '0'},
    });
    await daemon.waitFor(({ready}) => ready, 'the daemon ready');
    await fill(daemon);
    await daemon.waitFor(({inSync, memberCount}) => inSync && memberCount === MEMBERS, 'all members');
    await waitFor(async () => (await daemon.get('/config'))?.body.includes(` web-${MEMBERS} `), 'all served');
    const sockets: Socket[] = [];
    const before = rssMib(daemon);
    try {
      for (const path of ['/members', '/config', '/history', '/logs?limit=1000', '/metrics', '/events', '/state']) {
        for (let number = 0; number < READERS; number += 1) {
          const port = path === '/state' ? daemon.port : daemon.statusPort;
          const socket = connect(port, '127.0.0.1').on('error', () => {});
          sockets.push(socket.pause());
          socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
        }
        await waitFor(async () => (await daemon.get('/livez'))?.status === 200, `/livez beside ${path}`);
        assert.ok(rssMib(daemon) - before < MAX_GROWTH_MIB, `${path}: ${before} -> ${rssMib(daemon)} MiB`);
      }
      await waitFor(async () => (await daemon.get('/readyz'))?.status === 200, '/readyz');
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });
});
