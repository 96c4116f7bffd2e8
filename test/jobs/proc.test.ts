import assert from 'node:assert/strict';
import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdir, mkdtemp, rm, symlink, writeFile} from 'node:fs/promises';
import {createServer, type Server} from 'node:net';
import {getPriority, tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {test} from 'node:test';
import {openProcessTable, type ProcessTable} from '../../src/jobs/proc.ts';
import {waitFor} from '../support/wait.ts';

interface FakeProc extends AsyncDisposable {
  readonly table: ProcessTable;
  /** Makes a symbolic link lead elsewhere, or takes it away. */
  relink(path: string, target: string | undefined): Promise<void>;
}

/** A folder with the layout of /proc: files by path; a value `-> target` makes a symbolic link. */
async function fakeProc(files: Record<string, string>): Promise<FakeProc> {
  const root = await mkdtemp(join(tmpdir(), 'kontrol-proc-'));
  for (const [path, content] of Object.entries(files)) {
    const file = join(root, path);
    await mkdir(dirname(file), {recursive: true});
    if (content.startsWith('-> ')) await symlink(content.slice(3), file);
    else await writeFile(file, content);
  }
  return {
    table: openProcessTable(root),
    async relink(path, target) {
      await rm(join(root, path));
      if (target !== undefined) await symlink(target, join(root, path));
    },
    [Symbol.asyncDispose]: () => rm(root, {recursive: true}),
  };
}

const statLine = (pid: number, name: string, state: string, startTicks: number): string =>
  `${pid} (${name}) ${state} 1 1 1 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 ${startTicks} 1000 100 18446744073709551615\n`;

const socketTable = (...rows: [state: string, port: number, inode: number, queue?: number][]): string =>
  [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    ...rows.map(([state, port, inode, queue = 0], index) => {
      const hex = (value: number, width: number) => value.toString(16).toUpperCase().padStart(width, '0');
      const queues = `00000000:${hex(queue, 8)}`;
      return `${index}: 00000000:${hex(port, 4)} 00000000:0000 ${state} ${queues} 00:00000000 00000000 0 0 ${inode} 1 0`;
    }),
    '',
  ].join('\n');

async function sleeper(): Promise<ChildProcess & {readonly pid: number}> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', 'kontrol-sleeper'], {stdio: 'ignore'});
  await once(child, 'spawn');
  assert.ok(child.pid !== undefined);
  return Object.assign(child, {pid: child.pid});
}

test('identify, a name with blanks and parentheses -> the start time behind it', async () => {
  await using proc = await fakeProc({'7/stat': statLine(7, 'a) R 2 (b c)', 'S', 4711)});
  assert.deepEqual(await proc.table.identify(7), {pid: 7, startTicks: 4711});
});

test('identify, gone or zombie -> undefined', async () => {
  await using proc = await fakeProc({'7/stat': statLine(7, 'haproxy', 'Z', 4711)});
  assert.equal(await proc.table.identify(7), undefined);
  assert.equal(await proc.table.identify(8), undefined);
});

test('sleeps -> how often it waited of itself; 0 when it is gone', async () => {
  await using proc = await fakeProc({
    '7/status': 'Name:\tx\nvoluntary_ctxt_switches:\t42\nnonvoluntary_ctxt_switches:\t7\n',
  });
  assert.deepEqual(await Promise.all([7, 8].map(pid => proc.table.sleeps(pid))), [42, 0]);
});

test('isAlive, a reused PID -> false', async () => {
  await using proc = await fakeProc({'7/stat': statLine(7, 'haproxy', 'S', 4711)});
  assert.equal(await proc.table.isAlive({pid: 7, startTicks: 4711}), true);
  assert.equal(await proc.table.isAlive({pid: 7, startTicks: 4710}), false);
});

test('findByArguments, by a predicate -> those alive, with their arguments', async () => {
  await using proc = await fakeProc({
    '7/stat': statLine(7, 'haproxy', 'S', 1),
    '7/cmdline': 'haproxy\0-f\0/data/a b.cfg\0\0',
    '8/stat': statLine(8, 'haproxy', 'Z', 2),
    '8/cmdline': 'haproxy\0-f\0/data/a b.cfg\0\0',
    '9/stat': statLine(9, 'kthreadd', 'S', 3),
    '9/cmdline': '',
    'self/cmdline': 'haproxy\0',
  });
  const found = await proc.table.findByArguments(args => args[0] === 'haproxy');
  assert.deepEqual(found, [{identity: {pid: 7, startTicks: 1}, args: ['haproxy', '-f', '/data/a b.cfg', '']}]);
});

test('listeningPorts, sockets of several processes and states -> its own listeners only', async () => {
  await using proc = await fakeProc({
    '7/fd/0': '-> /dev/null',
    '7/fd/3': '-> socket:[100]',
    '7/fd/4': '-> socket:[101]',
    '7/fd/5': '-> socket:[102]',
    '7/net/tcp': socketTable(['0A', 8080, 100], ['0A', 80, 999], ['01', 81, 102]),
    '7/net/tcp6': socketTable(['0A', 443, 101], ['0A', 8080, 100]),
  });
  assert.deepEqual(await proc.table.listeningPorts(7), [443, 8080]);
  assert.deepEqual(await proc.table.listeningPorts(8), []);
});

test('watchListeners, connections beside -> open until the last listener is closed or its number reused', async () => {
  await using proc = await fakeProc({
    '7/fd/3': '-> socket:[100]',
    '7/fd/4': '-> socket:[101]',
    '7/fd/5': '-> socket:[102]',
    '7/net/tcp': socketTable(['0A', 80, 100], ['0A', 81, 101], ['01', 81, 102]),
  });
  const stillListens = await proc.table.watchListeners(7);
  await proc.relink('7/fd/3', 'socket:[103]');
  assert.equal(await stillListens(), true);
  await proc.relink('7/fd/4', undefined);
  assert.equal(await stillListens(), false);
  const none = await proc.table.watchListeners(8);
  assert.equal(await none(), false);
});

test('hasPendingHandshakes, by rows of the gated ports -> busy while one waits there', async () => {
  const quiet: Parameters<typeof socketTable> = [
    ['0A', 80, 1],
    ['0A', 81, 2, 5],
    ['03', 82, 0],
    ['01', 80, 4, 9],
  ];
  await using proc = await fakeProc({
    'self/net/tcp': socketTable(...quiet),
    'self/net/tcp6': socketTable(['0A', 83, 5, 1]),
  });
  assert.equal(await proc.table.hasPendingHandshakes([80, 443]), false);
  assert.equal(await proc.table.hasPendingHandshakes([80, 81]), true);
  assert.equal(await proc.table.hasPendingHandshakes([82]), true);
  assert.equal(await proc.table.hasPendingHandshakes([83]), true);
  assert.equal(await proc.table.hasPendingHandshakes([]), false);
});

test('hasPendingHandshakes, a table of many chunks -> its last row counts', async () => {
  const many = Array.from({length: 5000}, (_, index): [string, number, number] => ['01', 80, index]);
  await using proc = await fakeProc({'self/net/tcp': socketTable(...many, ['03', 80, 0])});
  assert.equal(await proc.table.hasPendingHandshakes([80]), true);
  assert.equal(await proc.table.hasPendingHandshakes([81]), false);
});

test('seesFolder, the same name elsewhere -> only the very folder counts', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kontrol-data-'));
  try {
    await using proc = await fakeProc({'7/root': '-> /', [join('8/root', folder, 'proxy.cfg')]: ''});
    assert.equal(await proc.table.seesFolder(7, folder), true);
    assert.equal(await proc.table.seesFolder(8, folder), false);
    assert.equal(await proc.table.seesFolder(9, folder), false);
  } finally {
    await rm(folder, {recursive: true});
  }
});

test('process table, the real one -> a child is found, signalled once and gone', async () => {
  const table = openProcessTable();
  const child = await sleeper();
  const exited = once(child, 'exit');
  try {
    const [found] = await waitFor(async () => {
      const list = await table.findByArguments(args => args.includes('kontrol-sleeper'));
      return list.filter(({identity}) => identity.pid === child.pid).length > 0 && list;
    }, 'the child');
    assert.ok(found);
    assert.equal(await table.isAlive(found.identity), true);
    await table.giveWay(child.pid);
    assert.equal(getPriority(child.pid), 10);
    const stranger = {...found.identity, startTicks: found.identity.startTicks - 1};
    assert.equal(await table.signal(stranger, 'SIGTERM'), false);
    assert.equal(await table.signal(found.identity, 'SIGTERM'), true);
    await exited;
    assert.equal(await table.identify(child.pid), undefined);
    assert.equal(await table.signal(found.identity, 'SIGTERM'), false);
    assert.deepEqual(await table.listeningPorts(child.pid), []);
  } finally {
    child.kill('SIGKILL');
  }
});

test('process table, our own listeners -> their ports, until they close', async () => {
  const table = openProcessTable();
  const server: Server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  assert.ok((await table.listeningPorts(process.pid)).includes(address.port));
  assert.equal(await table.hasPendingHandshakes([address.port]), false);
  const stillListens = await table.watchListeners(process.pid);
  assert.equal(await stillListens(), true);
  server.close();
  await once(server, 'close');
  assert.equal(await stillListens(), false);
  assert.ok(!(await table.listeningPorts(process.pid)).includes(address.port));
});
