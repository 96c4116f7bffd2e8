import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {readFile} from 'node:fs/promises';
import {describe, test} from 'node:test';
import {startReloading} from '../reload/reloading.ts';
import {startBackends} from '../support/backend.ts';
import {getSegments} from '../support/exchange.ts';
import {startLoad} from '../support/load.ts';
import {openNamespaces, podIps} from '../support/namespaces.ts';
import type {LogLine} from '../support/output.ts';
import {missing} from '../support/parts.ts';
import type {Place} from '../support/place.ts';
import {haproxiesOf} from '../support/processes.ts';
import {waitFor} from '../support/wait.ts';

const template = (round: number) => `
global
  maxconn ${5000 + round}
defaults
  mode http
  timeout connect 2s
  timeout client 15s
  timeout server 15s
listen web
  bind *:80
  bind *:81
  server web-1 ${podIps[0]}:80
`;

const rulesOf = (place: Place): string => {
  const [file = '', ...args] = place.exec(['iptables', '-w', '-S']);
  return execFileSync(file, args, {encoding: 'utf8'});
};

type Moment = (line: LogLine) => boolean;
const job =
  (to: string, generation: number): Moment =>
  line =>
    line.to === to && line.generation === generation;

/** Moments of the reload from generation 1 to 2, by what the daemon logs then. */
const MOMENTS: Readonly<Record<string, Moment>> = {
  'as the candidate is started': job('STARTING', 2),
  'as the candidate is ready': job('RUNNING', 2),
  'as the old one is told to go': job('STOPPING', 1),
  'as the pass ends': line => line.msg === 'pass ended' && line.pass === 2,
};

describe('daemon killed -9', {skip: missing('root', 'haproxy', 'netns', 'iptables'), timeout: 900_000}, () => {
  for (const setting of ['auto', 'syn-drop']) {
    for (const [moment, isReached] of Object.entries(MOMENTS)) {
      test(`${moment} of a reload, ${setting} -> still served; the next daemon takes over, sweeps and reloads`, async () => {
        await using net = await openNamespaces();
        await using _backends = await startBackends([{name: 'one', host: podIps[0], port: 80}], net.client);
        const env = {KONTROL_RELOAD: setting};
        await using reloading = await startReloading(template(0), {place: net.proxy, env});
        const {daemon} = reloading;
        const ended = reloading.change(template(1)).catch(() => undefined);
        await waitFor(() => daemon.logs.some(isReached), `the moment ${moment}`, {timeoutMs: 30_000});
        daemon.signal('SIGKILL');
        await Promise.all([daemon.exited, ended]);
        const isServed = async () => {
          const outcome = await net.client.exchange({
            host: net.proxy.ip,
            port: 80,
            segments: getSegments('/', 'x'),
            timeoutMs: 4000,
          });
          return outcome.is === 'answered' && outcome.answer.status === 200;
        };
        // Rules that its death left in expire by themselves.
        await waitFor(isServed, 'an answer with no daemon', {timeoutMs: 30_000});
        const committed = await readFile(`${daemon.dataFolder}/proxy.cfg`, 'utf8');
        assert.ok([5000, 5001].some(maxconn => committed.includes(`maxconn ${maxconn}`)));

        const next = await reloading.again();
        await next.waitFor(status => status.inSync && status.reload.last?.verdict === 'ok', 'a take-over', 30_000);
        assert.ok(await isServed());
        assert.match(await readFile(`${daemon.dataFolder}/proxy.cfg`, 'utf8'), /maxconn 5001/);
        assert.doesNotMatch(rulesOf(net.proxy), /KONTROL/);
        await waitFor(() => haproxiesOf(daemon.dataFolder).length === 1, 'one HAProxy');
        next.signal('SIGTERM');
        assert.deepEqual(await next.exited, {code: 0, signal: null});
      });
    }
  }

  for (const setting of ['auto', 'inherit']) {
    test(`between reloads, ${setting} -> the next daemon takes over under load, nothing is lost`, async () => {
      await using net = await openNamespaces();
      await using _backends = await startBackends([{name: 'one', host: podIps[0], port: 80}], net.client);
      const env = {KONTROL_RELOAD: setting};
      await using reloading = await startReloading(template(0), {place: net.proxy, env});
      const target = {host: net.proxy.ip, port: 80, durationMs: 60_000};
      await using load = await startLoad({mode: 'connect', perSecond: 200, ...target}, net.client);
      await reloading.change(template(1));
      reloading.daemon.signal('SIGKILL');
      await reloading.daemon.exited;
      const next = await reloading.again();
      const last = await next.waitFor(({inSync, reload}) => inSync && reload.last, 'a take-over', 30_000);
      assert.match(last.why, /an earlier daemon started what serves/);
      const {ok} = await load.report();
      await waitFor(async () => (await load.report()).ok > ok + 50, 'answers');
      const report = await load.stop();
      assert.deepEqual({failures: report.failures, ok: report.ok}, {failures: {}, ok: report.sent});
      await waitFor(() => haproxiesOf(next.dataFolder).length === 1, 'one HAProxy');
    });
  }
});
