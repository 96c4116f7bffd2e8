import assert from 'node:assert/strict';
import {readdir, readFile} from 'node:fs/promises';
import {test} from 'node:test';
import {startReloading} from '../reload/reloading.ts';
import {startBackends} from '../support/backend.ts';
import {startLoad} from '../support/load.ts';
import {openNamespaces, podIps} from '../support/namespaces.ts';
import {missing} from '../support/parts.ts';
import {haproxiesOf} from '../support/processes.ts';
import {waitFor} from '../support/wait.ts';

/** Reloads in a row under load; more of them with `KONTROL_RELOADS=<count>`. */
const RELOADS = Number(process.env.KONTROL_RELOADS ?? 15);

/** The heap grows to its own taste first, within this. */
const NOISE_KIB = 60_000;
const HEAP_MIB = 64;
const NOISE_DESCRIPTORS = 8;

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
  server web-1 ${podIps[0]}:80
`;

async function usageOf(pid: number): Promise<{readonly kib: number; readonly descriptors: number}> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return {
    kib: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]),
    descriptors: (await readdir(`/proc/${pid}/fd`)).length,
  };
}

test('reload after reload under load, the way that is chosen -> no request fails, no process and no memory is left', {
  skip: missing('root', 'haproxy', 'netns'),
  timeout: 200_000 + 2000 * RELOADS,
}, async t => {
  await using net = await openNamespaces();
  await using _backends = await startBackends([{name: 'one', host: podIps[0], port: 80}], net.client);
  // V8 leaves garbage lying about as long as there is room: with little of it, memory that stays is memory that is held.
  const env = {NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}`};
  await using reloading = await startReloading(template(0), {place: net.proxy, env});
  const {daemon} = reloading;
  const target = {host: net.proxy.ip, port: 80, durationMs: 100_000 + 2000 * RELOADS};
  await using load = await startLoad({mode: 'connect', perSecond: 100, maxCount: 1_000_000, ...target}, net.client);
  for (let round = 1; round <= 5; round += 1) await reloading.change(template(round));
  const before = await usageOf(daemon.pid);
  const ways = new Set<string>();
  for (let round = 6; round <= 5 + RELOADS; round += 1) {
    const last = await reloading.change(template(round));
    assert.equal(last.verdict, 'ok', last.error ?? last.why);
    ways.add(last.way);
  }
  const report = await load.stop();
  assert.deepEqual({failures: report.failures, ok: report.ok}, {failures: {}, ok: report.sent});
  await waitFor(() => haproxiesOf(daemon.dataFolder).length === 1, 'the end of the old generations');
  const isCalm = async () => (await usageOf(daemon.pid)).descriptors <= before.descriptors + NOISE_DESCRIPTORS;
  await waitFor(isCalm, 'no growth of descriptors');
  const after = await usageOf(daemon.pid);
  t.diagnostic(`${RELOADS} reloads (${[...ways]}), ${report.sent} requests, RSS ${before.kib} -> ${after.kib} KiB`);
  assert.ok(after.kib <= before.kib + NOISE_KIB, `${before.kib} -> ${after.kib} KiB`);
});
