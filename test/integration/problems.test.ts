import assert from 'node:assert/strict';
import {execFile, spawn} from 'node:child_process';
import {once} from 'node:events';
import {writeFile} from 'node:fs/promises';
import {createServer, type RequestListener} from 'node:http';
import type {AddressInfo, Socket} from 'node:net';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import type {JoinedMember} from '../../src/http/joined-members.ts';
import {ask} from '../../src/proxy/runtime.ts';
import {SLOW_PATH} from '../support/backend.ts';
import {openFolder} from '../support/folder.ts';
import {freePort} from '../support/free-port.ts';
import {haproxyTellsOfPaused} from '../support/haproxy-version.ts';
import {missing} from '../support/parts.ts';
import {POD_IP, type Served, startServed} from '../support/served.ts';
import {waitFor} from '../support/wait.ts';
import {fetchText, webTemplateAgain} from '../support/web.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** What `haproxy-kontrol` says, and its exit code. */
const run = (
  args: readonly string[],
  statusPort: number,
  more: NodeJS.ProcessEnv = {},
): Promise<{code: number; stdout: string}> =>
  new Promise(resolve => {
    const env = {PATH: process.env.PATH, KONTROL_STATUS_PORT: String(statusPort), ...more};
    execFile(process.execPath, [MAIN, ...args], {env, timeout: 20_000}, (error, stdout) =>
      resolve({code: error === null ? 0 : Number(error.code), stdout}),
    );
  });

/** Waits for a bad problem, and looks at each place that tells of it; resolves with when it began. */
async function assertTold({daemon}: Served, kind: string, subject: string, what: RegExp): Promise<number> {
  const problem = await daemon.waitFor(
    ({problems}) =>
      problems.find(one => one.kind === kind && (one.subject ?? '') === subject && one.severity === 'bad'),
    `the problem ${kind}`,
  );
  assert.match(problem.what, what);
  assert.ok(problem.sinceAt <= Date.now() && problem.todo !== '');
  assert.equal(problem.sinceIs, 'began');
  const {code, stdout} = await run(['status'], daemon.statusPort);
  assert.equal(code, 12);
  assert.match(stdout, what);
  assert.match(stdout, /\n {2}since \d{4}-/);
  const line = `kontrol_problem{kind="${kind}",subject="${subject}",severity="bad"} 1`;
  await waitFor(async () => (await daemon.get('/metrics'))?.body.includes(line), line);
  return problem.sinceAt;
}

/** HAProxy's counters are read every 2 s: until they were, `isSo` holds in each status. */
async function assertStays({daemon}: Served, isSo: (kinds: readonly string[]) => boolean, what: string): Promise<void> {
  const untilMs = performance.now() + 5000;
  await daemon.waitFor(({problems}) => {
    const kinds = problems.map(({kind}) => kind);
    assert.ok(isSo(kinds), `${what}: ${kinds.join(', ')}`);
    return performance.now() > untilMs;
  }, what);
}

const assertOver = async ({daemon}: Served, kind: string): Promise<void> => {
  await daemon.waitFor(({problems}) => problems.every(one => one.kind !== kind), `the end of ${kind}`);
};

/** Waits for a look at HAProxy: whatever it finds at the first one may have been so for long. */
async function assertLooked({daemon}: Served): Promise<void> {
  const looks = async () => JSON.parse((await daemon.get('/traffic'))?.body ?? '{}').samples.length;
  await waitFor(async () => (await looks()) > 0, 'a look at HAProxy');
}

/** Has another HAProxy serve a text. */
async function reloadTo(served: Served, template: string): Promise<void> {
  const pid = await served.pid();
  await served.rewrite(template);
  await served.daemon.waitFor(({proxy}) => proxy.state === 'RUNNING' && proxy.pid !== pid, 'another HAProxy');
}

describe('problems', {concurrency: 3, skip: missing('haproxy'), timeout: 240_000}, () => {
  test('a server answers no more, or one of two, or the only one beside redirects, their clients give up long before HAProxy does -> told; until it answers', async () => {
    let hangs = false;
    const answer: RequestListener = (_, response) => void (hangs || response.end('ok'));
    await using server = createServer(answer).listen(0, '127.0.0.1');
    await using other = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1');
    await Promise.all([once(server, 'listening'), once(other, 'listening')]);
    await using served = await startServed();
    const {port} = server.address() as AddressInfo;
    const shared = served.template.replace(
      / {2}default_backend web/,
      `${['deep', 'wide', 'mixed'].map(name => `  use_backend ${name} if { path_beg /${name} }\n`).join('')}$&`,
    );
    const backend = (name: string) => `backend ${name}
  mode http
  timeout connect 1s
  timeout server 60s
  server one 127.0.0.1:${port}
`;
    const second = `  server two 127.0.0.1:${(other.address() as AddressInfo).port}\n`;
    // HAProxy itself answers a part of it.
    const moved = '  redirect location /deep if { path /mixed/old }\n';
    await served.rewrite(`${shared}\n${backend('mixed')}${moved}${backend('deep')}${backend('wide')}${second}`);
    await waitFor(async () => (await served.fetch('/wide')) === 'ok', 'an answer');
    await assertLooked(served);
    const asking = setInterval(() => {
      for (const path of ['deep', 'wide', 'wide', 'mixed', 'mixed/old']) {
        const signal = AbortSignal.timeout(400);
        fetch(`http://127.0.0.1:${served.port}/${path}`, {signal, redirect: 'manual'}).then(
          answer => answer.body?.cancel(),
          () => {},
        );
      }
    }, 500);
    using _asking = {[Symbol.dispose]: () => clearInterval(asking)};
    await assertStays(served, kinds => !kinds.includes('unanswered'), 'nothing while it answers');
    hangs = true;
    await assertTold(served, 'unanswered', 'deep', /No server of backend deep answers/);
    await assertTold(served, 'unanswered', 'wide', /A server of backend wide takes requests and answers none/);
    await assertTold(served, 'unanswered', 'mixed', /A server of backend mixed takes requests and answers none/);
    hangs = false;
    await assertOver(served, 'unanswered');
    for (const one of [server, other]) one.closeAllConnections();
  });

  test('everybody leaves, the last one with a port that is closed -> one line, since then, until somebody is back', async () => {
    await using served = await startServed();
    const {daemon} = served;
    const deaf = daemon.slave({ip: '127.0.9.2', id: 'web-deaf'});
    await deaf.ping();
    await served.rewrite(served.template.replace(/^ {2}server .*$/m, '$& check inter 200 fall 1'));
    await waitFor(async () => /127\.0\.9\.2:\d+ check/.test(await served.committed()), 'checks of both');
    served.pod.silence();
    await served.pod.ping({down: true});
    await assertTold(served, 'backend-down', 'web', /No server of backend web is up/);
    const fromAt = Date.now();
    await deaf.ping({down: true});
    const untilAt = Date.now();
    const sinceAt = await assertTold(served, 'members', '', /^.*Nobody is left to serve/m);
    assert.ok(fromAt <= sinceAt && sinceAt <= untilAt, `${fromAt} ${sinceAt} ${untilAt}`);
    await assertStays(served, kinds => kinds.includes('members') && !kinds.includes('backend-down'), 'one line');
    served.pod.run(500);
    await assertOver(served, 'members');
  });

  test('the last pod falls silent -> nobody is left since it was heard last, not since its time was up', async () => {
    await using served = await startServed({KONTROL_TTL: '6'});
    const heardAt = Date.now();
    served.pod.silence();
    const sinceAt = await assertTold(served, 'members', '', /Nobody is left to serve/);
    assert.ok(sinceAt <= heardAt, `${sinceAt - heardAt} ms after it was silenced`);
  });

  test('a backend whose servers are all down -> told everywhere, by its name; one that nobody judges -> named as such', async () => {
    await using served = await startServed({KONTROL_NOT_JUDGED: 'nightly'});
    const nobody = await freePort();
    const backend = (name: string) => `backend ${name}
  timeout connect 1s
  timeout server 1s
  server one 127.0.0.1:${nobody} check inter 200 fall 1
`;
    await served.rewrite(`${served.template}\n${backend('nightly')}${backend('dead')}`);
    await assertTold(served, 'backend-down', 'dead', /No server of backend dead is up/);
    const status = await served.daemon.waitFor(seen => seen, 'a status');
    assert.deepEqual(
      status.problems.flatMap(({kind, subject}) => (kind === 'backend-down' ? [subject] : [])),
      ['dead'],
    );
    assert.deepEqual(status.notJudged, ['nightly']);
    assert.match((await run(['status'], served.daemon.statusPort)).stdout, /^Not judged +nightly$/m);
    await served.rewrite(served.template);
    await assertOver(served, 'backend-down');
  });

  test('a pod pings and its port does not answer, another is in no backend -> both are seen among the members', async () => {
    await using served = await startServed();
    const {daemon} = served;
    await daemon.ping({ip: '127.0.9.2', id: 'web-deaf'});
    await daemon.ping({ip: '127.0.9.3', id: 'db-a', app: 'db'});
    const checked = served.template.replace(/^ {2}server .*$/m, '$& check inter 200 fall 1');
    await served.rewrite(checked.replace('for key in hosts', "for key in ['web']"));
    const members = async () => JSON.parse((await daemon.get('/members'))?.body ?? '[]') as JoinedMember[];
    const named = async (name: string) => (await members()).find(({id}) => id === name);
    await waitFor(async () => (await named('web-deaf'))?.proxyState === 'down', 'the deaf pod');
    const deaf = await named('web-deaf');
    assert.match(deaf?.servers?.[0]?.check?.reason ?? '', /Connection refused/);
    assert.equal(deaf?.servers?.[0]?.backend, 'web');
    const states = (await members()).map(({ip, proxyState}) => [ip, proxyState]);
    assert.deepEqual(Object.fromEntries(states), {[POD_IP]: 'up', '127.0.9.2': 'down', '127.0.9.3': 'no server'});
    const {stdout} = await run(['members'], daemon.statusPort);
    assert.match(stdout, /web-deaf .* down +web\/\S+ .*DOWN, check L4CON .*Connection refused/);
    assert.match(stdout, /db-a .* no server +in hosts, but no server of HAProxy has its address\n/);
    const one = await run(['members', 'web-deaf'], daemon.statusPort);
    assert.match(one.stdout, /^Pod +web-deaf, app web[\s\S]*L4CON[\s\S]*first ping/);
  });

  test('one app of several leaves -> bad, for its backend has nobody; a backend that the text disables -> nothing', async () => {
    await using served = await startServed();
    const {daemon} = served;
    const db = daemon.slave({ip: '127.0.9.4', id: 'db-a', app: 'db'});
    const green = `
backend green
  server g1 127.0.9.5:1 check inter 200 fall 1 disabled
backend db
{%- for ip in hosts['db'] or [] %}
  server db-{{loop.index}} {{ip}}:${served.podPort}
{%- endfor %}
`;
    await db.ping();
    await served.rewrite(served.template.replace('for key in hosts', "for key in ['web']") + green);
    const row = async (text: string) => (await daemon.get('/metrics'))?.body.includes(text);
    await waitFor(() => row('haproxy_backend_current_server{backend="db"} 1'), 'a server of db');
    await assertStays(served, kinds => kinds.every(kind => kind === 'sync' || kind === 'ready'), 'nothing is wrong');
    await db.ping({down: true});
    await assertTold(served, 'members', 'db', /No pod of db is left/);
  });

  const unseen = haproxyTellsOfPaused() ? false : 'this HAProxy calls a frontend open that was told to listen no more';
  test('a frontend is stopped by hand -> told everywhere; reconfigure has it listen again', {
    skip: unseen,
  }, async () => {
    const folder = await openFolder();
    await using _folder = folder;
    const tokenFile = join(folder.path, 'token');
    await writeFile(tokenFile, 'sesame');
    await using served = await startServed({KONTROL_TOKEN_FILE: tokenFile});
    const {daemon} = served;
    await assertLooked(served);
    await ask(join(daemon.dataFolder, 'haproxy.sock'), 'disable frontend proxy', {timeoutMs: 10_000});
    await assertTold(served, 'stopped', 'proxy', /Frontend proxy listens no more/);
    const {code} = await run(['reconfigure', '--yes'], daemon.statusPort, {HAPROXY_KONTROL_TOKEN: 'sesame'});
    assert.equal(code, 0);
    await assertOver(served, 'stopped');
    assert.equal(await served.fetch(), 'pod');
  });

  test('of backends behind a shared frontend one fails, one cuts its answers off, one speaks no HTTP -> each is told by its name', async () => {
    const answering = new Set<Socket>();
    await using server = createServer(({socket}, response) => {
      answering.add(socket);
      response.writeHead(200, {'content-length': 1000}).write('a part');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    using _connections = {[Symbol.dispose]: () => server.closeAllConnections()};
    await using served = await startServed({KONTROL_5XX: '20,6'});
    const [nobody, port] = [await freePort(), await freePort()];
    const fetchShort = async () => {
      const answer = await fetch(`http://127.0.0.1:${served.port}/short`);
      // Node never ends with one that is reset while it is being shut down.
      for (const socket of answering) socket.writableEnded ? socket.destroy() : socket.resetAndDestroy();
      answering.clear();
      await answer.text();
    };
    const shared = served.template.replace(
      / {2}default_backend web/,
      '  use_backend dead if { path /dead }\n  use_backend short if { path /short }\n$&',
    );
    await served.rewrite(`${shared}
backend short
  mode http
  timeout connect 1s
  timeout server 1s
  server one 127.0.0.1:${(server.address() as AddressInfo).port}
backend dead
  mode http
  timeout connect 1s
  timeout server 1s
  server one 127.0.0.1:${nobody}
listen tcp
  bind 127.0.0.1:${port}
  mode tcp
  timeout client 1s
  timeout connect 1s
  timeout server 1s
  server one 127.0.0.1:${nobody}
`);
    await waitFor(async () => (await served.fetch('/dead')) === 'status 503', 'a 503');
    const asking = setInterval(() => {
      for (let good = 0; good < 9; good += 1) void served.fetch();
      void served.fetch('/dead');
      fetchShort().catch(() => {});
      void fetchText({port});
    }, 250);
    using _asking = {[Symbol.dispose]: () => clearInterval(asking)};
    await assertTold(served, 'cut', 'short', /Answers of backend short are cut off half-way/);
    await assertTold(served, 'errors', 'dead', /\d+ % of what backend dead answers are errors/);
    await assertTold(served, 'errors', 'tcp', /\d+ % of the connections to backend tcp fail/);
  });

  test('another process takes the address of a bind as well -> told with its PID, until it ends', async () => {
    await using served = await startServed();
    const listen = `require('net').createServer(c => c.destroy()).listen({port: ${served.port}, host: '127.0.0.1', reusePort: true})`;
    const thief = spawn(process.execPath, ['-e', listen], {stdio: 'ignore'});
    using _thief = {[Symbol.dispose]: () => thief.kill('SIGKILL')};
    const {why} = await served.daemon.waitFor(
      ({problems}) => problems.find(({kind, subject}) => kind === 'bind' && subject === `127.0.0.1:${served.port}`),
      'the problem bind',
    );
    assert.match(why, new RegExp(`^PID ${thief.pid} \\(node\\) `));
    assert.equal((await run(['status'], served.daemon.statusPort)).code, 12);
    thief.kill('SIGKILL');
    await assertOver(served, 'bind');
    assert.equal(await served.fetch(), 'pod');
  });

  test('many answers of a listener are 5xx -> told everywhere, with their share, over a reload and not beyond', async () => {
    await using served = await startServed({KONTROL_5XX: '20,4'});
    const broken = served.template.replace(
      /default_backend web/,
      'default_backend nothing\n\nbackend nothing\n  mode http',
    );
    await served.rewrite(broken);
    await waitFor(async () => (await served.fetch()) === 'status 503', 'errors');
    const asking = setInterval(() => void served.fetch(), 50);
    using _asking = {[Symbol.dispose]: () => clearInterval(asking)};
    await assertTold(served, 'errors', 'proxy', /\d+ % of what proxy answers are errors/);
    // The answers of the HAProxy before are neither counted again nor do they hide those of now.
    await reloadTo(served, webTemplateAgain(broken, 1));
    await assertStays(served, kinds => kinds.includes('errors'), 'the alarm over a reload');
    await served.rewrite(served.template);
    await assertOver(served, 'errors');
    await reloadTo(served, webTemplateAgain(served.template, 2));
    await assertStays(served, kinds => !kinds.includes('errors'), 'no alarm of what is over');
  });

  test('a listener has all the connections it may have -> told everywhere', async () => {
    await using served = await startServed();
    await assertLooked(served);
    await served.rewrite(served.template.replace(/bind .*/, '$&\n  maxconn 1'));
    await served.daemon.waitFor(({reload}) => (reload.last?.pass ?? 0) > 1, 'the limit');
    const ended = new AbortController();
    const ask = async () => {
      while (!ended.signal.aborted) await served.fetch(SLOW_PATH);
    };
    const asking = [ask(), ask()];
    try {
      const sinceAt = await assertTold(served, 'sessions', 'proxy', /Frontend proxy takes no more connections/);
      assert.ok(Date.now() - sinceAt >= 3900, 'it is told when it has been so for 4 s');
    } finally {
      ended.abort();
      await Promise.all(asking);
    }
    await assertOver(served, 'sessions');
  });
});
