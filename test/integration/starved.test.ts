import assert from 'node:assert/strict';
import {type ChildProcess, execFileSync, spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {chown, readdir, readFile, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {isTemporary} from '../../src/ports/temporary.ts';
import {type Daemon, startDaemon} from '../support/daemon.ts';
import {openFolder} from '../support/folder.ts';
import {freePort} from '../support/free-port.ts';
import type {LogLine} from '../support/output.ts';
import {missing} from '../support/parts.ts';
import {machine, type Place} from '../support/place.ts';
import {endProcessesOf} from '../support/processes.ts';
import {startServed} from '../support/served.ts';
import {waitFor} from '../support/wait.ts';
import {fetchText, webTemplate, webTemplateAgain} from '../support/web.ts';

/** A user of this test's own: the kernel counts processes by user. */
const USER = 61_000 + (process.pid % 4000);

const asUser: Place = {
  ...machine,
  exec: argv => ['setpriv', '--reuid', String(USER), '--regid', String(USER), '--clear-groups', ...argv],
};

/** The soft limit of a process that runs (getrlimit(2)), or back to its hard one. What it has already it keeps. */
function limit(pid: number, what: 'nofile' | 'nproc', soft: number | 'hard', place = machine): void {
  const name = {nofile: 'Max open files', nproc: 'Max processes'}[what];
  const line = readFileSync(`/proc/${pid}/limits`, 'utf8')
    .split('\n')
    .find(one => one.startsWith(name));
  const hard = line?.slice(name.length).trim().split(/\s+/)[1];
  const value = soft === 'hard' ? hard : soft;
  const [file = '', ...args] = place.exec(['prlimit', '--pid', String(pid), `--${what}=${value}:`]);
  execFileSync(file, args);
}

/** The limit below which just so many descriptors of a process are free. */
function limitWith(pid: number, free: number): number {
  const taken = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let number = 0;
  for (let left = free; taken.has(number) || left > 0; number += 1) if (!taken.has(number)) left -= 1;
  return number;
}

/** A daemon with a template in a file, on a folder that its user owns, in sync. */
async function startOwned(
  place: Place,
  data: string,
): Promise<{daemon: Daemon; port: number; reload: () => Promise<void>}> {
  const port = await freePort();
  const template = webTemplate(`127.0.0.1:${port}`, 80);
  const path = join(data, 'proxy.j2');
  await writeFile(path, template);
  const daemon = await startDaemon({template: path, env: {KONTROL_WARMUP: '0'}, dataFolder: data, place});
  await daemon.waitFor(({inSync}) => inSync, 'the daemon in sync');
  let round = 0;
  return {daemon, port, reload: () => writeFile(path, webTemplateAgain(template, ++round))};
}

const seeRound = (daemon: Daemon, round: number) =>
  daemon.waitFor(
    async ({inSync, lastError}) =>
      inSync && lastError === null && (await daemon.get('/config'))?.body.startsWith(`# reload ${round}\n`),
    `round ${round} in sync`,
  );

describe('a daemon that lacks what it needs', {
  concurrency: 2,
  skip: missing('root', 'haproxy', 'netns'),
  timeout: 300_000,
}, () => {
  test('no descriptors left, one more each time -> the pass fails or not, the last good serves, in sync with enough', async t => {
    await using data = await openFolder();
    const {daemon, port, reload} = await startOwned(machine, data.path);
    await using _daemon = daemon;
    const reasons = new Set<string>();
    const isEnd = ({msg}: LogLine) => msg === 'pass ended' || String(msg).startsWith('pass failed');
    for (let left = 0; left < 12; left += 2) {
      const passes = daemon.logs.filter(isEnd).length;
      await reload();
      limit(daemon.pid, 'nofile', limitWith(daemon.pid, left));
      daemon.signal('SIGHUP');
      // Its status cannot always be asked for: that would take a descriptor.
      await waitFor(() => daemon.logs.filter(isEnd).length > passes, 'the end of a pass', {
        evidence: () => JSON.stringify(daemon.logs.slice(-5)),
      });
      const {error} = daemon.logs.filter(isEnd)[passes] ?? {};
      if (error !== null) reasons.add(String(error));
      assert.equal(await fetchText({port}), 'status 503');
      limit(daemon.pid, 'nofile', 'hard');
      await seeRound(daemon, left / 2 + 1);
    }
    t.diagnostic([...reasons].join('; '));
    assert.ok([...reasons].some(reason => /EMFILE|too many open files|descriptor/i.test(reason)));
  });

  test('no process can be started (EAGAIN) -> the pass fails with what to do, the last good serves, in sync later', async () => {
    await using data = await openFolder();
    await chown(data.path, USER, USER);
    const {daemon, port, reload} = await startOwned(asUser, data.path);
    await using _daemon = daemon;
    limit(daemon.pid, 'nproc', 1, asUser);
    await reload();
    const status = await daemon.waitFor(seen => seen.lastError !== null && seen, 'a failed pass');
    assert.match(status.lastError ?? '', /no process can be started \(EAGAIN\): raise the limit of processes/);
    assert.equal(status.ready, true);
    assert.equal(await fetchText({port}), 'status 503');
    assert.equal((await daemon.ping({ip: '127.0.9.9'})).is, 'answered');
    limit(daemon.pid, 'nproc', 'hard', asUser);
    await seeRound(daemon, 1);
  });

  test('the data folder becomes read-only -> the pass fails, the last good serves, in sync once it can be written', async () => {
    await using data = await openFolder();
    await using folder = await openFolder();
    const port = await freePort();
    const template = webTemplate(`127.0.0.1:${port}`, 80);
    const path = join(folder.path, 'proxy.j2');
    await writeFile(path, template);
    const inMounts: Place = {...machine, exec: argv => ['unshare', '--mount', ...argv]};
    const env = {KONTROL_WARMUP: '0'};
    await using daemon = await startDaemon({template: path, env, dataFolder: data.path, place: inMounts});
    await daemon.waitFor(({inSync}) => inSync, 'the daemon in sync');
    const mount = (command: string) =>
      execFileSync('nsenter', ['--mount', '--target', String(daemon.pid), 'sh', '-c', command, data.path]);
    const committed = await readFile(join(data.path, 'proxy.cfg'), 'utf8');
    // What is open for writing keeps a mount from being made read-only: another one over it does not care.
    mount('mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"');
    await writeFile(path, webTemplateAgain(template, 1));
    const status = await daemon.waitFor(seen => seen.lastError !== null && seen, 'a failed pass');
    assert.match(status.lastError ?? '', /^cannot write .*EROFS/);
    assert.equal(status.ready, true);
    assert.equal(await fetchText({port}), 'status 503');
    assert.equal(await readFile(join(data.path, 'proxy.cfg'), 'utf8'), committed);
    assert.equal((await daemon.ping({ip: '127.0.9.9'})).is, 'answered');
    const unwritten = await daemon.waitFor(({problems}) => {
      const ofData = problems.filter(({kind}) => kind === 'data');
      return ofData.length === 2 && ofData;
    }, 'the problems that neither members nor history can be written');
    const [members, history] = [null, 'history'].map(of => unwritten.find(({subject}) => subject === of)?.why ?? '');
    assert.match(members ?? '', /^cannot write .*\/members\.json: EROFS: .*; mount KONTROL_DATA/);
    assert.match(history ?? '', /^history not written: EROFS: .*; mount KONTROL_DATA/);
    mount('umount -l "$0"');
    await seeRound(daemon, 1);
    await daemon.waitFor(({problems}) => problems.every(({kind}) => kind !== 'data'), 'all of it written');
  });

  test('full disk at every write, one more page free each time -> as before or in sync, never in between', async t => {
    await using data = await openFolder();
    const PAGE_BYTES = 4096;
    const onSmallDisk: Place = {
      ...machine,
      exec: argv => [
        'unshare',
        '--mount',
        'sh',
        '-c',
        'mount -t tmpfs -o size=256k none "$0" && exec "$@"',
        data.path,
        ...argv,
      ],
    };
    await using folder = await openFolder();
    const port = await freePort();
    const template = webTemplate(`127.0.0.1:${port}`, 80);
    const path = join(folder.path, 'proxy.j2');
    await writeFile(path, template);
    const env = {KONTROL_WARMUP: '0'};
    await using daemon = await startDaemon({template: path, env, dataFolder: data.path, place: onSmallDisk});
    await daemon.waitFor(({inSync}) => inSync, 'the daemon in sync');
    const inside = join('/proc', String(daemon.pid), 'root', data.path);
    const filler = join(inside, 'filler');
    const reasons = new Set<string>();
    for (let free = 0; free <= 8; free += 1) {
      const before = await readFile(join(inside, 'proxy.cfg'), 'utf8');
      await assert.rejects(writeFile(filler, Buffer.alloc(512 * 1024)), {code: 'ENOSPC'});
      const size = (await readFile(filler)).length;
      await writeFile(filler, Buffer.alloc(size - free * PAGE_BYTES));
      const pass = (await daemon.status())?.reload.last?.pass ?? 0;
      const text = webTemplateAgain(template, free + 1);
      await writeFile(path, text);
      const {last} = (
        await daemon.waitFor(seen => (seen.reload.last?.pass ?? 0) > pass && seen, `a pass with ${free} pages free`)
      ).reload;
      const committed = await readFile(join(inside, 'proxy.cfg'), 'utf8');
      if (last?.verdict === 'failed') {
        assert.match(last.error ?? '', /ENOSPC/);
        assert.equal(committed, before);
        reasons.add((last.error ?? '').replace(/ .*\/(?:\d+\.)?/, ' ').slice(0, 40));
      }
      assert.equal(await fetchText({port}), 'status 503');
      await rm(filler);
      await seeRound(daemon, free + 1);
      await waitFor(
        async () => (await readdir(inside, {recursive: true})).every(name => !isTemporary(name)),
        'no temporary file',
      );
    }
    t.diagnostic([...reasons].join('; '));
    assert.ok(reasons.size > 0);
  });
});

/** Has the kernel give the next process the number `pid`; others start processes too, and may have it for a while. */
function startAs(pid: number): Promise<ChildProcess> {
  const start = async () => {
    if (existsSync(`/proc/${pid}`)) return undefined;
    writeFileSync('/proc/sys/kernel/ns_last_pid', String(pid - 1));
    // Neither its environment nor its arguments name the folder, and it would die of any signal.
    const stranger = spawn('sleep', ['300'], {stdio: 'ignore', env: {}});
    if (stranger.pid === pid) return stranger;
    const gone = once(stranger, 'exit');
    stranger.kill('SIGKILL');
    await gone;
    return undefined;
  };
  return waitFor(start, `a process with the number ${pid}`, {timeoutMs: 90_000});
}

test('a recorded PID that the kernel has given to another process -> left alone, and the proxy starts', {
  skip: missing('root', 'haproxy'),
  timeout: 180_000,
}, async () => {
  await using served = await startServed();
  const {dataFolder} = served.daemon;
  const pid = await served.pid();
  const path = join(dataFolder, 'run', 'generations.json');
  await waitFor(async () => (await readFile(path, 'utf8')).includes(`"pid":${pid}`), 'the record');
  served.daemon.signal('SIGKILL');
  await served.daemon.exited;
  await endProcessesOf(dataFolder);
  // Until PID 1 has waited for it, its number is taken.
  await waitFor(() => !existsSync(`/proc/${pid}`), 'the end of its zombie', {timeoutMs: 60_000});
  const stranger = await startAs(pid);
  const gone = once(stranger, 'exit');
  try {
    await using next = await startDaemon(served.again);
    await next.waitFor(({inSync}) => inSync, 'the next daemon in sync');
    assert.ok(!next.logs.some(({msg}) => String(msg).startsWith('taking over a HAProxy')));
    await served.reload();
    await next.waitFor(async () => /reload 1/.test((await next.get('/config'))?.body ?? ''), 'a reload');
    next.signal('SIGTERM');
    assert.deepEqual(await next.exited, {code: 0, signal: null});
    assert.deepEqual([stranger.exitCode, stranger.signalCode], [null, null]);
  } finally {
    stranger.kill('SIGKILL');
    await gone;
  }
});
