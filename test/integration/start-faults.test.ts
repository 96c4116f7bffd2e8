import assert from 'node:assert/strict';
import {once} from 'node:events';
import {mkdir, writeFile} from 'node:fs/promises';
import {createServer} from 'node:net';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {makePair} from '../kubernetes/pairs.ts';
import {startBackends} from '../support/backend.ts';
import {type Daemon, startDaemon} from '../support/daemon.ts';
import {openFolder} from '../support/folder.ts';
import {freePort} from '../support/free-port.ts';
import {haproxyLacksTls, missing} from '../support/parts.ts';
import {haproxiesOf} from '../support/processes.ts';
import {keepTemplate} from '../support/served.ts';
import {fetchText, webTemplate} from '../support/web.ts';

/** What the daemon says last, to a person: the one line of its output that is no log line. */
async function lastWord(daemon: Daemon): Promise<{code: number | null; says: string}> {
  const {code} = await daemon.exited;
  const words = daemon.logs.flatMap(({raw}) => (raw === undefined ? [] : [String(raw)]));
  assert.equal(words.length, 1, words.join('\n'));
  assert.deepEqual(haproxiesOf(daemon.dataFolder), []);
  return {code, says: words[0] ?? ''};
}

/** A port that somebody else listens on, without SO_REUSEPORT. */
async function occupyPort(): Promise<AsyncDisposable & {port: number}> {
  const port = await freePort();
  const server = createServer().listen(port, '0.0.0.0');
  await once(server, 'listening');
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

const BROKEN = '{% for key in hosts %}\n  server {{ key.missing.deeper }}\n';

describe('a daemon that cannot start (old fault 10, it exited 0) -> one line that says what to do', {
  concurrency: 3,
  skip: missing('haproxy'),
  timeout: 180_000,
}, () => {
  test('port of the first configuration in use -> exit 9 with its alert', async () => {
    await using taken = await occupyPort();
    await using daemon = await startDaemon({template: webTemplate(`127.0.0.1:${taken.port}`, 80)});
    const {code, says} = await lastWord(daemon);
    assert.equal(code, 9);
    assert.match(says, /cannot start HAProxy: exit code 1: .*cannot bind socket.*; free what it needs or mend/);
  });

  test("the daemon's own port in use -> exit 5 that names it", async () => {
    await using taken = await occupyPort();
    await using daemon = await startDaemon({template: webTemplate('127.0.0.1:18080', 80), port: taken.port});
    const {code, says} = await lastWord(daemon);
    assert.equal(code, 5);
    assert.match(says, new RegExp(`cannot listen on port ${taken.port} \\(master endpoint\\): address already in use`));
  });

  test('HAProxy binary missing -> exit 4 that names the setting', async () => {
    const env = {KONTROL_HAPROXY: '/nowhere/haproxy'};
    await using daemon = await startDaemon({template: webTemplate('127.0.0.1:18080', 80), env});
    const {code, says} = await lastWord(daemon);
    assert.equal(code, 4);
    assert.match(
      says,
      /cannot run \/nowhere\/haproxy: there is no such program; install HAProxy or set KONTROL_HAPROXY/,
    );
  });

  test('settings with five faults -> exit 2, all in one message', async () => {
    const env = {
      KONTROL_TTL: 'soon',
      KONTROL_PORT: '99999',
      KONTROL_LABELS: '{"app": "haproxy"}',
      KONTROL_MODE: 'master,server',
      KONTROL_IP: '10.0.0.300',
    };
    await using daemon = await startDaemon({template: webTemplate('127.0.0.1:18080', 80), env});
    const {code, says} = await lastWord(daemon);
    assert.equal(code, 2);
    for (const fault of [
      'KONTROL_TTL "soon"',
      'KONTROL_PORT "99999"',
      'no label "role"',
      'server is none of',
      '10.0.0.300',
    ]) {
      assert.ok(says.includes(fault), `${fault} in ${says}`);
    }
  });

  test('lifecycle manifest that is wrong -> exit 6 with file, line and key', async () => {
    await using folder = await openFolder();
    const path = join(folder.path, 'lifecycle.yml');
    await writeFile(path, 'initial: setup\nterminal: stop\nstates:\n  - tag: setup\n    run: [rendr]\n  - tag: stop\n');
    const env = {KONTROL_LIFECYCLE: path};
    await using daemon = await startDaemon({template: webTemplate('127.0.0.1:18080', 80), env});
    const {code, says} = await lastWord(daemon);
    assert.equal(code, 6);
    assert.ok(says.includes(`cannot read ${path}: line 5: run: "rendr" is none of`), says);
  });

  test('second daemon on one data folder -> refused with exit 3, the first goes on', async () => {
    const port = await freePort();
    const template = webTemplate(`127.0.0.1:${port}`, 80);
    await using first = await startDaemon({template});
    await first.waitFor(({proxy}) => proxy.state === 'RUNNING', 'the first daemon serving');
    await using second = await startDaemon({template, dataFolder: first.dataFolder});
    const {code} = await second.exited;
    assert.equal(code, 3);
    assert.match(JSON.stringify(second.logs), /another daemon runs on it; stop it or set another folder/);
    assert.equal(await fetchText({port}), 'status 503');
    assert.equal((await first.status())?.inSync, true);
  });
});

describe('a start without anything to serve -> waits, not ready, and serves as soon as the template is mended', {
  concurrency: 3,
  skip: missing('haproxy'),
  timeout: 180_000,
}, () => {
  for (const [situation, text, reason] of [
    ['first template fails to render', BROKEN, /^cannot render the template: /],
    ['template file missing', undefined, /^cannot read the template .*\(KONTROL_TEMPLATE\): there is no such file/],
    [
      'first configuration refused by HAProxy',
      'frontend web\n  bind 127.0.0.1:18080\n  bogus word\n',
      /^cannot validate .*: .*unknown keyword 'bogus'/,
    ],
  ] as const) {
    test(situation, async () => {
      await using folder = await openFolder();
      const path = join(folder.path, 'proxy.j2');
      if (text !== undefined) await writeFile(path, text);
      await using daemon = await startDaemon({template: path, env: {KONTROL_WARMUP: '0'}});
      const status = await daemon.waitFor(seen => seen.lastError !== null && seen, 'the reason');
      assert.match(status.lastError ?? '', reason);
      assert.deepEqual([status.ready, status.inSync, haproxiesOf(daemon.dataFolder)], [false, false, []]);
      const said = await daemon.waitFor(
        () => daemon.logs.find(({msg}) => String(msg).startsWith('nothing to serve')),
        'the line that says what to do',
      );
      assert.match(String(said.reason), /mend the template \(KONTROL_TEMPLATE\)|mend the template \(.*proxy.j2\)/);

      const port = await freePort();
      await writeFile(path, webTemplate(`127.0.0.1:${port}`, 80));
      await daemon.waitFor(({ready, inSync}) => ready && inSync, 'the mended template served');
      assert.equal(await fetchText({port}), 'status 503');
    });
  }

  test('a folder of certificates that is not there, then half a certificate -> what to do; served once it is whole', {
    skip: haproxyLacksTls() || missing('openssl'),
  }, async () => {
    const port = await freePort();
    await using folder = await openFolder();
    const certs = join(folder.path, 'certs');
    const bind = `bind 127.0.0.1:${port}`;
    const template = webTemplate(`127.0.0.1:${port}`, 80).replace(bind, `${bind} ssl crt {{ certs['secret-a'] }}`);
    const annotations = JSON.stringify({'haproxy.unity3d.com/tls': 'secret-a'});
    const env = {KONTROL_WARMUP: '0', KONTROL_CERTS: certs, KONTROL_ANNOTATIONS: annotations};
    await using daemon = await startDaemon({template, env});
    const {ready, problems} = await daemon.waitFor(seen => seen.lastError !== null && seen, 'the reason');
    assert.equal(ready, false);
    const missed = problems.find(({kind, subject}) => kind === 'certificate' && subject === 'secret-a');
    assert.match(missed?.why ?? '', /it is not mounted, and the API is not used/);
    const unmounted = problems.find(({subject}) => subject === certs);
    assert.match(`${unmounted?.why}: ${unmounted?.todo}`, /^there is no folder .*: mount the TLS Secrets there/);

    const {chain, key} = await makePair('one.test');
    await mkdir(join(certs, 'secret-a'), {recursive: true});
    await writeFile(join(certs, 'secret-a/tls.crt'), chain);
    const half = await daemon.waitFor(
      seen => seen.problems.some(({why}) => why === 'there is no private key in it') && seen,
      'the half one',
    );
    assert.deepEqual([half.kubernetes?.mounted, half.ready], [{path: certs, problem: null}, false]);
    await writeFile(join(certs, 'secret-a/tls.key'), key);
    const {problems: left} = await daemon.waitFor(seen => seen.ready && seen.inSync && seen, 'the certificate served');
    assert.deepEqual(
      left.filter(({kind, severity}) => kind === 'certificate' && severity === 'bad'),
      [],
    );
  });

  test('a template that is refused without pods -> the first ping makes it work', async () => {
    const [port, podPort] = [await freePort(), await freePort()];
    const template =
      webTemplate(`127.0.0.1:${port}`, podPort).replace('backend web', '{% for app in hosts %}backend {{ app }}') +
      '{% endfor %}';
    await using _pods = await startBackends([{name: 'pod', host: '127.0.9.1', port: podPort}]);
    await using kept = await keepTemplate('file', template);
    await using daemon = await startDaemon({...kept.options, env: {KONTROL_WARMUP: '0'}});
    const status = await daemon.waitFor(seen => seen.lastError !== null && seen, 'the reason');
    assert.match(status.lastError ?? '', /^cannot validate /);
    const slave = daemon.slave({ip: '127.0.9.1'});
    using _silence = {[Symbol.dispose]: slave.silence};
    slave.run(500);
    await daemon.waitFor(async ({ready}) => ready && (await fetchText({port})) === 'pod', 'the pod served');
  });
});

describe('a start that something is wrong with', {concurrency: 3, skip: missing('haproxy'), timeout: 180_000}, () => {
  test('first template fails to render, proxy.cfg on disk -> the last good serves; in sync once it is mended', async () => {
    const port = await freePort();
    await using folder = await openFolder();
    const path = join(folder.path, 'proxy.j2');
    await writeFile(path, BROKEN);
    const lastGood = `# last good\n${webTemplate(`127.0.0.1:${port}`, 80).replaceAll(/\{%.*%\}|.*\{\{.*\n/g, '')}`;
    await using data = await openFolder();
    await writeFile(join(data.path, 'proxy.cfg'), lastGood);
    await using daemon = await startDaemon({template: path, dataFolder: data.path, env: {KONTROL_WARMUP: '0'}});
    const status = await daemon.waitFor(seen => seen.ready && seen, 'the last good proxy');
    assert.equal(status.inSync, false);
    assert.match(status.lastError ?? '', /^cannot render the template: /);
    assert.equal(await fetchText({port}), 'status 503');
    assert.match((await daemon.get('/config'))?.body ?? '', /^# last good/);
    assert.deepEqual(JSON.parse((await daemon.getMaster('/state'))?.body ?? ''), {md5: null, hosts: {}});

    await writeFile(path, webTemplate(`127.0.0.1:${port}`, 80));
    await daemon.waitFor(({inSync, lastError}) => inSync && lastError === null, 'the mended template in sync');
  });

  test('KONTROL_PORT=tcp://... of Kubernetes -> ignored with a warning', async () => {
    const template = webTemplate(`127.0.0.1:${await freePort()}`, 80);
    // Read as unset, so the port is the usual one, which may be taken here: what is said before counts.
    await using daemon = await startDaemon({template, env: {KONTROL_PORT: 'tcp://10.0.0.1:8000'}});
    await daemon.waitFor(() => true, 'the status port').catch(() => undefined);
    const warning = daemon.logs.find(({msg}) => msg === 'configuration warning');
    assert.match(String(warning?.reason), /KONTROL_PORT=tcp:\/\/10.0.0.1:8000 is Kubernetes' own service variable/);
  });
});
