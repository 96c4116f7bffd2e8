import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {describe, test} from 'node:test';
import {startReloading} from '../reload/reloading.ts';
import {startBackends} from '../support/backend.ts';
import {startLoad} from '../support/load.ts';
import {allowMigration, openNamespaces, podIps} from '../support/namespaces.ts';
import {haproxyBinary, missing} from '../support/parts.ts';
import {haproxiesOf} from '../support/processes.ts';
import {waitFor} from '../support/wait.ts';

const RELOADS = 3;

/** A number that no running HAProxy can be told, so that each round is a reload. */
const template = (round: number, binds = 'bind *:80', globals = '') => `
global
  maxconn ${5000 + round}
${globals}
frontend proxy
  mode http
  ${binds}
  timeout client 15s
  default_backend web
backend web
  mode http
  timeout connect 2s
  timeout server 15s
  server web-1 ${podIps[0]}:80
`;

const isOld = !missing('haproxy') && /version 1\.7/.test(execFileSync(haproxyBinary, ['-v'], {encoding: 'utf8'}));

interface Way {
  readonly way: string;
  readonly setting?: string;
  readonly binds?: string;
  readonly globals?: string;
  readonly listeners?: readonly string[];
  /** Connections may be lost by nature. */
  readonly loses?: true;
  readonly migrates?: true;
}

const WAYS: readonly Way[] = [
  {way: isOld ? 'inherit' : 'transfer', setting: 'auto'},
  {way: 'migrate', migrates: true, setting: isOld ? 'auto' : 'migrate'},
  {way: 'inherit'},
  {way: 'inherit', globals: '  noreuseport'},
  {
    way: 'inherit',
    binds: 'bind *:80,127.0.0.1:8080-8083\n  bind [::]:80 v6only',
    listeners: ['inherit', 'inherit', 'inherit'],
  },
  {way: 'syn-drop'},
  {
    way: 'syn-drop',
    setting: 'inherit',
    binds: 'bind *:80\n  bind *:81 interface lo',
    listeners: ['inherit', 'syn-drop'],
  },
  {way: 'classic'},
  {way: 'classic', setting: 'syn-drop', globals: '  noreuseport'},
  {way: 'plain', loses: true},
];

describe('reloads under load', {skip: missing('root', 'haproxy', 'netns', 'iptables'), timeout: 600_000}, () => {
  for (const {way, setting = way, binds, globals, listeners = [way], loses, migrates} of WAYS) {
    const what = [setting, globals?.trim(), binds?.replace(/\s+/g, ' ')].filter(Boolean).join(', ');
    test(`${what} -> ${listeners.join(' and ')}, nothing lost`, async () => {
      await using net = await openNamespaces();
      await using _backends = await startBackends([{name: 'one', host: podIps[0], port: 80}], net.client);
      if (migrates) allowMigration(net.proxy);
      await using reloading = await startReloading(template(0, binds, globals), {
        place: net.proxy,
        env: {KONTROL_RELOAD: setting},
      });
      const target = {host: net.proxy.ip, port: 80, durationMs: 60_000};
      await using load = await startLoad({mode: 'connect', perSecond: 200, ...target}, net.client);
      await using downloads = await startLoad({mode: 'slow', clients: 2, ...target}, net.client);
      for (let round = 1; round <= RELOADS; round += 1) {
        const {ok} = await load.report();
        await waitFor(async () => (await load.report()).ok > ok + 20, 'answers');
        const last = await reloading.change(template(round, binds, globals));
        assert.deepEqual([last.verdict, last.way], ['ok', way], last.why);
      }
      const status = await reloading.daemon.status();
      assert.deepEqual(
        status?.reload.listeners.map(one => one.way),
        listeners,
      );
      const [report, slow] = [await load.stop(), await downloads.stop()];
      assert.deepEqual(slow.failures, {});
      if (!loses) assert.deepEqual({failures: report.failures, ok: report.ok}, {failures: {}, ok: report.sent});
      await waitFor(() => haproxiesOf(reloading.daemon.dataFolder).length === 1, 'the end of the old generations');
      reloading.daemon.signal('SIGTERM');
      assert.deepEqual(await reloading.daemon.exited, {code: 0, signal: null});
      assert.deepEqual(haproxiesOf(reloading.daemon.dataFolder), []);
    });
  }
});
