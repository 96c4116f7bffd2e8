import assert from 'node:assert/strict';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {testCertificates} from '../kubernetes/certificate-cases.ts';
import {openVolume, podinfoOf} from '../kubernetes/downward.ts';
import {downwardSource, environmentOf} from '../kubernetes/downward-world.ts';
import {testPod} from '../kubernetes/pod-cases.ts';
import {CONFIG, LABELS, MASTER, PATIENCE_MS, seeServed, templateOf} from '../kubernetes/served.ts';
import {startDaemon} from '../support/daemon.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';
import {waitFor} from '../support/wait.ts';

describe('a pod without the API', {
  skip: missing('haproxy', 'openssl', 'faketime'),
  timeout: 900_000,
  concurrency: 3,
}, () => {
  testPod(downwardSource);
  testCertificates(downwardSource);

  test('a shared token -> slaves that have it are taken, others refused and counted; a rotation loses nobody', async () => {
    const port = await freePort();
    await using tokens = await openVolume({token: 'the-first-shared-token\n'});
    const token = {KONTROL_PING_TOKEN_FILE: join(tokens.path, 'token')};
    await using master = await startDaemon({template: templateOf(port, 'one'), env: token});
    await using volume = await openVolume(podinfoOf({app: 'web', role: 'x'}, {[MASTER]: `127.0.0.1:${master.port}`}));
    await using slave = await startDaemon({
      template: '',
      env: {...environmentOf(volume.path), ...token, KONTROL_MODE: 'slave', KONTROL_IP: '10.9.1.7', KONTROL_TTL: '2'},
    });
    await master.waitFor(status => status.memberCount === 1, 'a member', PATIENCE_MS);
    const refused = await master.ping({ip: '10.9.1.8'});
    assert.ok(refused.is === 'answered' && refused.answer.status === 403);
    assert.match(refused.answer.body, /it carries no token/);
    assert.match(
      (await master.get('/metrics'))?.body ?? '',
      /kontrol_pings_total\{result="forbidden-token",protocol="http"\} 1/,
    );

    const refreshes = async () =>
      Number(/result="refreshed",protocol="http"\} (\d+)/.exec((await master.get('/metrics'))?.body ?? '')?.[1] ?? 0);
    const [first, second] = ['the-first-shared-token', 'the-second-shared-token'];
    // Accepted everywhere before it is sent, sent everywhere before the old one goes.
    for (const token of [`${first}\n${second}\n`, `${second}\n${first}\n`, `${second}\n`]) {
      await tokens.write({token});
      const before = await refreshes();
      await waitFor(async () => (await refreshes()) > before + 3, 'keepalives', {timeoutMs: PATIENCE_MS});
    }
    assert.match((await master.get('/metrics'))?.body ?? '', /result="forbidden-token",protocol="http"\} 1\n/);
    assert.ok(!slave.logs.some(({msg}) => /refused|failed/.test(String(msg))));
  });

  test('KONTROL_VERIFY=source -> a ping must come from the address it reports', async () => {
    const port = await freePort();
    await using daemon = await startDaemon({template: templateOf(port, 'one'), env: {KONTROL_VERIFY: 'source'}});
    await seeServed(port, 'one', daemon);
    const statusOf = async (localAddress: string) => {
      const outcome = await daemon.ping({ip: '127.0.0.9', localAddress});
      return outcome.is === 'answered' && outcome.answer.status;
    };
    assert.equal(await statusOf('127.0.0.9'), 200);
    assert.equal(await statusOf('127.0.0.8'), 403);
    assert.match(
      (await daemon.get('/metrics'))?.body ?? '',
      /kontrol_pings_total\{result="forbidden-source",protocol="http"\} 1/,
    );
  });

  test('nothing says what is needed, or a volume that is none -> one line that names all of it', async () => {
    await using daemon = await startDaemon({template: '', env: environmentOf('/nonexistent')});
    assert.equal((await daemon.exited).code, 2);
    const said = JSON.stringify(daemon.logs);
    assert.match(said, /KONTROL_DOWNWARD \/nonexistent has neither/);
    assert.match(said, /no label \\*"app\\*"/);
    assert.match(said, /there is no template/);
  });

  test('KONTROL_VERIFY=pods -> refused at the start, with what to do', async () => {
    await using volume = await openVolume(podinfoOf(LABELS, {[CONFIG]: templateOf(1, 'one')}));
    const env = {...environmentOf(volume.path), KONTROL_VERIFY: 'pods'};
    await using daemon = await startDaemon({template: '', env});
    assert.equal((await daemon.exited).code, 2);
    assert.match(
      JSON.stringify(daemon.logs),
      /KONTROL_VERIFY=pods needs the Kubernetes API: mount the ServiceAccount's token/,
    );
  });
});
