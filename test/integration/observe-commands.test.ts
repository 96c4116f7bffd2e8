import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import type {HistoryEntry} from '../../src/lifecycle/history.ts';
import {type Fleet, startFleet} from '../dashboard/fleet.ts';
import {exchange, getSegments} from '../support/exchange.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';
import {waitFor} from '../support/wait.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const GUIDE = readFileSync(new URL('../../docs/operating.md', import.meta.url), 'utf8');

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const run = (args: readonly string[], statusPort: number, more: NodeJS.ProcessEnv = {}): Promise<Ran> =>
  new Promise(resolve => {
    const env = {PATH: process.env.PATH, KONTROL_STATUS_PORT: String(statusPort), ...more};
    execFile(process.execPath, [MAIN, ...args], {env, timeout: 20_000}, (error, stdout, stderr) =>
      resolve({code: error === null ? 0 : Number(error.code), stdout, stderr}),
    );
  });

/** What a newcomer must find in the answer to each question of the guide. */
const ANSWERS: Readonly<Record<string, RegExp>> = {
  status: /haproxy-kontrol \S+: serving, in sync, up .*\nHAProxy +RUNNING /,
  'members --gone': /web +127\.0\.1\.1 +web-gone +down/,
  'members 127.0.1.1': /first ping +web +web-gone\n.* config +web +web-gone +2\n.* down .*\n.* removed .* 3\n/,
  'members --app web': /web +127\.0\.1\.2 +web-stays/,
  history: /\n3 .* ok .*-1 .*left web 127\.0\.1\.1\n2 .* ok /,
  'history 2': /Joined +web 127\.0\.1\.1 web-gone\n[\s\S]*\n\+ {2}server web-1 127\.0\.1\.1:80\n/,
  'history --failed': /failed .*cannot validate/,
  diff: /^pass \d+, ok: [\s\S]*\+# comment/,
  'diff 1': /^--- pass 1\n\+\+\+ serving now\n[\s\S]*\+ {2}server web-1 127\.0\.1\.2:80/,
  'top --once': /NAME +KIND[\s\S]*web +backend +UP/,
  'logs --access -n 20': /access .*frontend_name=proxy .*status_code=403/,
  'logs -n 50': /info {2}members member left app=web ip=127\.0\.1\.1/,
};

const questions = [...GUIDE.matchAll(/^\| ([^|]+\?) +\| `haproxy-kontrol ([^`]+)` +\|$/gm)].map(
  ([, question = '', line = '']) => ({question: question.trim(), line}),
);

/** How many pods the causes of all passes say that joined: `joined web 10.2.0.17, joined web 10.2.0.18 and 3 more`. */
const countJoined = (entries: readonly HistoryEntry[]): number =>
  entries
    .flatMap(({cause}) => [...cause.matchAll(/joined web|(?<=and )\d+(?= more)/g)].map(([word]) => Number(word) || 1))
    .reduce((sum, count) => sum + count, 0);

/** One pod comes, another too, the first goes; a template is refused, then another accepted; a request fails. */
async function live({daemon, port, writeTemplate}: Fleet): Promise<void> {
  const passes = async () => JSON.parse((await daemon.get('/history'))?.body ?? '[]').length;
  await daemon.ping({ip: '127.0.1.1', id: 'web-gone'});
  await daemon.waitFor(async ({inSync}) => inSync && (await passes()) === 2, 'the first pod');
  await daemon.ping({ip: '127.0.1.1', id: 'web-gone'}, {down: true});
  await daemon.waitFor(async ({inSync}) => inSync && (await passes()) === 3, 'its end');
  await daemon.ping({ip: '127.0.1.2', id: 'web-stays'});
  await daemon.waitFor(async ({inSync}) => inSync && (await passes()) === 4, 'the second pod');
  await writeTemplate('nonsense in this place');
  await daemon.waitFor(({lastError}) => lastError !== null, 'a refused template');
  await writeTemplate('# comment');
  await daemon.waitFor(async ({inSync}) => inSync && /# comment/.test((await daemon.get('/config'))?.body ?? ''), 'it');
  const logged = async () => {
    await exchange({host: '127.0.0.1', port, segments: getSegments('/denied', 'localhost'), timeoutMs: 2000});
    return /status_code/.test((await daemon.get('/logs?kind=access'))?.body ?? '');
  };
  await waitFor(logged, 'the request in the access log');
}

describe('commands against a running daemon', {skip: missing('haproxy'), timeout: 120_000}, () => {
  test("the newcomer's questions in the guide -> each command answers its own", async t => {
    assert.ok(questions.length >= 10);
    await using fleet = await startFleet({KONTROL_TTL: '120'});
    await live(fleet);
    const servingAtMs = performance.now();
    for (const {question, line} of questions) {
      const {code, stdout, stderr} = await run(line.split(' '), fleet.daemon.statusPort);
      t.diagnostic(`${question} ${line}`);
      assert.deepEqual([code, stderr], [0, ''], line);
      assert.match(stdout, ANSWERS[line] ?? /^$/, `${question} (${line})`);
      assert.doesNotMatch(stdout, /hunter2|\p{Cc}(?<!\n)/u, line);
    }
    for (const line of ['status', 'history', 'history 2', 'members', 'members --gone', 'members 127.0.1.2', 'top']) {
      const {stdout} = await run([...line.split(' '), '--json'], fleet.daemon.statusPort);
      assert.doesNotThrow(() => JSON.parse(stdout), line);
    }
    // Nobody asked this before: it counts from HAProxy's start all the same.
    const servingS = Math.floor((performance.now() - servingAtMs) / 1000);
    const {stdout} = await run(['ctl', 'status'], fleet.daemon.statusPort, {
      KONTROL_SOCKET: join(fleet.daemon.dataFolder, 'sock'),
    });
    const [, hours, minutes, seconds] = /uptime (\d+):(\d\d):(\d\d)/.exec(stdout) ?? [];
    assert.ok(Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) >= servingS, `${stdout}: ${servingS} s`);
  });

  test('status, something is wrong -> 12 and the reason; nobody there -> 13 and what to do', async () => {
    await using fleet = await startFleet();
    const {daemon} = fleet;
    const ips = Array.from({length: 10}, (_, index) => `127.0.2.${index + 1}`);
    await Promise.all(ips.map(ip => daemon.ping({ip})));
    const history = async () => JSON.parse((await daemon.get('/history'))?.body ?? '[]') as HistoryEntry[];
    await waitFor(async () => countJoined(await history()) === ips.length, 'ten pods that joined, no more');

    await fleet.writeTemplate('nonsense in this place');
    await daemon.waitFor(({lastError}) => lastError !== null, 'a refused template');
    await daemon.ping({ip: '127.0.2.1'}, {down: true});
    const isItsEnd = ({verdict, left}: HistoryEntry) =>
      verdict !== 'failed' && left.pods.map(({ip}) => ip).join() === '127.0.2.1';
    await waitFor(async () => (await history()).some(isItsEnd), 'the pass that took it out to say so');
    assert.doesNotMatch((await daemon.get('/config'))?.body ?? '', /127\.0\.2\.1:/);
    const wrong = await run(['status'], daemon.statusPort);
    assert.equal(wrong.code, 12);
    assert.match(wrong.stdout, /needs attention[\s\S]*! The template of .* is refused.*unknown keyword/);
    const nobody = await run(['status'], await freePort());
    assert.equal(nobody.code, 13);
    assert.match(nobody.stderr, /cannot ask .*ECONNREFUSED.*--url/);
  });

  test('ping -> the pod is in, then out; what a master would refuse is refused with the field', async () => {
    await using fleet = await startFleet();
    const {daemon} = fleet;
    const ping = (...args: string[]) =>
      run(['ping', '--master', `127.0.0.1:${daemon.port}`, ...args], daemon.statusPort);
    assert.deepEqual(await ping('--app', 'web', '--ip', '127.0.1.9'), {
      code: 0,
      stdout: `127.0.0.1:${daemon.port} answered 200\n`,
      stderr: '',
    });
    await daemon.waitFor(({hosts}) => hosts.web?.[0] === '127.0.1.9', 'the pod');
    await ping('--app', 'web', '--ip', '127.0.1.9', '--down');
    await daemon.waitFor(({hosts}) => hosts.web === undefined, 'its end');
    const refused = await ping('--app', 'we b', '--ip', '127.0.1.9');
    assert.deepEqual([refused.code, /app "we b"/.test(refused.stderr)], [64, true], refused.stderr);
  });
});

test('log level, set on the control socket -> from then on; one that there is not -> KO', {
  skip: missing('haproxy'),
  timeout: 60_000,
}, async () => {
  await using fleet = await startFleet();
  const {daemon} = fleet;
  const set = (level: string) =>
    run(['ctl', 'SET', 'KONTROL_LOG_LEVEL', level], daemon.statusPort, {
      KONTROL_SOCKET: join(daemon.dataFolder, 'sock'),
    });
  assert.equal((await set('debug')).code, 0);
  await daemon.waitFor(status => (status as {logLevel?: string}).logLevel === 'debug', 'the level');
  assert.equal((await set('loud')).code, 1);
});

describe('commands without a daemon', () => {
  test('a wrong option, argument or number -> 64 and where help is', async () => {
    for (const line of ['status --nope', 'history x', 'history -n 0', 'diff 1 2 3', 'completion tcsh', 'members a b']) {
      const {code, stderr} = await run(line.split(' '), 1);
      assert.equal(code, 64, line);
      assert.match(stderr, /^haproxy-kontrol: cannot /, line);
    }
  });

  test('--help of each -> usage, options and examples; the list names them all', async () => {
    const list = (await run(['--help'], 1)).stdout;
    for (const name of ['status', 'history', 'diff', 'members', 'top', 'logs', 'ping', 'completion']) {
      const {code, stdout} = await run([name, '--help'], 1);
      assert.equal(code, 0);
      assert.match(
        stdout,
        new RegExp(`^usage: haproxy-kontrol ${name}(?:.|\\n)*\\nexamples:\\n {2}haproxy-kontrol ${name}`),
      );
      assert.match(list, new RegExp(`^ {2}${name} `, 'm'));
    }
  });
});
