import {lstat, rm} from 'node:fs/promises';
import {connect, createServer, type Server, type Socket} from 'node:net';
import {DaemonError, reasonOf, systemCodeOf} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';

/** A command that ends with a newline runs that long after it when its client does not close its side. */
const AFTER_NEWLINE_MS = 500;
/** A client that says nothing complete for that long is sent away. */
const SILENT_MS = 30_000;
/** More than any input that makes sense; what a table of 10,000 hosts takes is 200 KiB. */
const MAX_COMMAND_BYTES = 4 << 20;
const MAX_CLIENTS = 1024;
/** Answers under way when the socket closes get this long. */
const CLOSE_LIMIT_MS = 1000;

export interface ControlSocketPorts {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  /** A whole command as it came; `isGone` says whether its client can still hear the answer. Never rejects. */
  readonly answer: (command: Buffer, isGone: () => Promise<boolean>) => Promise<string>;
}

const REFUSED = 'KO';

/**
 * Opens the control socket (docs/contract-2017.md#lifecycle): one command a connection, ended by the client's end of
 * input, or for a client that keeps its side open, half a second after a newline; the answer has none. Nobody waits for
 * another client. The file is for its owner alone and goes with us; a stale one is replaced. Rejects with LISTEN, whose
 * message says what to do.
 */
export async function openControlSocket(ports: ControlSocketPorts): Promise<{close(): Promise<void>}> {
  const {path, clock} = ports;
  await removeStale(path);
  const clients = new Set<Socket>();
  const server = createServer({allowHalfOpen: true}, socket => {
    clients.add(socket);
    socket.once('close', () => clients.delete(socket));
    if (clients.size > MAX_CLIENTS) socket.on('error', () => {}).end(REFUSED);
    else serve(socket, ports);
  });
  await bind(server, path);
  return {
    async close() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()));
      const cancel = clock.after(CLOSE_LIMIT_MS, () => {
        for (const socket of clients) socket.destroy();
      });
      await closed;
      cancel();
    },
  };
}

function serve(socket: Socket, {clock, log, answer}: ControlSocketPorts): void {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  let isRunning = false;
  let cancel = () => {};
  const finish = (text: string): void => {
    socket.end(text);
    // Whoever does not close its side now does not hold on to ours.
    cancel = clock.after(CLOSE_LIMIT_MS, () => socket.destroy());
  };
  const run = async (): Promise<void> => {
    if (isRunning) return;
    isRunning = true;
    cancel();
    const command = Buffer.concat(chunks);
    chunks.length = 0;
    finish(await answer(command, () => isGone(socket)));
  };
  const refuse = (reason: string): void => {
    isRunning = true;
    cancel();
    log.warn({reason}, 'control socket refused a client');
    finish(REFUSED);
  };
  socket.on('data', chunk => {
    if (isRunning) return;
    cancel();
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_COMMAND_BYTES) return refuse(`a command has at most ${MAX_COMMAND_BYTES} bytes`);
    chunks.push(chunk);
    const isLine = chunk.at(-1) === 0x0a;
    cancel = isLine ? clock.after(AFTER_NEWLINE_MS, () => void run()) : clock.after(SILENT_MS, onSilence);
  });
  const onSilence = () => refuse(`no whole command within ${SILENT_MS} ms`);
  cancel = clock.after(SILENT_MS, onSilence);
  socket.once('end', () => void run());
  socket.once('close', () => cancel());
  // A client that does not wait for its answer.
  socket.on('error', err => log.debug({err}, 'control client went away'));
}

/** Writes nothing: the kernel refuses even that once the other end is closed, while a half-closed one takes it. */
const isGone = (socket: Socket): Promise<boolean> =>
  new Promise(resolve => {
    if (socket.destroyed || !socket.writable) return resolve(true);
    socket.write('', error => resolve(error != null));
  });

async function bind(server: Server, path: string): Promise<void> {
  // The file comes with its mode: a moment in which others could connect would be one too many.
  const umask = process.umask(0o177);
  try {
    const listening = new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
    process.umask(umask);
    await listening;
    server.removeAllListeners('error').on('error', () => {});
  } catch (cause) {
    throw refusal(path, reasonOf(cause), cause);
  } finally {
    process.umask(umask);
  }
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(error => {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw refusal(path, reasonOf(error), error);
  });
  if (found === undefined) return;
  if (!found.isSocket()) throw refusal(path, 'there is something else that is no socket; remove it');
  if (await answers(path)) throw refusal(path, 'another daemon listens there');
  await rm(path, {force: true});
}

const answers = (path: string): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', error => resolve(systemCodeOf(error) === 'EAGAIN'));
  });

const refusal = (path: string, reason: string, cause?: unknown): DaemonError =>
  new DaemonError('LISTEN', `cannot listen on ${path} (control socket): ${reason}; or set KONTROL_SOCKET`, {cause});
