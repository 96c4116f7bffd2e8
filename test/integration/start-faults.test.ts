import assert from 'node:assert/strict';
import {once} from 'node:events';
import {writeFile} from 'node:fs/promises';
import {createServer} from 'node:net';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {type Daemon, startDaemon} from '../support/daemon.ts';
import {openFolder} from '../support/folder.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';
import {haproxiesOf} from '../support/processes.ts';
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
  test('first template fails to render -> exit 7', async () => {
    await using daemon = await startDaemon({template: BROKEN});
    const {code, says} = await lastWord(daemon);
    assert.equal(code, 7);
    assert.match(says, /^haproxy-kontrol: cannot render the template: .*; mend the template \(KONTROL_TEMPLATE\)/);
  });

  test('template file missing -> exit 7 that names it', async () => {
    await using daemon = await startDaemon({template: '/nowhere/proxy.j2'});
    const {code, says} = await lastWord(daemon);
    assert.equal(code, 7);
    assert.match(says, /cannot read the template \/nowhere\/proxy.j2 \(KONTROL_TEMPLATE\): there is no such file/);
  });

  test('first configuration refused by HAProxy -> exit 8 with its alert', async () => {
    await using daemon = await startDaemon({template: 'frontend web\n  bind 127.0.0.1:18080\n  bogus word\n'});
    const {code, says} = await lastWord(daemon);
    assert.equal(code, 8);
    assert.match(says, /cannot validate .*: .*unknown keyword 'bogus'.*; mend the template/);
  });

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
