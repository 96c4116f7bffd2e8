import {connect} from 'node:net';
import {systemCodeOf} from '../../src/errors.ts';
import {type Answer, createAnswerReader} from './answer.ts';

/** One TCP connection that carries one request. */
export interface Exchange {
  readonly host: string;
  readonly port: number;
  /** The address to connect from; the kernel's choice when absent. */
  readonly localAddress?: string | undefined;
  /** What is written, each piece in TCP segments of its own. */
  readonly segments: readonly string[];
  /** From the start of the connection to the end of the answer. */
  readonly timeoutMs: number;
}

/**
 * How an exchange ended. `kind` is `refused`, `reset`, `timeout`, `truncated` (closed before the answer's end) or the
 * system's code. `connectMs` is absent when the connection was never made.
 */
export type Outcome =
  | {readonly is: 'answered'; readonly connectMs: number; readonly answer: Answer}
  | {readonly is: 'failed'; readonly connectMs?: number; readonly kind: string};

const KINDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ETIMEDOUT: 'timeout',
};

/** The failure kind of a socket's error. */
export const failureKind = (error: unknown): string => {
  const code = systemCodeOf(error) ?? String(error);
  return KINDS[code] ?? code;
};

/** Opens a connection, writes the request, reads one answer, closes. Never rejects. */
export function exchange(request: Exchange): Promise<Outcome> {
  const {host, port, localAddress, segments, timeoutMs} = request;
  return new Promise(resolve => {
    const startedMs = performance.now();
    const reader = createAnswerReader();
    const socket = connect({host, port, noDelay: true, allowHalfOpen: false, ...(localAddress && {localAddress})});
    let connectMs: number | undefined;
    const finish = (outcome: Outcome) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    const fail = (kind: string) => finish({is: 'failed', kind, ...(connectMs !== undefined && {connectMs})});
    const answered = (answer: Answer) => finish({is: 'answered', answer, connectMs: connectMs ?? 0});
    const timer = setTimeout(fail, timeoutMs, 'timeout');
    socket.once('connect', async () => {
      connectMs = performance.now() - startedMs;
      for (const segment of segments) await new Promise<void>(written => socket.write(segment, () => written()));
    });
    socket.on('data', chunk => {
      const answer = reader.feed(chunk);
      if (answer !== undefined) answered(answer);
    });
    socket.once('end', () => {
      const answer = reader.end();
      if (answer === undefined) fail('truncated');
      else answered(answer);
    });
    socket.on('error', error => fail(failureKind(error)));
  });
}

/** A GET for `exchange`: HTTP/1.0, so that the answer is never chunked and the server closes after it. */
export const getSegments = (path: string, host: string): string[] => [`GET ${path} HTTP/1.0\r\nHost: ${host}\r\n\r\n`];
