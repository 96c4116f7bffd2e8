import assert from 'node:assert/strict';
import {readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync} from 'node:fs';
import {connect, type Socket} from 'node:net';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {openProcessTable} from '../../src/jobs/proc.ts';
import {startDaemon} from '../support/daemon.ts';
import {openFolder} from '../support/folder.ts';
import {missing} from '../support/parts.ts';
import {startServed} from '../support/served.ts';
import {waitFor} from '../support/wait.ts';

/** `KONTROL_IDLE=10000` is the whole measurement. */
const IDLE = Number(process.env.KONTROL_IDLE ?? 700);

/** The local addresses of a process's UDP sockets, as the kernel writes them: `0100007F` is 127.0.0.1. */
function udpHostsOf(pid: number): string[] {
  const inodes = readdirSync(`/proc/${pid}/fd`).map(fd => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
    } catch {
      return undefined;
    }
  });
  return ['udp', 'udp6'].flatMap(table =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .map(line => line.trim().split(/\s+/))
      .filter(([, address, , , , , , , , inode]) => address?.includes(':') && inodes.includes(inode))
      .map(fields => fields[1]?.split(':')[0] ?? ''),
  );
}

describe('a running daemon, from outside', {skip: missing('haproxy'), timeout: 120_000}, () => {
  test('files and sockets of a running daemon -> nobody but its user reads or writes them', async () => {
    await using served = await startServed();
    const folder = served.daemon.dataFolder;
    // The group may look at what is served; everything else is for the user alone.
    const shared = new Set(['proxy.cfg', 'proxy.out']);
    const open = readdirSync(folder, {recursive: true, encoding: 'utf8'}).filter(name => {
      const stat = statSync(join(folder, name), {throwIfNoEntry: false});
      if (stat === undefined || stat.isDirectory()) return false;
      return (stat.mode & 0o777 & ~(shared.has(name) ? 0o640 : 0o600)) !== 0;
    });
    // They tell PIDs, a UDP port of loopback, and that a daemon is there.
    const harmless = new Set(['proxy.pid', 'run/generations.json', 'log.cfg', 'daemon.lock', 'xtables.lock']);
    assert.deepEqual(
      open.filter(name => !harmless.has(name)),
      [],
    );
  });

  test("its working folder and HAProxy's -> the data folder, wherever it was started", async () => {
    await using served = await startServed();
    const {pid, dataFolder} = served.daemon;
    assert.deepEqual(
      [pid, await served.pid()].map(one => readlinkSync(`/proc/${one}/cwd`)),
      [dataFolder, dataFolder],
    );
  });

  test('what a running daemon listens on -> its two ports; UDP on loopback alone', async () => {
    await using served = await startServed();
    const {pid, port, statusPort} = served.daemon;
    const table = openProcessTable();
    assert.deepEqual(
      await table.listeningPorts(pid),
      [port, statusPort].sort((a, b) => a - b),
    );
    assert.deepEqual(await table.listeningPorts(await served.pid()), [served.port]);
    assert.deepEqual([...new Set(udpHostsOf(pid))], ['0100007F']);
  });

  test('links planted in the data folder -> what they lead to is left as it is, the daemon serves', async () => {
    await using served = await startServed();
    const {daemon} = served;
    const victim = join(daemon.dataFolder, 'victim');
    writeFileSync(victim, 'theirs');
    daemon.signal('SIGKILL');
    await daemon.exited;
    const planted = ['proxy.cfg', 'proxy.out', 'proxy.pid', 'members.json', 'log.cfg', 'haproxy.sock', 'xtables.lock'];
    for (const name of [...planted, 'history/passes.json', 'run/generations.json']) {
      rmSync(join(daemon.dataFolder, name), {force: true});
      symlinkSync(victim, join(daemon.dataFolder, name));
    }
    await using again = await startDaemon(served.again);
    await again.waitFor(({inSync, hosts}) => inSync && hosts.web?.length === 1, 'the pod in sync');
    await waitFor(async () => (await served.fetch()) === 'pod', 'the pod served');
    assert.equal(readFileSync(victim, 'utf8'), 'theirs');
  });

  test("a link planted in the control socket's place -> exit 5 that names it, what it leads to is left", async () => {
    await using folder = await openFolder();
    const [victim, link] = ['victim', 'sock'].map(name => join(folder.path, name)) as [string, string];
    writeFileSync(victim, 'theirs');
    symlinkSync(victim, link);
    await using daemon = await startDaemon({template: 'frontend a\n  bind :0\n', env: {KONTROL_SOCKET: link}});
    const {code} = await daemon.exited;
    assert.equal(code, 5);
    assert.ok(daemon.logs.some(line => JSON.stringify(line).includes('something else that is no socket; remove it')));
    assert.equal(readFileSync(victim, 'utf8'), 'theirs');
  });

  test('idle connections, more than there may be -> probes are answered, the daemon keeps no more than it may', async () => {
    await using served = await startServed({KONTROL_WARMUP: '0'});
    const {pid, statusPort} = served.daemon;
    const sockets: Socket[] = [];
    try {
      for (let number = 0; number < IDLE; number += 1) {
        sockets.push(connect(statusPort, `127.0.0.${1 + (number % 4)}`).on('error', () => {}));
        if (number % 500 === 499) await new Promise(setImmediate);
      }
      await waitFor(() => sockets.filter(({connecting}) => !connecting).length === IDLE, 'all connected or refused');
      await waitFor(async () => (await served.daemon.get('/livez'))?.status === 200, '/livez');
      await waitFor(() => readdirSync(`/proc/${pid}/fd`).length < 640, 'no more than 512 and its own');
      assert.equal(await served.fetch(), 'pod');
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });

  test('more listeners of /events than people -> the next one is sent away, the others go on', async () => {
    await using served = await startServed({KONTROL_WARMUP: '0'});
    const heads: string[] = [];
    const sockets: Socket[] = [];
    try {
      for (let number = 0; number < 65; number += 1) {
        const socket = connect(served.daemon.statusPort, '127.0.0.1').on('error', () => {});
        sockets.push(socket);
        socket.once('data', chunk => heads.push(chunk.toString().split('\r\n')[0] ?? ''));
        socket.write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n');
      }
      await waitFor(() => heads.length === 65, 'an answer for each');
      assert.equal(heads.filter(head => head === 'HTTP/1.1 200 OK').length, 64);
      assert.equal(heads.filter(head => head.startsWith('HTTP/1.1 503')).length, 1);
      assert.ok((await served.daemon.status())?.ready);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });
});
