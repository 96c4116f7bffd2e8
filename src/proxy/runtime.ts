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
}

async function exchange(socketPath: string, command: string, signal: AbortSignal): Promise<string> {
  const socket = connect({path: socketPath, signal});
  // Our side stays open: HAProxy closes after its answer, and newer versions take an early close for a cancel.
  socket.write(`${command}\n`);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`);
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
  {timeoutMs, payload, signal}: AskOptions,
): Promise<string> {
  signal?.throwIfAborted();
  const fail = (reason: string, cause?: unknown) =>
    new DaemonError('PROXY', `cannot ask ${socketPath} for "${command}": ${reason}`, {cause});
  if (/[\r\n]/.test(command)) throw fail('a command is one line');
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const request = payload === undefined ? command : `${command} <<\n${payload.trimEnd()}\n`;
    const answer = await exchange(socketPath, request, AbortSignal.any([deadline, ...(signal ? [signal] : [])]));
    return answer.replace(/\n+$/, '');
  } catch (error) {
    signal?.throwIfAborted();
    throw fail(deadline.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error), error);
  }
}
