import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {startBackends} from '../support/backend.ts';
import {appliedHosts, startDaemon} from '../support/daemon.ts';
import {openFolder} from '../support/folder.ts';
import {freePort} from '../support/free-port.ts';
import {startLoad} from '../support/load.ts';
import {openNamespaces, podIps} from '../support/namespaces.ts';
import {missing} from '../support/parts.ts';
import type {Place} from '../support/place.ts';
import {POD_IP, startServed} from '../support/served.ts';
import {waitFor} from '../support/wait.ts';
import {fetchText, webTemplate, webTemplateAgain} from '../support/web.ts';

/** The filter table of one family at a place, as a list of rules. */
function rulesOf(place: Place, program: 'iptables' | 'ip6tables'): string {
  const [file = '', ...args] = place.exec([program, '-w', '-S']);
  return execFileSync(file, args, {encoding: 'utf8'});
}

describe('faults of the old stack, in namespaces', {
  skip: missing('root', 'haproxy', 'netns', 'iptables'),
  timeout: 180_000,
}, () => {
  test('old fault 2, five reloads under new connections -> none fails, few are delayed', async t => {
    const [RELOADS, PER_SECOND] = [5, 150];
    await using net = await openNamespaces();
    await using _pods = await startBackends([{name: 'pod', host: podIps[0], port: 80}], net.client);
    await using folder = await openFolder();
    const template = join(folder.path, 'proxy.j2');
    await writeFile(template, webTemplate('*:80', 80));
    await using daemon = await startDaemon({template, place: net.proxy, env: {KONTROL_DAMPER: '0'}});
    const slave = daemon.slave({ip: podIps[0], place: net.client});
    using _silence = {[Symbol.dispose]: slave.silence};
    slave.run(500);
    const target = {host: net.proxy.ip, port: 80};
    await daemon.waitFor(async () => (await fetchText({...target, place: net.client})) === 'pod', 'the pod served');
    await using load = await startLoad(
      {mode: 'connect', perSecond: PER_SECOND, durationMs: 100_000, ...target},
      net.client,
    );
    for (let n = 1; n <= RELOADS; n++) {
      await writeFile(template, webTemplateAgain(webTemplate('*:80', 80), n));
      const isServed = async () => ((await daemon.get('/config'))?.body ?? '').startsWith(`# reload ${n}\n`);
      await waitFor(isServed, `reload ${n}`);
    }
    const report = await load.stop();
    t.diagnostic(JSON.stringify(report));
    assert.deepEqual({failures: report.failures, ok: report.ok}, {failures: {}, ok: report.sent});
    // The old stack delayed all that came within a second and more, each time.
    assert.ok(report.delayed < RELOADS * PER_SECOND, `${report.delayed} delayed`);
  });

  test('old fault 3, IPv6 binds, ranges, lists and comments -> exactly the bound ports are gated', async () => {
    await using net = await openNamespaces();
    await using folder = await openFolder();
    const template = join(folder.path, 'proxy.j2');
    const text = `
frontend proxy # bind *:7777
  mode http
  timeout client 5s
  bind 0.0.0.0:443 name x
  bind :::8080 v6only
  bind [::]:8081
  bind 10.77.0.1:9000-9002,[fd77::1]:9010
  # bind :6666
  default_backend web
backend web
  mode http
  timeout connect 1s
  timeout server 5s
  server bindhost 10.77.1.11:80
`;
    await writeFile(template, text);
    await using daemon = await startDaemon({
      template,
      place: net.proxy,
      env: {KONTROL_SETTLE_MS: '1000', KONTROL_RELOAD: 'syn-drop'},
    });
    await daemon.waitFor(({inSync}) => inSync, 'the daemon in sync');
    await writeFile(template, text.replace('8081', '8090'));
    for (const program of ['iptables', 'ip6tables'] as const) {
      const rules = await waitFor(() => {
        const seen = rulesOf(net.proxy, program);
        return seen.includes('-j DROP') && seen;
      }, `the gate in ${program}`);
      const gated = [...rules.matchAll(/--dports (\S+)/g)].flatMap(([, ports]) => ports?.split(',') ?? []);
      // Both configurations' ports: the old one's 8081 and the new one's 8090.
      assert.deepEqual(gated, ['443', '8080:8081', '8090', '9000:9002', '9010']);
    }
    await daemon.waitFor(({reload, inSync}) => inSync && (reload.last?.pass ?? 0) > 1, 'the reload');
    await waitFor(() => !rulesOf(net.proxy, 'iptables').includes('KONTROL'), 'an open gate');
  });
});

describe('faults of the old stack, on loopback', {concurrency: 3, skip: missing('haproxy'), timeout: 180_000}, () => {
  test('old fault 5, a pod that comes back after its down, on the same IP -> served again', async () => {
    await using served = await startServed();
    const {daemon, pod} = served;
    await pod.down();
    await daemon.waitFor(async () => (await served.fetch()) === 'status 503', 'the pod gone');
    pod.run(500);
    await daemon.waitFor(async () => (await served.fetch()) === 'pod', 'the pod served again');
  });

  test('old fault 6, a change while a pass runs -> another pass brings it', async () => {
    await using served = await startServed({KONTROL_DAMPER: '0'});
    const {daemon} = served;
    const slaves = Array.from({length: 20}, (_, n) => daemon.slave({ip: `127.0.10.${n + 1}`}));
    using _silence = {
      [Symbol.dispose]() {
        for (const slave of slaves) slave.silence();
      },
    };
    for (const slave of slaves) slave.run(2000);
    await daemon.waitFor(async () => (await appliedHosts(daemon)).web?.length === 21, 'all 21 applied');
    assert.match(await served.committed(), /server web-21 /);
  });

  test('old fault 9, quotes, backslashes, tabs and runs of blanks in the annotation -> byte for byte in proxy.cfg', async () => {
    const port = await freePort();
    const text = `# "quoted"  \\"escaped\\" \\\\ \\t   blanks\tand a tab\n${webTemplate(`127.0.0.1:${port}`, 80)}`;
    await using data = await openFolder();
    await using daemon = await startDaemon({
      template: '',
      dataFolder: data.path,
      env: {KONTROL_ANNOTATIONS: JSON.stringify({'haproxy.unity3d.com/config': text})},
    });
    await daemon.waitFor(({inSync}) => inSync, 'the daemon in sync');
    const committed = await readFile(join(data.path, 'proxy.cfg'), 'utf8');
    assert.equal(committed.split('\n')[0], text.split('\n')[0]);
  });

  test('old fault 10, nbproc 2 -> one supervised process and a warning, or the refusal of a newer HAProxy', async () => {
    const port = await freePort();
    await using daemon = await startDaemon({
      template: `global\n  nbproc 2\n${webTemplate(`127.0.0.1:${port}`, 80)}`,
      env: {KONTROL_WARMUP: '0'},
    });
    const isIgnored = () =>
      daemon.logs.some(({reason}) => reason === 'nbproc 2 is ignored: one process is run and supervised');
    const isRefused = () => daemon.logs.some(({reason}) => /nbproc.*not supported/.test(String(reason)));
    await waitFor(() => isIgnored() || isRefused(), 'a word about nbproc');
    if (isRefused()) {
      const {ready, lastError} = await daemon.waitFor(seen => seen.lastError !== null && seen, 'the reason');
      assert.equal(ready, false);
      assert.match(lastError ?? '', /nbproc.*not supported/);
    } else {
      await daemon.waitFor(({ready}) => ready, 'the daemon ready');
      assert.equal(await fetchText({port}), 'status 503');
    }
  });

  test('old fault 11, restarted while its slaves are between two pings -> never an empty configuration', async () => {
    await using served = await startServed();
    served.pod.silence();
    served.daemon.signal('SIGKILL');
    await served.daemon.exited;
    await using next = await startDaemon(served.again);
    const seen = new Set<string>();
    await next.waitFor(async ({inSync}) => {
      seen.add(await served.fetch());
      return inSync;
    }, 'the next daemon in sync');
    assert.deepEqual([...seen], ['pod']);
    assert.deepEqual(await appliedHosts(next), {web: [POD_IP]});
  });
});
