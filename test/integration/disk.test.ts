import assert from 'node:assert/strict';
import {chmod, chown, mkdir, readdir, readFile, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {startBackends} from '../support/backend.ts';
import {startDaemon} from '../support/daemon.ts';
import {openFolder} from '../support/folder.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';
import {machine, type Place} from '../support/place.ts';
import {startServed} from '../support/served.ts';
import {fetchText, webTemplate, webTemplateAgain} from '../support/web.ts';

/** Permissions count for it, as they do not for root. */
const PLAIN_USER = 60_999;

const asPlainUser: Place = {
  ...machine,
  exec: argv => ['setpriv', '--reuid', String(PLAIN_USER), '--regid', String(PLAIN_USER), '--clear-groups', ...argv],
};

const DISK_BYTES = 256 * 1024;

/** This machine, but with a disk of `DISK_BYTES` at `folder` that only the daemon and its children see. */
const withSmallDisk = (folder: string): Place => ({
  ...machine,
  exec: argv => {
    const mount = `mount -t tmpfs -o size=${DISK_BYTES} none "$0" && exec "$@"`;
    return ['unshare', '--mount', 'sh', '-c', mount, folder, ...argv];
  },
});

describe('full disk under KONTROL_DATA', {
  concurrency: 2,
  skip: missing('root', 'haproxy', 'netns'),
  timeout: 180_000,
}, () => {
  test('later -> the last good serves, pings are taken, in sync once there is room', async () => {
    const [port, podPort] = [await freePort(), await freePort()];
    await using _pods = await startBackends(
      ['127.0.9.5', '127.0.9.6'].map(host => ({name: 'pod', host, port: podPort})),
    );
    await using data = await openFolder();
    const template = webTemplate(`127.0.0.1:${port}`, podPort);
    const env = {KONTROL_WARMUP: '0'};
    await using daemon = await startDaemon({template, env, dataFolder: data.path, place: withSmallDisk(data.path)});
    const [first, second] = [daemon.slave({ip: '127.0.9.5'}), daemon.slave({ip: '127.0.9.6'})];
    using _silence = {
      [Symbol.dispose]() {
        first.silence();
        second.silence();
      },
    };
    first.run(500);
    await daemon.waitFor(async ({inSync}) => inSync && (await fetchText({port})) === 'pod', 'the pod served');

    // The daemon's own view of the disk, from outside its mount namespace.
    const inside = join('/proc', String(daemon.pid), 'root', data.path);
    const committed = await readFile(join(inside, 'proxy.cfg'), 'utf8');
    const filler = join(inside, 'filler');
    await assert.rejects(writeFile(filler, Buffer.alloc(2 * DISK_BYTES)), {code: 'ENOSPC'});
    second.run(500);
    const status = await daemon.waitFor(seen => !seen.inSync && seen.lastError !== null && seen, 'a failed pass');
    assert.match(status.lastError ?? '', /^cannot (write|apply) .*ENOSPC: no space left on device/);
    assert.equal(status.memberCount, 2);
    assert.equal(status.ready, true);
    assert.equal(await fetchText({port}), 'pod');
    assert.equal(await readFile(join(inside, 'proxy.cfg'), 'utf8'), committed);
    const pid = status.proxy.pid ?? 0;
    process.kill(pid, 'SIGKILL');
    await daemon.waitFor(({proxy}) => proxy.state === 'RUNNING' && proxy.pid !== pid, 'HAProxy restarted without room');
    assert.equal(await fetchText({port}), 'pod');

    await rm(filler);
    await daemon.waitFor(({inSync, lastError}) => inSync && lastError === null, 'in sync again');
    assert.match(await readFile(join(inside, 'proxy.cfg'), 'utf8'), /web-2 127.0.9.6/);
    await daemon.waitFor(
      async () => (await readFile(join(inside, 'members.json'), 'utf8')).includes('127.0.9.6'),
      'the snapshot',
    );
    daemon.signal('SIGTERM');
    assert.deepEqual(await daemon.exited, {code: 0, signal: null});
  });

  test('at start -> exit 9 with what to do', async () => {
    await using data = await openFolder();
    const full: Place = {
      ...machine,
      exec: argv => {
        const mount = `mount -t tmpfs -o size=8k none "$0" && { head -c 9000 /dev/zero > "$0/filler"; exec "$@"; }`;
        return ['unshare', '--mount', 'sh', '-c', mount, data.path, ...argv];
      },
    };
    const template = webTemplate(`127.0.0.1:${await freePort()}`, 80);
    await using daemon = await startDaemon({template, dataFolder: data.path, place: full});
    const {code} = await daemon.exited;
    assert.equal(code, 9);
    assert.match(JSON.stringify(daemon.logs), /haproxy-kontrol: cannot write .*ENOSPC.*; make room in KONTROL_DATA/);
  });

  test('a folder that cannot be written -> exit 3 with what to do', async () => {
    await using data = await openFolder();
    const readOnly: Place = {
      ...machine,
      exec: argv => [
        'unshare',
        '--mount',
        'sh',
        '-c',
        'mount -t tmpfs -o ro none "$0" && exec "$@"',
        data.path,
        ...argv,
      ],
    };
    const template = webTemplate(`127.0.0.1:${await freePort()}`, 80);
    await using daemon = await startDaemon({template, dataFolder: data.path, place: readOnly});
    const {code} = await daemon.exited;
    assert.equal(code, 3);
    assert.match(JSON.stringify(daemon.logs), /haproxy-kontrol: cannot lock KONTROL_DATA .*read-only/i);
  });
});

describe('a data folder in which something is not as it was', {
  concurrency: 2,
  skip: missing('root', 'haproxy'),
  timeout: 180_000,
}, () => {
  test('while it runs -> HAProxy that dies is started anew, the pass fails in the same words each time, in sync once mended', async () => {
    await using data = await openFolder();
    await using templates = await openFolder();
    await chown(data.path, PLAIN_USER, PLAIN_USER);
    await chmod(templates.path, 0o755);
    const port = await freePort();
    const template = webTemplate(`127.0.0.1:${port}`, 80);
    const path = join(templates.path, 'proxy.j2');
    await writeFile(path, template);
    // Whose socket cannot be reached does not hang: it is not ended.
    const env = {KONTROL_WARMUP: '0', KONTROL_DAMPER: '0', KONTROL_HANG: '1'};
    await using daemon = await startDaemon({template: path, env, dataFolder: data.path, place: asPlainUser});
    await daemon.waitFor(({inSync}) => inSync, 'the daemon in sync');
    let restarts = 0;
    const kill = async (pid: number | null) => {
      process.kill(pid ?? 0, 'SIGKILL');
      restarts += 1;
      await daemon.waitFor(
        async ({proxy}) => proxy.restarts === restarts && (await fetchText({port})) === 'status 503',
        'HAProxy anew',
      );
    };

    // Nobody but root can read them.
    const names = (await readdir(data.path, {recursive: true})).filter(name => /\.cfg$/.test(name));
    for (const name of names) await chmod(join(data.path, name), 0);
    await kill((await daemon.status())?.proxy.pid ?? null);

    await rm(join(data.path, 'proxy.cfg'));
    await mkdir(join(data.path, 'proxy.cfg'));
    await writeFile(path, webTemplateAgain(template, 1));
    const failed = await daemon.waitFor(seen => seen.lastError !== null && seen, 'a failed pass');
    assert.match(failed.lastError ?? '', /^cannot write .*\/proxy\.cfg: a folder has its name; remove that folder/);
    assert.equal((await daemon.ping({ip: '127.0.9.9'})).is, 'answered');
    await kill(failed.proxy.pid);

    await rm(join(data.path, 'run'), {recursive: true});
    await writeFile(join(data.path, 'run'), '');
    // A change is tried at once, and again a second later.
    await writeFile(path, webTemplateAgain(template, 2));
    const inTheWay = /^cannot write .*\/run\/\d\.cfg: .*\/run is not a folder; remove it, and it is made again/;
    const entries = async () =>
      JSON.parse((await daemon.get('/history'))?.body ?? '[]') as {error: string | null; retries?: {count: number}}[];
    await daemon.waitFor(async () => {
      const [last] = await entries();
      return inTheWay.test(last?.error ?? '') && last?.retries !== undefined;
    }, 'a retry, as one entry of the history');
    assert.equal(await fetchText({port}), 'status 503');

    await rm(join(data.path, 'proxy.cfg'), {recursive: true});
    await rm(join(data.path, 'run'));
    await writeFile(path, webTemplateAgain(template, 3));
    await daemon.waitFor(
      async ({inSync, lastError}) =>
        inSync &&
        lastError === null &&
        (await readFile(join(data.path, 'proxy.cfg'), 'utf8').catch(() => '')).startsWith('# reload 3\n'),
      'in sync again',
    );
  });

  test('at start -> exit 3, with what is in the way and what to do', async () => {
    const ROWS = [
      ['run', 'file', /cannot use .*\/run: it is not a folder; remove it, and it is made again/],
      ['certs', 'file', /cannot use .*\/certs: it is not a folder; remove it, and it is made again/],
      ['daemon.lock', 'folder', /cannot lock KONTROL_DATA .*: daemon\.lock: a folder has its name; remove that folder/],
    ] as const;
    const template = webTemplate(`127.0.0.1:${await freePort()}`, 80);
    const tried = ROWS.map(async ([name, is, words]) => {
      await using data = await openFolder();
      if (is === 'file') await writeFile(join(data.path, name), '');
      else await mkdir(join(data.path, name));
      await using daemon = await startDaemon({template, dataFolder: data.path});
      const {code} = await daemon.exited;
      assert.equal(code, 3, name);
      assert.match(JSON.stringify(daemon.logs.filter(({raw}) => raw !== undefined)), words);
    });
    await Promise.all(tried);
  });
});

describe('a snapshot that cannot be used -> a warning, not fatal', {
  concurrency: 2,
  skip: missing('haproxy'),
  timeout: 180_000,
}, () => {
  for (const [situation, spoil] of [
    ['truncated', (text: string) => text.slice(0, -40)],
    ['foreign', () => '{"members": ["10.0.0.1; rm -rf /"]}'],
    ['empty', () => ''],
  ] as const) {
    test(`${situation} -> set aside, members come back by their pings`, async () => {
      await using served = await startServed();
      const {dataFolder} = served.daemon;
      served.daemon.signal('SIGKILL');
      await served.daemon.exited;
      const path = join(dataFolder, 'members.json');
      await writeFile(path, spoil(await readFile(path, 'utf8')));
      await using next = await startDaemon(served.again);
      await next.waitFor(async ({inSync, hosts}) => inSync && hosts.web && (await served.fetch()) === 'pod', 'the pod');
      const warning = next.logs.find(({msg}) => msg === 'members not restored: snapshot set aside');
      assert.equal(warning?.level, 40);
      const aside = (await readdir(dataFolder)).filter(name => name.startsWith('members.json.corrupt-'));
      assert.equal(aside.length, 1);
    });
  }

  test('unreadable -> left where it is, members come back by their pings', async () => {
    await using served = await startServed();
    const {dataFolder} = served.daemon;
    served.daemon.signal('SIGKILL');
    await served.daemon.exited;
    const path = join(dataFolder, 'members.json');
    await rm(path);
    // Nobody can read a folder as a file, not even root.
    await mkdir(path);
    await using next = await startDaemon(served.again);
    await next.waitFor(async ({inSync, hosts}) => inSync && hosts.web && (await served.fetch()) === 'pod', 'the pod');
    assert.ok(
      next.logs.some(({msg, level}) => msg === 'members not restored: snapshot not accessible' && level === 40),
    );
    assert.ok(next.logs.some(({msg, level}) => msg === 'snapshot not written' && level === 40));
  });

  test('sound (old fault 11, a restart forgot everything) -> the remembered members serve at once, keep their seq, ready at once', async () => {
    await using served = await startServed();
    const before = JSON.parse((await served.daemon.get('/members'))?.body ?? '[]');
    served.pod.silence();
    served.daemon.signal('SIGKILL');
    await served.daemon.exited;
    await using next = await startDaemon(served.again);
    await next.waitFor(({inSync, ready}) => inSync && ready, 'the next daemon ready');
    const [member] = JSON.parse((await next.get('/members'))?.body ?? '[]');
    assert.equal(member.seq, before[0].seq);
    assert.equal(member.firstSeenAt, before[0].firstSeenAt);
    const first = next.logs.find(({msg}) => msg === 'pass ended');
    assert.equal(first?.cause, 'start');
    assert.match(await served.committed(), /server web-1 127.0.9.1/);
  });
});
