import assert from 'node:assert/strict';
import {existsSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {connect} from 'node:net';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {ask} from '../../src/proxy/runtime.ts';
import {startReloading} from '../reload/reloading.ts';
import type {Daemon} from '../support/daemon.ts';
import {openFolder} from '../support/folder.ts';
import {freePort} from '../support/free-port.ts';
import {haproxiesUnderTest} from '../support/haproxies.ts';
import {haproxyIsAtLeast} from '../support/haproxy-version.ts';
import {haproxiesOf} from '../support/processes.ts';
import {waitFor} from '../support/wait.ts';

/** Timeouts and the like, so that HAProxy has nothing else to warn of. */
const template = (port: number, {globals = '', defaults = '', more = ''} = {}) => `
global
  maxconn 100
  ${globals}
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
  ${defaults}
frontend web
  bind 127.0.0.1:${port}
  http-request deny
${more}
`;

const warningsIn = ({logs}: Daemon) =>
  logs.filter(line => line.msg === 'haproxy warns about the configuration').map(line => String(line.reason));

for (const {name, binary, skip} of haproxiesUnderTest()) {
  const isAtLeast = (major: number, minor: number) => skip === false && haproxyIsAtLeast(major, minor, binary);
  const env = {KONTROL_HAPROXY: binary};

  describe(`global keywords, ${name}`, {skip, timeout: 120_000}, () => {
    test('master-worker -> one process, started and reloaded as if it was not there, with a warning', {
      skip: !isAtLeast(1, 8) && '`master-worker` is of 1.8',
    }, async () => {
      const text = (maxconn: number) =>
        template(port, {globals: `master-worker no-exit-on-failure\n  maxconn ${maxconn}`});
      const port = await freePort();
      await using reloading = await startReloading(text(200), {env});
      const {daemon} = reloading;
      assert.match(warningsIn(daemon).join(), /master-worker in line 4 is ignored/);
      const last = await reloading.change(text(300));
      assert.deepEqual([last.verdict, last.error], ['ok', null]);
      await waitFor(() => haproxiesOf(daemon.dataFolder).length === 1, 'the end of the first process');
      assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 403);
      assert.equal(daemon.logs.filter(line => line.event === 'late').length, 0);
    });

    test('grace -> a generation that was told to finish listens no longer', async () => {
      const grace = isAtLeast(2, 4) ? {globals: 'grace 300s'} : {defaults: 'grace 300s'};
      const port = await freePort();
      await using reloading = await startReloading(template(port, grace), {env});
      const last = await reloading.change(template(port, {...grace, more: 'backend more\n'}));
      assert.equal(last.verdict, 'ok', last.error ?? '');
      await waitFor(() => haproxiesOf(reloading.daemon.dataFolder).length === 1, 'the end of the first process');
    });

    test('log global with option httplog -> nothing to warn of, as there is a target', async () => {
      const port = await freePort();
      const logging = {defaults: 'log global\n  option httplog'};
      await using reloading = await startReloading(template(port, logging), {env});
      await reloading.change(template(port, {...logging, more: 'backend more\n'}));
      assert.deepEqual(warningsIn(reloading.daemon), []);
    });

    test('daemon, pidfile, stats socket -> it stays in front, its PID is in proxy.pid alone; the user’s own socket answers', async () => {
      const port = await freePort();
      await using folder = await openFolder();
      const own = join(folder.path, 'own');
      const globals = `daemon\n  pidfile ${own}.pid\n  stats socket ${own}.sock`;
      await using reloading = await startReloading(template(port, {globals}), {env});
      const {daemon} = reloading;
      const {pid} = (await daemon.status())?.proxy ?? {};
      assert.deepEqual(haproxiesOf(daemon.dataFolder), [pid]);
      assert.equal(Number(await readFile(join(daemon.dataFolder, 'proxy.pid'), 'utf8')), pid);
      assert.deepEqual([existsSync(`${own}.pid`), existsSync(`${own}.sock`)], [false, true]);
      assert.match(await ask(`${own}.sock`, 'show info', {timeoutMs: 2000}), new RegExp(`^Pid: ${pid}$`, 'm'));
      assert.deepEqual(warningsIn(daemon), []);
    });

    test('stats timeout -> the user’s own holds on haproxy.sock', async () => {
      const port = await freePort();
      await using reloading = await startReloading(template(port, {globals: 'stats timeout 200ms'}), {env});
      const socket = connect(join(reloading.daemon.dataFolder, 'haproxy.sock'));
      socket.resume();
      // Ours would be 30 s.
      await waitFor(() => socket.destroyed, 'the end of an idle session', {timeoutMs: 15_000});
    });

    test('what a line is refused for stands in a warning -> lastError says it', {
      skip: !isAtLeast(2, 2) && '`zero-warning` is of 2.2',
    }, async () => {
      const port = await freePort();
      await using reloading = await startReloading(template(port), {env});
      const refusals = [
        {
          text: template(port, {globals: 'zero-warning', more: 'listen bare\n  bind 127.0.0.1:1\n  timeout client 0'}),
          reason: /bare/,
        },
        {text: template(port, {more: 'program p\n  command /bin/true'}), reason: /'program'/},
      ];
      for (const {text, reason} of refusals) {
        assert.equal((await reloading.change(text)).verdict, 'failed');
        assert.match((await reloading.daemon.status())?.lastError ?? '', reason);
      }
    });
  });
}
