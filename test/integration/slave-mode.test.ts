import assert from 'node:assert/strict';
import {rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {type Daemon, startDaemon} from '../support/daemon.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';
import {haproxiesOf} from '../support/processes.ts';
import type {MemberStatus} from '../support/status.ts';
import {waitFor} from '../support/wait.ts';
import {webTemplate} from '../support/web.ts';

/** A daemon in the slave role whose keepalives go to `masters`. */
const startSlave = (masters: readonly Daemon[], env: Readonly<Record<string, string>> = {}): Promise<Daemon> =>
  startDaemon({
    template: '',
    env: {
      KONTROL_MODE: 'slave',
      KONTROL_ID: 'web-0',
      KONTROL_IP: '127.0.9.9',
      KONTROL_LABELS: '{"app": "web", "role": "frontend"}',
      KONTROL_ANNOTATIONS: JSON.stringify({
        'kontrol.unity3d.com/master': masters.map(({port}) => `127.0.0.1:${port}`).join(','),
      }),
      ...env,
    },
  });

const startMaster = async (): Promise<Daemon> =>
  startDaemon({template: webTemplate(`127.0.0.1:${await freePort()}`, 80)});

const membersOf = async (daemon: Daemon): Promise<MemberStatus[]> =>
  JSON.parse((await daemon.get('/members'))?.body ?? '[]');

describe('KONTROL_MODE=slave', {concurrency: 2, skip: missing('haproxy'), timeout: 180_000}, () => {
  test('two masters -> a member of both; payload followed; leaves both on SIGTERM; no proxy of its own', async () => {
    await using first = await startMaster();
    await using second = await startMaster();
    await using slave = await startSlave([first, second]);
    const payloadFile = join(slave.dataFolder, 'state.json');
    for (const master of [first, second]) {
      await master.waitFor(async () => (await membersOf(master)).length === 1, 'the slave');
      const [member] = await membersOf(master);
      assert.deepEqual(
        {app: member?.app, id: member?.id, ip: member?.ip, role: member?.role, payload: member?.payload},
        {app: 'web', id: 'web-0', ip: '127.0.9.9', role: 'frontend', payload: ''},
      );
    }
    await writeFile(payloadFile, '{"weight": 7}');
    for (const master of [first, second]) {
      const seesPayload = async () => JSON.stringify((await membersOf(master))[0]?.payload) === '{"weight":7}';
      await waitFor(seesPayload, 'the payload');
    }
    assert.equal((await slave.get('/livez'))?.status, 200);
    assert.equal((await slave.get('/readyz'))?.status, 200);
    assert.equal(await slave.getMaster('/state'), undefined);
    assert.deepEqual(haproxiesOf(slave.dataFolder), []);

    slave.signal('SIGTERM');
    assert.deepEqual(await slave.exited, {code: 0, signal: null});
    for (const master of [first, second]) {
      await master.waitFor(({memberCount}) => memberCount === 0, 'the slave gone');
      assert.ok(master.logs.some(({msg, reason}) => msg === 'member left' && reason === 'down'));
    }
    await rm(payloadFile, {force: true});
  });

  test('KONTROL_IP missing -> exit 2 that says what it is for', async () => {
    await using master = await startMaster();
    await using slave = await startSlave([master], {KONTROL_IP: ''});
    const {code} = await slave.exited;
    assert.equal(code, 2);
    assert.match(JSON.stringify(slave.logs), /KONTROL_IP is not set: the slave role announces the pod's address/);
  });

  test('no masters named -> a warning, and it waits for its stop', async () => {
    await using slave = await startSlave([], {KONTROL_ANNOTATIONS: '{}'});
    await waitFor(() => slave.logs.some(({msg}) => msg === 'slave started'), 'the start');
    assert.ok(slave.logs.some(({reason}) => /no keepalives are sent/.test(String(reason))));
    slave.signal('SIGTERM');
    assert.deepEqual(await slave.exited, {code: 0, signal: null});
  });

  test('master,slave with itself as its master -> a member, but no host of its own', async () => {
    const port = await freePort();
    const annotations = {'kontrol.unity3d.com/master': `127.0.0.1:${port}`};
    await using daemon = await startDaemon({
      template: webTemplate(`127.0.0.1:${await freePort()}`, 80),
      port,
      env: {
        KONTROL_MODE: 'master,slave,debug,verbose',
        KONTROL_ID: 'haproxy-0',
        KONTROL_IP: '127.0.0.1',
        KONTROL_ANNOTATIONS: JSON.stringify(annotations),
      },
    });
    const status = await daemon.waitFor(seen => seen.memberCount === 1 && seen.inSync && seen, 'itself');
    assert.deepEqual(status.hosts, {});
    assert.deepEqual(status.mode, ['master', 'slave']);
    daemon.signal('SIGTERM');
    assert.deepEqual(await daemon.exited, {code: 0, signal: null});
  });
});
