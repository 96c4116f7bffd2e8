import assert from 'node:assert/strict';
import {once} from 'node:events';
import {mkdtemp, readFile, rm, stat, symlink, writeFile} from 'node:fs/promises';
import {connect, type Socket} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {openControlSocket} from '../../src/lifecycle/control-socket.ts';
import {systemClock} from '../../src/ports/clock.ts';
import {openLogSink} from '../members/fixtures.ts';
import {createFakeClock, type FakeClock} from '../support/fake-clock.ts';
import {waitFor} from '../support/wait.ts';

interface Command {
  readonly bytes: Buffer;
  readonly isGone: () => Promise<boolean>;
  answer(text: string): void;
}

/** A control socket whose commands wait for their answers, in real time or on a clock that moves when told. */
async function openBench(fakeClock?: FakeClock) {
  const clock = fakeClock ?? systemClock;
  const folder = await mkdtemp(join(tmpdir(), 'kontrol-sock-'));
  const path = join(folder, 'sock');
  const {log, said} = openLogSink();
  const commands: Command[] = [];
  const opened = await openControlSocket({
    path,
    clock,
    log,
    answer(bytes, isGone) {
      const {promise, resolve} = Promise.withResolvers<string>();
      commands.push({bytes, isGone, answer: resolve});
      return promise;
    },
  });
  const clients: Socket[] = [];
  const client = async () => {
    const socket = connect({path, allowHalfOpen: true});
    clients.push(socket);
    const heard: Buffer[] = [];
    socket.on('data', chunk => heard.push(chunk)).on('error', () => {});
    await once(socket, 'connect');
    return {socket, heard: () => Buffer.concat(heard).toString(), ended: once(socket, 'end')};
  };
  return {
    path,
    folder,
    commands,
    client,
    said,
    opened,
    command: (count: number) => waitFor(() => commands.length >= count && commands[count - 1], `command ${count}`),
    async [Symbol.asyncDispose]() {
      for (const socket of clients) socket.destroy();
      const closed = opened.close();
      // Commands that were never answered are cut off after a while.
      await fakeClock?.advance(10_000);
      await closed;
      await rm(folder, {recursive: true, force: true});
    },
  };
}

describe('control socket', () => {
  test('the end of input -> the command runs, in however many pieces it came; the answer, then the end', async () => {
    await using bench = await openBench();
    const {socket, heard, ended} = await bench.client();
    socket.write('WAIT ');
    socket.write('configure x');
    socket.end('y');
    const command = await bench.command(1);
    assert.equal(String(command.bytes), 'WAIT configure xy');
    command.answer('OK');
    await ended;
    assert.equal(heard(), 'OK');
  });

  test('half a second after a newline -> runs though the side stays open; not before, and not without one', async () => {
    const clock = createFakeClock();
    await using bench = await openBench(clock);
    const [line, part] = [await bench.client(), await bench.client()];
    line.socket.write('STATE\n');
    part.socket.write('STATE');
    await clock.advance(0);
    await waitFor(async () => {
      await clock.advance(499);
      return true;
    }, 'nearly half a second');
    assert.equal(bench.commands.length, 0);
    await waitFor(async () => {
      await clock.advance(500);
      return bench.commands.length > 0;
    }, 'the command');
    assert.deepEqual(
      bench.commands.map(({bytes}) => String(bytes)),
      ['STATE\n'],
    );
  });

  test('a client that says nothing whole -> sent away with KO in its time', async () => {
    const clock = createFakeClock();
    await using bench = await openBench(clock);
    const {socket, heard, ended} = await bench.client();
    socket.write('STA');
    await waitFor(async () => {
      await clock.advance(10_000);
      return heard() !== '';
    }, 'the end of its patience');
    await ended;
    assert.deepEqual([heard(), bench.commands.length], ['KO', 0]);
  });

  test('more bytes than any command has -> KO, nothing runs', async () => {
    await using bench = await openBench();
    const {socket, heard, ended} = await bench.client();
    socket.end(Buffer.alloc(5 << 20, 'x'));
    await ended;
    assert.deepEqual([heard(), bench.commands.length], ['KO', 0]);
  });

  test('fault 8: one command that takes long -> others are answered meanwhile', async () => {
    await using bench = await openBench();
    const [slow, quick] = [await bench.client(), await bench.client()];
    slow.socket.end('WAIT configure');
    await bench.command(1);
    quick.socket.end('STATE');
    (await bench.command(2)).answer('configure');
    await quick.ended;
    assert.deepEqual([quick.heard(), slow.heard()], ['configure', '']);
    bench.commands[0]?.answer('OK');
    await slow.ended;
  });

  test('whether a client is gone -> known though it had closed its side before', async () => {
    await using bench = await openBench();
    const {socket} = await bench.client();
    socket.end('WAIT configure');
    const command = await bench.command(1);
    assert.equal(await command.isGone(), false);
    socket.destroy();
    await waitFor(() => command.isGone(), 'its absence');
    command.answer('OK');
  });

  test('its file -> mode 0600 from the start, removed when closed', async () => {
    const bench = await openBench();
    assert.equal((await stat(bench.path)).mode & 0o777, 0o600);
    await bench.opened.close();
    await assert.rejects(stat(bench.path), {code: 'ENOENT'});
    await rm(bench.folder, {recursive: true});
  });

  test('a path that cannot be had -> LISTEN, with what to do', async () => {
    await using bench = await openBench();
    const {log} = openLogSink();
    const open = (path: string) => openControlSocket({path, clock: systemClock, log, answer: async () => ''});
    await writeFile(join(bench.folder, 'file'), 'precious');
    await symlink(join(bench.folder, 'file'), join(bench.folder, 'link'));
    for (const [path, reason] of [
      [bench.path, /another daemon listens there; or set KONTROL_SOCKET/],
      [join(bench.folder, 'file'), /something else that is no socket; remove it/],
      [join(bench.folder, 'link'), /something else that is no socket; remove it/],
      [join(bench.folder, 'none/sock'), /ENOENT|EACCES|no such file/],
    ] as const) {
      await assert.rejects(open(path), {code: 'LISTEN', message: reason});
    }
    assert.equal(await readFile(join(bench.folder, 'link'), 'utf8'), 'precious');
  });
});
