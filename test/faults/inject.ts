/*
 * Preloaded into a real daemon (`NODE_OPTIONS=--import=…`), below its ports: counts what it asks of the system once the
 * file `armed` is there, and has one of those effects fail, stall, or be the last one that it lives to see.
 */
import childProcess, {type ChildProcess, type SpawnOptions} from 'node:child_process';
import fs from 'node:fs';
import promises, {type FileHandle} from 'node:fs/promises';
import {syncBuiltinESMExports} from 'node:module';
import net, {type NetConnectOpts, type Socket} from 'node:net';
import os from 'node:os';
import {basename} from 'node:path';

const {FAULT_FOLDER: folder = '', KONTROL_DATA: data = ''} = process.env;
const {appendFileSync, readFileSync, writeFileSync} = fs;

/** Longer than a gate's rules live, and than any command may take that has no limit of its own. */
const STALL_MS = 6000;

/** `stop`: HAProxy hangs from then on, and the effect itself goes well. */
type Fate = 'go' | 'error' | 'hang' | 'crash' | 'stop';

/** What the file `armed` holds. */
export interface Armed {
  /** Another one is another trial. */
  readonly trial: number;
  /** The one that serves before the pass. */
  readonly generation: number;
  /** Of that one. */
  readonly pid: number | null;
  readonly fault: {readonly label: string; readonly nth: number; readonly kind: Fate} | null;
}

function readArmed(): Armed | undefined {
  try {
    return JSON.parse(readFileSync(`${folder}/armed`, 'utf8')) as Armed;
  } catch {
    return undefined;
  }
}

let seen = new Map<string, number>();
let trial = 0;

/** An effect is about to happen: what becomes of it. */
function meet(name: string): Exclude<Fate, 'stop'> {
  const armed = readArmed();
  if (armed === undefined) return 'go';
  if (armed.trial !== trial) seen = new Map();
  trial = armed.trial;
  // Which generation it is changes from pass to pass.
  const label = name.replace(
    /\brun\/(\d+)\./,
    (_, number) => `run/${Number(number) > armed.generation ? 'NEW' : 'OLD'}.`,
  );
  const nth = (seen.get(label) ?? 0) + 1;
  seen.set(label, nth);
  if (armed.fault === null) appendFileSync(`${folder}/effects`, `${JSON.stringify({label, nth})}\n`);
  if (label !== armed.fault?.label || nth !== armed.fault.nth) return 'go';
  writeFileSync(`${folder}/struck`, '');
  if (armed.fault.kind !== 'stop') return armed.fault.kind;
  if (armed.pid !== null) process.kill(armed.pid, 'SIGSTOP');
  return 'go';
}

const die = (): void => {
  process.kill(process.pid, 'SIGKILL');
};
const stall = () => new Promise(resolve => setTimeout(resolve, STALL_MS));
const refusal = (code: string, label: string): Error =>
  Object.assign(new Error(`${code}: made to fail, ${label}`), {code});

/** A path as the table names it; undefined for what is none of the daemon's effects. */
function nameOf(path: unknown): string | undefined {
  const text = String(path);
  if (/^\/proc\/\d+\//.test(text)) return text.replace(/\d+/, 'PID');
  if (text === data) return '.';
  if (!text.startsWith(`${data}/`)) return undefined;
  return text
    .slice(data.length + 1)
    .replace(/\.tmp-\d+-\d+$/, '')
    .replace(/[0-9a-f]{64}/, 'DIGEST');
}

async function undergo<T>(label: string, act: () => Promise<T>): Promise<T> {
  const fate = meet(label);
  if (fate === 'error') throw refusal('EIO', label);
  if (fate === 'hang') await stall();
  const result = await act();
  if (fate === 'crash') die();
  return result;
}

type AnyAsync = (...args: unknown[]) => Promise<unknown>;

function wrapFile(
  verb: string,
  method: 'rename' | 'rm' | 'symlink' | 'mkdir' | 'readdir' | 'readFile' | 'writeFile' | 'readlink',
  at = 0,
): void {
  const target = promises as unknown as Record<string, AnyAsync>;
  const act = target[method];
  if (act === undefined) return;
  target[method] = (...args) => {
    const name = nameOf(args[at]);
    return name === undefined ? act(...args) : undergo(`${verb} ${name}`, () => act(...args));
  };
}
wrapFile('rename into place', 'rename', 1);
wrapFile('remove', 'rm');
wrapFile('link', 'symlink', 1);
wrapFile('make folder', 'mkdir');
wrapFile('list', 'readdir');
wrapFile('read', 'readFile');
wrapFile('write', 'writeFile');

const {open} = promises;
promises.open = async (path, flags, ...rest) => {
  const name = nameOf(path);
  if (name === undefined) return open(path, flags, ...rest);
  const isFolder = flags === 'r' && !name.startsWith('/proc');
  const verb = flags === 'wx' ? 'create' : isFolder ? 'open folder' : 'open';
  const handle = await undergo(`${verb} ${name}`, () => open(path, flags, ...rest));
  const wrap = (method: 'writeFile' | 'sync', what: string) => {
    const act = (handle[method] as AnyAsync).bind(handle);
    Object.assign(handle, {[method]: (...args: unknown[]) => undergo(`${what} ${name}`, () => act(...args))});
  };
  wrap('writeFile', 'write');
  wrap('sync', isFolder ? 'sync folder' : 'sync');
  return handle satisfies FileHandle;
};

/** What a command is for, as the table names it. */
function commandOf(file: string, args: readonly string[]): string {
  if (file === process.execPath) return 'render process';
  const name = basename(file).replace(/-[\d.]+$/, '');
  if (name !== 'haproxy') return name;
  return args.includes('-c') ? 'haproxy -c' : args.includes('-db') ? 'haproxy' : `haproxy ${args.join(' ')}`;
}

const {spawn} = childProcess;
const faultySpawn = (file: string, args: readonly string[], options: SpawnOptions): ChildProcess => {
  const name = commandOf(file, args);
  const fate = meet(`start ${name}`);
  const command = {error: '/nowhere/made-to-fail', hang: 'sleep', crash: file, go: file}[fate];
  const child = spawn(command, fate === 'hang' ? ['1000'] : args, options);
  if (fate === 'crash') die();
  if (fate === 'error') {
    const emit = child.emit.bind(child) as (event: string, ...values: unknown[]) => boolean;
    child.emit = (event: string, ...values: unknown[]) => {
      if (event === 'error')
        Object.assign(values[0] as Error, {code: 'EAGAIN', errno: -11, message: `spawn ${name} EAGAIN`});
      return emit(event, ...values);
    };
  }
  child.once('exit', () => {
    if (meet(`end of ${name}`) === 'crash') die();
  });
  return child;
};
Object.assign(childProcess, {spawn: faultySpawn});

const {kill} = childProcess.ChildProcess.prototype;
childProcess.ChildProcess.prototype.kill = function (signal) {
  const fate = meet(`send ${signal}`);
  const sent = kill.call(this, signal);
  if (fate === 'crash') die();
  return sent;
};

const {connect} = net;
const faultyConnect = (options: NetConnectOpts & {path?: string}): Socket => {
  const socket = connect(options);
  if (!String(options.path).startsWith(`${data}/run/`)) return socket;
  const write = socket.write.bind(socket);
  const ask = (chunk: string): boolean => {
    const command = chunk.trim().replace(/\s+/g, ' ').split(' ').slice(0, 3).join(' ');
    // What looks every two seconds is no part of a pass.
    const fate = chunk.includes('show stat -1 3 -1') ? 'go' : meet(`ask ${command.replace(/\d+(?=:|$)/, '')}`);
    if (fate === 'error') socket.destroy(refusal('ECONNRESET', chunk.trim()));
    // Nobody may listen there yet: then that was the answer.
    if (fate === 'crash') socket.once('data', die).once('close', die);
    return fate === 'error' || fate === 'hang' ? true : write(chunk);
  };
  Object.assign(socket, {write: ask});
  return socket;
};
Object.assign(net, {connect: faultyConnect});

const bare = net as unknown as {_createServerHandle?: (...args: unknown[]) => unknown};
const create = bare._createServerHandle;
if (create !== undefined) {
  bare._createServerHandle = (...args) => {
    // Master, status and control sockets come by here too, before anything is armed.
    const fate = meet('bind a socket');
    if (fate === 'error') return -98;
    const handle = create(...args);
    if (fate === 'crash') die();
    return handle;
  };
}

const {setPriority} = os;
Object.assign(os, {
  setPriority(pid: number, priority: number) {
    const fate = meet('lower a priority');
    if (fate === 'error') throw refusal('EPERM', 'lower a priority');
    setPriority(pid, priority);
    if (fate === 'crash') die();
  },
});

syncBuiltinESMExports();
