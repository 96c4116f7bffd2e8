import assert from 'node:assert/strict';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {setTimeout as delay} from 'node:timers/promises';
import {startBackends} from '../support/backend.ts';
import {startDaemon} from '../support/daemon.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';
import {type Served, startServed} from '../support/served.ts';
import type {MemberStatus} from '../support/status.ts';
import {waitFor} from '../support/wait.ts';
import {fetchText, webTemplate} from '../support/web.ts';
import {running, weighed} from '../support/weighed.ts';

const OTHER_IP = '127.0.9.2';
const THIRD_IP = '127.0.9.3';
const WARM = {KONTROL_WARMUP: '0', KONTROL_DAMPER: '0'};

const answers = async ({port}: Served): Promise<string> => {
  const all = await Promise.all(Array.from({length: 9}, () => fetchText({port})));
  return [...new Set(all)].sort().join();
};

const memberAt = async (served: Served, ip: string): Promise<MemberStatus | undefined> => {
  const members = JSON.parse((await served.daemon.get('/members'))?.body ?? '[]') as MemberStatus[];
  return members.find(member => member.ip === ip);
};

describe('a pod that breaks the configuration', {skip: missing('haproxy'), timeout: 180_000}, () => {
  test('it came so -> left out; it changed so -> as before; others come and go; mended, it is served', async () => {
    await using served = await startServed(WARM);
    const {daemon, podPort} = served;
    await using _pods = await startBackends([
      {name: 'other', host: OTHER_IP, port: podPort},
      {name: 'third', host: THIRD_IP, port: podPort},
    ]);
    await served.rewrite(weighed(served.template, podPort));
    await daemon.waitFor(async ({inSync}) => inSync && (await served.committed()).includes('weight 1'), 'weights');

    const bad = daemon.slave({ip: OTHER_IP, payload: {weight: 999}});
    using _bad = running(bad);
    const shown = await daemon.waitFor(({quarantined: [first]}) => first, 'the quarantine');
    assert.deepEqual([shown.ip, shown.app, shown.served], [OTHER_IP, 'web', 'not at all']);
    assert.match(shown.reason, /weight.* is not within 0 and 256 \(999\)/);
    assert.match(shown.reason, /^cannot validate the template: line 14: .*\(rendered: "server s-2 .* weight 999"\)$/);
    assert.equal((await memberAt(served, OTHER_IP))?.quarantine?.reason, shown.reason);

    const third = daemon.slave({ip: THIRD_IP, payload: {weight: 2}});
    using _third = running(third);
    await daemon.waitFor(async () => (await answers(served)) === 'pod,third', 'who joins is served');
    const status = await daemon.waitFor(seen => seen.lastError === null && seen, 'a pass that went well');
    assert.deepEqual([status.inSync, status.ready, status.refused], [false, true, null]);
    const problem = status.problems.find(({kind}) => kind === 'quarantine');
    assert.match(problem?.what ?? '', /^A pod is in quarantine/);
    assert.match(
      problem?.why ?? '',
      /^web 127\.0\.9\.2 \(.*\), served not at all: .*weight of server .* is not within 0 and 256 \(999\)/,
    );
    const {body = ''} = (await daemon.get('/metrics')) ?? {};
    assert.match(body, /^kontrol_quarantined_members 1$/m);
    assert.match(body, /^kontrol_quarantines_total 1$/m);

    using _mended = running(daemon.slave({ip: OTHER_IP, payload: {weight: 3}}), bad);
    await daemon.waitFor(
      async ({inSync}) => inSync && (await answers(served)) === 'other,pod,third',
      'the mended pod served',
    );

    using _sick = running(daemon.slave({ip: THIRD_IP, payload: {weight: -1}}), third);
    const again = await daemon.waitFor(({quarantined: [first]}) => first, 'the quarantine');
    assert.deepEqual([again.ip, again.served], [THIRD_IP, 'as before']);
    await served.pod.down();
    await daemon.waitFor(async () => (await answers(served)) === 'other,third', 'who left is gone');
    assert.match(await served.committed(), new RegExp(`${THIRD_IP}:${podPort} weight 2\n`));
  });

  test('a restart with such a pod among the members -> served without it, and no pass fails with it first', async () => {
    await using served = await startServed(WARM, 'annotation');
    const {daemon, podPort} = served;
    await served.rewrite(weighed(served.template, podPort));
    await daemon.waitFor(async ({inSync}) => inSync && (await served.committed()).includes('weight 1'), 'weights');
    const bad = daemon.slave({ip: OTHER_IP, payload: {weight: 999}});
    using _bad = running(bad);
    await daemon.waitFor(({quarantined}) => quarantined.length === 1, 'the quarantine');
    // The daemon is killed, and its files are up to a second behind.
    await waitFor(async () => {
      const kept = (name: string) => readFile(join(daemon.dataFolder, name), 'utf8').catch(() => '');
      return (await kept('members.json')).includes(OTHER_IP) && (await kept('quarantine.json')).includes(OTHER_IP);
    }, 'what is remembered of it');
    await daemon[Symbol.asyncDispose]();

    await using next = await startDaemon(served.again);
    await next.waitFor(({ready, quarantined}) => ready && quarantined.length === 1, 'the quarantine again');
    assert.equal(await served.fetch(), 'pod');
    await using _pods = await startBackends([{name: 'third', host: THIRD_IP, port: podPort}]);
    using _third = running(next.slave({ip: THIRD_IP}));
    await next.waitFor(async () => (await answers(served)) === 'pod,third', 'who joins served');
    await served.pod.down();
    await next.waitFor(async () => (await answers(served)) === 'third', 'who left gone');
    assert.deepEqual(
      next.logs.filter(({msg}) => String(msg).startsWith('pass failed')),
      [],
    );
  });

  test('one among 1,000 -> found in at most 12 checks, and pings are answered meanwhile', async t => {
    const pods = Array.from({length: 1000}, (_, index) => `127.1.${index >> 8}.${index & 255}`);
    const template = weighed(webTemplate(`127.0.0.1:${await freePort()}`, 1), 1);
    await using daemon = await startDaemon({template, env: {...WARM, KONTROL_DAMPER: '1'}});
    await daemon.waitFor(({ready}) => ready, 'the empty configuration');
    const culprit = pods[617] ?? '';
    const all = pods.map(ip => daemon.slave({ip, payload: {weight: ip === culprit ? 999 : 2}}));
    while (all.length > 0) await Promise.all(all.splice(0, 50).map(slave => slave.ping()));
    const prober = daemon.slave({ip: '127.2.0.1'});
    let slowestMs = 0;
    const isFound = daemon.waitFor(({quarantined: [first]}) => first, 'the quarantine');
    let isOver = false;
    void isFound.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      const startedMs = performance.now();
      await prober.ping();
      slowestMs = Math.max(slowestMs, performance.now() - startedMs);
      await delay(5);
    }
    assert.equal((await isFound).ip, culprit);
    const [told] = daemon.logs.filter(({msg}) => msg === 'member put into quarantine');
    t.diagnostic(`${told?.checks} checks in ${told?.durationMs} ms, slowest ping ${slowestMs.toFixed(1)} ms`);
    assert.ok(Number(told?.checks) <= 12);
  });
});
