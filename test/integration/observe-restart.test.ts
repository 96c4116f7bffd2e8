import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {createSocket} from 'node:dgram';
import {mkdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {makeTemporaryFolder} from '../dashboard/temporary-folder.ts';
import {startDaemon} from '../support/daemon.ts';
import {exchange} from '../support/exchange.ts';
import {freePort} from '../support/free-port.ts';
import {haproxyBinary, missing} from '../support/parts.ts';
import {endProcessesOf} from '../support/processes.ts';
import {createSlave, isAccepted} from '../support/slave.ts';
import {waitFor} from '../support/wait.ts';

const skip = missing('haproxy');
const TOKEN = 'open-sesame';

const templateOf = (port: number, comment: string): string => `
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 1s
frontend proxy
  bind 127.0.0.1:${port}
  # ${comment}
  default_backend web
backend web
{%- for key in hosts %}{% for ip in hosts[key] %}
  server {{key}}-{{loop.index}} {{ip}}:80
{%- endfor %}{% endfor %}
`;

const ask = async (port: number, method: string, path: string): Promise<{status: number; body: string}> => {
  const segments = [`${method} ${path} HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`];
  const outcome = await exchange({host: '127.0.0.1', port, segments, timeoutMs: 20_000});
  return outcome.is === 'answered' ? outcome.answer : {status: 0, body: outcome.kind};
};

test('history and a rollback, the daemon killed in between -> both go on where they were', {
  skip,
  timeout: 120_000,
}, async () => {
  await using folder = await makeTemporaryFolder();
  const [dataFolder, template, tokenFile] = ['data', 't.j2', 'token'].map(name => join(folder.path, name)) as [
    string,
    string,
    string,
  ];
  const port = await freePort();
  await mkdir(dataFolder);
  await writeFile(tokenFile, TOKEN);
  await writeFile(template, templateOf(port, 'first'));
  const env = {KONTROL_TOKEN_FILE: tokenFile, KONTROL_WARMUP: '0'};
  const start = () => startDaemon({template, dataFolder, env});
  {
    await using daemon = await start();
    await daemon.waitFor(({inSync}) => inSync, 'a serving daemon', 30_000);
    await daemon.ping({ip: '127.0.1.1', id: 'web-a'});
    await writeFile(template, templateOf(port, 'second'));
    await daemon.waitFor(async ({inSync}) => inSync && /second/.test((await daemon.get('/config'))?.body ?? ''), 'it');
    const {status, body} = await ask(daemon.statusPort, 'POST', '/rollback?pass=1');
    assert.equal(status, 200, body);
    assert.match((await daemon.get('/config'))?.body ?? '', /first[\s\S]*127\.0\.1\.1:80/);
  }
  await using daemon = await start();
  await daemon.waitFor(({inSync}) => inSync, 'a serving daemon again', 30_000);
  const passes: {pass: number; cause: string}[] = JSON.parse((await daemon.get('/history'))?.body ?? '[]');
  const numbers = passes.map(({pass}) => pass);
  assert.deepEqual(
    numbers,
    Array.from({length: numbers.length}, (_, index) => numbers.length - index),
  );
  assert.ok(passes.some(({cause}) => cause.startsWith('rollback')));
  assert.match((await daemon.get('/config'))?.body ?? '', /first/);
  assert.match((await daemon.get('/config?pass=1'))?.body ?? '', /first/);
  const {status, body} = await ask(daemon.statusPort, 'POST', '/release');
  assert.equal(status, 200, body);
  assert.match((await daemon.get('/config'))?.body ?? '', /second/);
  assert.equal((await ask(daemon.statusPort, 'POST', '/release')).status, 409);
  assert.equal((await ask(daemon.statusPort, 'POST', '/rollback?pass=999')).status, 404);
});

test('a rollback to a template that is refused today -> undone, 422, the last good one serves', {
  skip,
  timeout: 120_000,
}, async () => {
  await using folder = await makeTemporaryFolder();
  const [template, tokenFile] = [join(folder.path, 't.j2'), join(folder.path, 'token')];
  const port = await freePort();
  await writeFile(tokenFile, TOKEN);
  await writeFile(template, templateOf(port, 'first'));
  await using daemon = await startDaemon({template, env: {KONTROL_TOKEN_FILE: tokenFile, KONTROL_WARMUP: '0'}});
  await daemon.waitFor(({inSync}) => inSync, 'a serving daemon', 30_000);
  await writeFile(template, `${templateOf(port, 'bad')}\nnonsense\n`);
  await daemon.waitFor(({lastError}) => lastError !== null, 'a refused template');
  await writeFile(template, templateOf(port, 'second'));
  await daemon.waitFor(async ({inSync}) => inSync && /second/.test((await daemon.get('/config'))?.body ?? ''), 'it');
  const failed = JSON.parse((await daemon.get('/history'))?.body ?? '[]').find(
    ({verdict}: {verdict: string}) => verdict === 'failed',
  );
  const {status, body} = await ask(daemon.statusPort, 'POST', `/rollback?pass=${failed.pass}`);
  assert.equal(status, 422, body);
  assert.match(body, /unknown keyword|cannot validate/);
  await daemon.waitFor(({inSync}) => inSync, 'in sync again');
  assert.match((await daemon.get('/config'))?.body ?? '', /second/);
});

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const LINE = `<134>Nov 25 09:04:00 haproxy[1]: ${'x'.repeat(8000)}`;

test('a stdout that nobody reads, access lines without end -> pings and status are answered, drops are counted', {
  skip,
  timeout: 120_000,
}, async () => {
  await using folder = await makeTemporaryFolder();
  const [port, statusPort, web] = [await freePort(), await freePort(), await freePort()];
  const child = spawn(process.execPath, [MAIN, 'run'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      PATH: process.env.PATH,
      KONTROL_LABELS: '{"app":"haproxy","role":"balancer"}',
      KONTROL_DATA: folder.path,
      KONTROL_SOCKET: join(folder.path, 'sock'),
      KONTROL_PORT: String(port),
      KONTROL_STATUS_PORT: String(statusPort),
      KONTROL_TEMPLATE: templateOf(web, 'x'),
      KONTROL_HAPROXY: haproxyBinary,
      KONTROL_RELOAD: 'plain',
    },
  });
  const socket = createSocket('udp4');
  try {
    const status = async () => {
      const {status: code, body} = await ask(statusPort, 'GET', '/status');
      return code === 200 ? JSON.parse(body) : undefined;
    };
    const {accessLog} = await waitFor(status, 'the status port', {timeoutMs: 30_000});
    const flood = async () => {
      for (let sent = 0; sent < 100; sent += 1) socket.send(LINE, accessLog.port, '127.0.0.1');
      return (await status())?.accessLog.slowOutput > 0;
    };
    await waitFor(flood, 'dropped lines', {timeoutMs: 60_000});
    const slave = createSlave({master: {host: '127.0.0.1', port}, ip: '127.0.1.1'});
    await waitFor(async () => isAccepted(await slave.ping()), 'an answered ping');
    await waitFor(async () => (await status())?.hosts.web?.length === 1, 'the pod in the hosts');
  } finally {
    socket.close();
    child.kill('SIGKILL');
    await endProcessesOf(folder.path);
  }
});
