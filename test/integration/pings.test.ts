import assert from 'node:assert/strict';
import {connect, type Socket} from 'node:net';
import {describe, test} from 'node:test';
import {appliedHosts, type Daemon, startDaemon} from '../support/daemon.ts';
import {exchange, type Outcome} from '../support/exchange.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';
import {pingSegments, type Slave} from '../support/slave.ts';
import {webTemplate} from '../support/web.ts';

async function start(env: Record<string, string> = {}): Promise<Daemon> {
  const daemon = await startDaemon({template: webTemplate(`127.0.0.1:${await freePort()}`, 80), env});
  await daemon.waitFor(({inSync}) => inSync, 'the daemon in sync');
  return daemon;
}

const silenced = (...slaves: Slave[]): Disposable => ({
  [Symbol.dispose]() {
    for (const slave of slaves) slave.silence();
  },
});

const statusOf = (outcome: Outcome): number | string =>
  outcome.is === 'answered' ? outcome.answer.status : outcome.kind;

/** PUT /ping with these bytes. */
function put(daemon: Daemon, body: string): Promise<Outcome> {
  const master = {host: '127.0.0.1', port: daemon.port};
  return exchange({...master, segments: pingSegments(body, master), timeoutMs: 30_000});
}

const applied = async (daemon: Daemon): Promise<readonly string[]> => (await appliedHosts(daemon)).web ?? [];

const IPS = (count: number): string[] => Array.from({length: count}, (_, n) => `10.8.${n >> 8}.${n & 255}`);

/** `KONTROL_MEMBERS=20000` fills the table to its default bound. */
const MEMBERS = Number(process.env.KONTROL_MEMBERS ?? 2);

const FIELDS = {app: 'web', id: 'web-1', ip: '10.8.0.1', key: 'aFw1', payload: '', role: 'frontend'};

describe('pings', {concurrency: 3, skip: missing('haproxy'), timeout: 180_000}, () => {
  test('old fault 5, every malformed one -> 400 that names the field; nothing changes, the next good one is in', async () => {
    await using daemon = await start();
    await put(daemon, JSON.stringify({...FIELDS, ip: '10.8.1.1'}));
    await daemon.waitFor(async () => (await applied(daemon)).length === 1, 'a good slave applied');
    const before = await daemon.status();
    const {key: _, ...keyless} = FIELDS;
    const {app: __, ...appless} = FIELDS;
    const malformed: [field: string, body: string][] = [
      ['key', JSON.stringify(keyless)],
      ['key', JSON.stringify({...FIELDS, key: ''})],
      ['key', JSON.stringify({...FIELDS, key: '../../x'})],
      ['app', JSON.stringify(appless)],
      ['app', JSON.stringify({...FIELDS, app: 'web\n  server evil 6.6.6.6'})],
      ['app', JSON.stringify({...FIELDS, app: {toString: 1}})],
      ['role', JSON.stringify({...FIELDS, role: '$(reboot)'})],
      ['ip', JSON.stringify({...FIELDS, ip: '10.0.0.300'})],
      ['ip', JSON.stringify({...FIELDS, ip: '0.0.0.0'})],
      ['ip', JSON.stringify({...FIELDS, ip: 'web.default.svc'})],
      ['id', JSON.stringify({...FIELDS, id: '../etc/passwd'})],
      ['nonce', JSON.stringify({...FIELDS, nonce: 'a b'})],
      ['down', JSON.stringify({...FIELDS, down: 'yes'})],
      ['body', ''],
      ['body', '{"app": "web", '],
      ['body', '[]'],
      ['body', 'null'],
      ['body', '\u0000\u0001'],
    ];
    for (const [field, body] of malformed) {
      const outcome = await put(daemon, body);
      assert.equal(statusOf(outcome), 400, `${field}: ${body}`);
      assert.ok(outcome.is === 'answered');
      const answer = JSON.parse(outcome.answer.body);
      assert.equal(answer.field, field, body);
      assert.ok(answer.reason.length > 0 && !answer.reason.includes('\n'));
    }
    assert.equal(statusOf(await put(daemon, JSON.stringify({...FIELDS, payload: 'x'.repeat(65_600)}))), 413);
    const after = await daemon.status();
    assert.equal(after?.digest, before?.digest);
    assert.equal(after?.memberCount, before?.memberCount);
    assert.equal(after?.reload.last?.pass, before?.reload.last?.pass);
    await put(daemon, JSON.stringify({...FIELDS, ip: '10.8.1.2'}));
    await daemon.waitFor(async () => (await applied(daemon)).length === 2, 'the next slave applied');
  });

  test('2,000 slaves in one burst -> all in the proxy', async () => {
    await using daemon = await start({KONTROL_TTL: '600'});
    // As a real one, each tries again; how often says more of the machine than of the daemon (see the bench).
    const join = async (body: string): Promise<number | string> => {
      let status: number | string = 'never tried';
      for (let tries = 0; status !== 200 && tries < 20; tries++) status = statusOf(await put(daemon, body));
      return status;
    };
    const bodies = IPS(2000).map((ip, n) => JSON.stringify({...FIELDS, id: `web-${n}`, ip}));
    const statuses = new Set(await Promise.all(bodies.map(join)));
    assert.deepEqual([...statuses], [200]);
    assert.equal((await daemon.status())?.memberCount, 2000);
    await daemon.waitFor(async ({inSync}) => inSync && (await applied(daemon)).length === 2000, 'all applied');
    assert.match((await daemon.get('/config'))?.body ?? '', /server web-2000 /);
  });

  test('old fault 6, a slave that flaps faster than the damper -> others are served within its maximum', async () => {
    await using daemon = await start({
      KONTROL_DAMPER: '1',
      KONTROL_DAMPER_MAX: '2',
      KONTROL_WARMUP: '0',
      KONTROL_TTL: '10',
    });
    const flapping = daemon.slave({ip: '10.8.2.1', app: 'flappy'});
    let on = true;
    let flaps = 0;
    let last: Promise<unknown> = Promise.resolve();
    const timer = setInterval(() => {
      on = !on;
      flaps += 1;
      last = on ? flapping.ping() : flapping.ping({down: true});
    }, 100);
    try {
      await daemon.waitFor(() => flaps > 5, 'some flaps');
      const other = daemon.slave({ip: '10.8.2.2'});
      using _silence = silenced(other);
      other.run(1000);
      await daemon.waitFor(
        async () => (await applied(daemon))[0] === '10.8.2.2',
        'the other slave applied while one flaps',
      );
    } finally {
      clearInterval(timer);
      await last;
    }
  });

  test('members over the cap -> 503 with the reason; those that are in stay in', async () => {
    await using daemon = await start({KONTROL_MAX_MEMBERS: String(MEMBERS), KONTROL_TTL: '300'});
    const take = (ip: string, more: object = {}) => put(daemon, JSON.stringify({...FIELDS, ip, ...more}));
    const ips = IPS(MEMBERS + 1);
    const [first = '', second = '', extra = ''] = [...ips.slice(0, 2), ...ips.slice(-1)];
    for (const ip of ips.slice(0, -1)) assert.equal(statusOf(await take(ip)), 200);
    const refused = await take(extra);
    assert.equal(statusOf(refused), 503);
    assert.match(
      refused.is === 'answered' ? refused.answer.body : '',
      new RegExp(`there are ${MEMBERS} members: raise KONTROL_MAX_MEMBERS`),
    );
    assert.equal(statusOf(await take(first)), 200);
    assert.equal((await daemon.status())?.memberCount, MEMBERS);
    assert.equal(statusOf(await take(second, {down: true})), 200);
    assert.equal(statusOf(await take(extra)), 200);
  });

  test('payloads over the cap in all -> 503 with the reason; smaller ones are taken', async () => {
    await using daemon = await start({KONTROL_MAX_PAYLOAD_BYTES: '100000'});
    const payload = 'x'.repeat(48_000);
    const take = (ip: string, sent: unknown) => put(daemon, JSON.stringify({...FIELDS, ip, payload: sent}));
    for (const ip of ['10.8.5.1', '10.8.5.2']) assert.equal(statusOf(await take(ip, payload)), 200);
    const refused = await take('10.8.5.3', payload);
    assert.equal(statusOf(refused), 503);
    const body = refused.is === 'answered' ? refused.answer.body : '';
    assert.match(body, /payloads would exceed 100000 bytes in all: .*KONTROL_MAX_PAYLOAD_BYTES/);
    assert.equal(statusOf(await take('10.8.5.3', {weight: 3})), 200);
    assert.equal((await daemon.status())?.memberCount, 3);
  });

  test('slow clients on 300 connections -> the good ones are in at once, the slow ones are cut', async () => {
    await using daemon = await start();
    const sockets: Socket[] = Array.from({length: 300}, () => connect({host: '127.0.0.1', port: daemon.port}));
    let sent = 0;
    for (const socket of sockets) socket.on('error', () => {});
    const trickle = setInterval(() => {
      for (const socket of sockets) if (socket.writable) socket.write(sent === 0 ? 'PUT /ping HTTP/1.1\r\nX: ' : 'x');
      sent += 1;
    }, 200);
    try {
      const slaves = Array.from({length: 200}, (_, n) => daemon.slave({ip: `10.8.4.${n}`}));
      using _silence = silenced(...slaves);
      for (const slave of slaves) slave.run(18_750);
      await daemon.waitFor(({memberCount}) => memberCount === 200, 'all good slaves in');
      await daemon.waitFor(() => sockets.every(socket => socket.closed), 'all slow clients cut', 40_000);
    } finally {
      clearInterval(trickle);
      for (const socket of sockets) socket.destroy();
    }
  });
});
