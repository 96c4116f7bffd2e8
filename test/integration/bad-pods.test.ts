import assert from 'node:assert/strict';
import {writeFile} from 'node:fs/promises';
import {createServer} from 'node:net';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {startBackends} from '../support/backend.ts';
import {startDaemon} from '../support/daemon.ts';
import {openFolder} from '../support/folder.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';
import {keepTemplate, startServed} from '../support/served.ts';
import {fetchText, webTemplateAgain} from '../support/web.ts';
import {running, weighed, weighedByApp} from '../support/weighed.ts';

const TOKEN = 'open-sesame';
const BAD = {weight: 999};
const [FIRST, SECOND, THIRD, FOURTH] = ['127.0.9.1', '127.0.9.2', '127.0.9.3', '127.0.9.4'] as const;
const WARM = {KONTROL_WARMUP: '0', KONTROL_DAMPER: '0'};

/** Who answers some requests, each on a connection of its own. */
const answersAt = async (port: number, path = '/'): Promise<string> => {
  const all = await Promise.all(Array.from({length: 12}, () => fetchText({port, path})));
  return [...new Set(all)].sort().join();
};

describe('pods that break the configuration', {concurrency: 2, skip: missing('haproxy'), timeout: 180_000}, () => {
  test('a start with a template that takes a pod, one bad one among good ones -> the good ones are served', async () => {
    const [port, podPort] = [await freePort(), await freePort()];
    await using _pods = await startBackends([
      {name: 'first', host: FIRST, port: podPort},
      {name: 'third', host: THIRD, port: podPort},
    ]);
    // One pass for all of them.
    const env = {KONTROL_WARMUP: '0', KONTROL_DAMPER: '1'};
    await using daemon = await startDaemon({template: weighedByApp(`127.0.0.1:${port}`, podPort), env});
    await daemon.waitFor(({lastError}) => lastError !== null, 'the empty configuration refused');
    assert.match(
      (await daemon.status())?.problems.find(({kind}) => kind === 'pass')?.what ?? '',
      /nothing has served yet$/,
    );
    using _first = running(daemon.slave({ip: FIRST}));
    using _second = running(daemon.slave({ip: SECOND, payload: BAD}));
    using _third = running(daemon.slave({ip: THIRD}));
    await daemon.waitFor(({ready, quarantined: [bad]}) => ready && bad?.ip === SECOND, 'the bad one in quarantine');
    await daemon.waitFor(async () => (await answersAt(port)) === 'first,third', 'the good ones served');
    const {quarantined = []} = (await daemon.status()) ?? {};
    assert.deepEqual(
      quarantined.map(({ip, served, overBound}) => [ip, served, overBound]),
      [[SECOND, 'not at all', false]],
    );
    assert.match(quarantined[0]?.reason ?? '', /weight of server .* is not within 0 and 256 \(999\)\.(?!\.)/);
  });

  test('a template in the annotation that takes a pod -> not ready, with the reason; the first pod is served', async () => {
    const [port, podPort] = [await freePort(), await freePort()];
    await using _pods = await startBackends([{name: 'first', host: FIRST, port: podPort}]);
    await using kept = await keepTemplate('annotation', weighedByApp(`127.0.0.1:${port}`, podPort));
    await using daemon = await startDaemon({...kept.options, env: {...kept.options.env, ...WARM}});
    const status = await daemon.waitFor(seen => seen.lastError !== null && seen, 'the empty configuration refused');
    assert.match(status.lastError ?? '', /^cannot validate the template: /);
    assert.equal(status.ready, false);
    using _first = running(daemon.slave({ip: FIRST}));
    await daemon.waitFor(async ({ready}) => ready && (await answersAt(port)) === 'first', 'the first pod served');
  });

  test('an app of bad pods alone -> said to be over the bound; served as before, and other apps come and go', async () => {
    const [port, podPort] = [await freePort(), await freePort()];
    const ips = [FIRST, SECOND, THIRD, FOURTH];
    await using _pods = await startBackends(ips.map(ip => ({name: ip, host: ip, port: podPort})));
    await using daemon = await startDaemon({template: weighedByApp(`127.0.0.1:${port}`, podPort), env: WARM});
    const [first, second] = [FIRST, SECOND].map(ip => daemon.slave({ip, app: 'api'}));
    assert.ok(first !== undefined && second !== undefined);
    using _first = running(first);
    using _second = running(second);
    const web = daemon.slave({ip: THIRD});
    using _web = running(web);
    const isServed = async (path: string, who: string) => (await answersAt(port, path)) === who;
    await daemon.waitFor(
      async ({inSync}) => inSync && (await isServed('/api', `${FIRST},${SECOND}`)) && (await isServed('/', THIRD)),
      'both apps served',
    );
    using _sick = running(daemon.slave({ip: FIRST, app: 'api', payload: BAD}), first);
    using _sicker = running(daemon.slave({ip: SECOND, app: 'api', payload: BAD}), second);
    const status = await daemon.waitFor(seen => seen.quarantined.length === 2 && seen.refused === null && seen, 'both');
    assert.deepEqual(
      status.quarantined.map(({served, overBound}) => [served, overBound]),
      [
        ['as before', true],
        ['as before', true],
      ],
    );
    const problem = status.problems.find(({kind}) => kind === 'quarantine');
    assert.match(problem?.what ?? '', /^2 pods .*more of api than KONTROL_QUARANTINE allows/);
    for (const ip of [FIRST, SECOND]) assert.ok(problem?.why.includes(`api ${ip} `), problem?.why);

    using _fourth = running(daemon.slave({ip: FOURTH}));
    await daemon.waitFor(() => isServed('/', `${THIRD},${FOURTH}`), 'who joins another app is served');
    await web.down();
    await daemon.waitFor(() => isServed('/', FOURTH), 'who leaves another app is gone');
    await daemon.waitFor(() => isServed('/api', `${FIRST},${SECOND}`), 'the app as it was');
  });

  test('a payload with which HAProxy cannot be started, though its check passes -> that pod alone is left out', async () => {
    await using served = await startServed(WARM, 'annotation');
    const {daemon, podPort} = served;
    await using _pods = await startBackends([{name: 'third', host: THIRD, port: podPort}]);
    await using taken = createServer().listen(0, '127.0.0.1');
    await new Promise(resolve => taken.once('listening', resolve));
    const address = taken.address();
    const takenPort = typeof address === 'object' ? address?.port : undefined;
    const own =
      '{%- for pod in pods if pod.payload.port %}\nlisten own-{{ pod.seq }}\n  mode http\n  timeout client 5s\n' +
      `  timeout connect 5s\n  timeout server 5s\n  bind 127.0.0.1:{{ pod.payload.port }}\n  server s {{ pod.ip }}:${podPort}\n{%- endfor %}`;
    await served.rewrite(`# own ports\n${served.template}${own}\n`);
    await daemon.waitFor(
      async ({inSync}) => inSync && (await served.committed()).startsWith('# own ports'),
      'the template with ports',
    );

    const bad = daemon.slave({ip: SECOND, payload: {port: takenPort ?? 0}});
    using _bad = running(bad);
    const shown = await daemon.waitFor(({quarantined: [first]}) => first, 'the quarantine');
    assert.deepEqual([shown.ip, shown.served], [SECOND, 'not at all']);
    assert.match(shown.reason, /cannot bind socket/);
    const ownPort = await freePort();
    const third = daemon.slave({ip: THIRD, payload: {port: ownPort}});
    using _third = running(third);
    await daemon.waitFor(async () => (await fetchText({port: ownPort})) === 'third', 'who joins served');
    const status = await daemon.waitFor(seen => seen.lastError === null && seen, 'a pass that went well');
    assert.deepEqual([status.quarantined.map(({ip}) => ip), status.refused], [[SECOND], null]);
    await third.down();
    await daemon.waitFor(async () => (await fetchText({port: ownPort})) === 'refused', 'who left gone');
    assert.equal(await served.fetch(), 'pod');

    using _mended = running(daemon.slave({ip: SECOND}), bad);
    await daemon.waitFor(({inSync, quarantined}) => inSync && quarantined.length === 0, 'the mended pod served');
  });

  test('a template that is wrong as well -> its own words, not those of the pod in quarantine; a rollback is shown as it would be done', async () => {
    await using folder = await openFolder();
    const tokenFile = join(folder.path, 'token');
    await writeFile(tokenFile, TOKEN);
    await using served = await startServed({...WARM, KONTROL_TOKEN_FILE: tokenFile});
    const {daemon, podPort} = served;
    const post = async (path: string) => {
      const answer = await fetch(`http://127.0.0.1:${daemon.statusPort}${path}`, {
        method: 'POST',
        headers: {authorization: `Bearer ${TOKEN}`},
      });
      return {status: answer.status, body: (await answer.json()) as Record<string, unknown>};
    };
    const write = async (template: string, first: string) => {
      await served.rewrite(template);
      await daemon.waitFor(async () => (await served.committed()).startsWith(first), first);
    };
    const good = weighed(served.template, podPort);
    await write(webTemplateAgain(good, 1), '# reload 1\n');
    await write(webTemplateAgain(good, 2), '# reload 2\n');
    using _bad = running(daemon.slave({ip: SECOND, payload: BAD}));
    await daemon.waitFor(({quarantined, lastError}) => quarantined.length === 1 && lastError === null, 'quarantine');

    const preview = (await post('/rollback?last=1&preview=1')).body;
    assert.deepEqual([preview.works, preview.reason], [true, null]);
    const without = preview.without as {ip: string; reason: string}[];
    assert.deepEqual(
      without.map(({ip}) => ip),
      [SECOND],
    );
    assert.match(without[0]?.reason ?? '', /\(999\)/);
    assert.equal((await post('/rollback?last=1')).status, 200);
    assert.match(await served.committed(), /^# reload 1\n/);
    await daemon.waitFor(({quarantined, refused}) => quarantined.length === 1 && refused === null, 'still out');

    await served.rewrite(`${webTemplateAgain(good, 3)}  bogus word\n`);
    // It is done, whatever the template of today is worth.
    const released = await post('/release');
    assert.equal(released.status, 200);
    assert.match(String(released.body.error), /unknown keyword 'bogus'/);
    const {refused, lastError} = await daemon.waitFor(
      seen => seen.refused?.serving != null && seen.lastError?.includes('bogus') && seen,
      'its own words',
    );
    assert.match(refused?.reason ?? '', /^cannot validate the template: line \d+: unknown keyword 'bogus'/);
    assert.doesNotMatch(`${refused?.reason} ${lastError}`, /999/);
    await write(webTemplateAgain(good, 4), '# reload 4\n');
    await daemon.waitFor(({quarantined, lastError: error}) => quarantined[0]?.ip === SECOND && error === null, 'out');
  });
});
