import {connect} from 'node:net';
import {DaemonError, reasonOf} from '../errors.ts';

/** `show stat` of 10,000 servers is about 5 MB. */
const MAX_ANSWER_BYTES = 64 << 20;

export interface AskOptions {
  /** From the connection's start to the answer's end. */
  readonly timeoutMs: number;
  /** Lines that follow the command, none of them blank: a certificate, say. */
  readonly payload?: string;
  readonly signal?: AbortSignal;
  /** Of the answer; more of it is not read. */
  readonly maxBytes?: number;
}

/** The cause of a PROXY: the answer is longer than it may be. */
class LongAnswer extends Error {}

async function exchange(
  socketPath: string,
  command: string,
  {signal, maxBytes}: {readonly signal: AbortSignal; readonly maxBytes: number},
): Promise<string> {
  const socket = connect({path: socketPath, signal});
  // Our side stays open: HAProxy closes after its answer, and newer versions take an early close for a cancel.
  socket.write(`${command}\n`);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new LongAnswer(`the answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/**
 * Asks HAProxy one command over its runtime socket and resolves with the whole answer, its final blank line stripped.
 * Rejects with PROXY; its `cause` is the system's error (`ENOENT`: no socket, `ECONNREFUSED`: nobody listens, also for
 * an instant while a generation takes over). Aborted by `signal`, it rejects with the signal's reason.
 * Source: management.txt 9.3.
 */
export async function ask(
  socketPath: string,
  command: string,
  {timeoutMs, payload, signal, maxBytes = MAX_ANSWER_BYTES}: AskOptions,
): Promise<string> {
  signal?.throwIfAborted();
  const fail = (reason: string, cause?: unknown) =>
    new DaemonError('PROXY', `cannot ask ${socketPath} for "${command}": ${reason}`, {cause});
  if (/[\r\n]/.test(command)) throw fail('a command is one line');
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const request = payload === undefined ? command : `${command} <<\n${payload.trimEnd()}\n`;
    const either = AbortSignal.any([deadline, ...(signal ? [signal] : [])]);
    const answer = await exchange(socketPath, request, {signal: either, maxBytes});
    return answer.replace(/\n+$/, '');
  } catch (error) {
    signal?.throwIfAborted();
    throw fail(deadline.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error), error);
  }
}

const SHORT_BYTES = 1 << 20;

/** The same for what may be long and is not worth it then: resolves with undefined where the answer is over 1 MiB. */
export async function askShort(socketPath: string, command: string, timeoutMs: number): Promise<string | undefined> {
  try {
    return await ask(socketPath, command, {timeoutMs, maxBytes: SHORT_BYTES});
  } catch (error) {
    if (error instanceof DaemonError && error.cause instanceof LongAnswer) return undefined;
    throw error;
  }
}
