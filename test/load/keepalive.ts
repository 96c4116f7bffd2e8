import {once} from 'node:events';
import {connect, type Socket} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';
import {type Answer, createAnswerReader} from '../support/answer.ts';
import {failureKind} from '../support/exchange.ts';
import type {KeepaliveLoad} from '../support/load.ts';
import type {Tally} from './tally.ts';

const TIMEOUT_MS = 8000;

const announcesClose = ({headers}: Answer): boolean => headers.connection?.toLowerCase() === 'close';

/** Each client keeps its connection for as long as the other side does, then opens the next, until `signal`. */
export async function runKeepalive(load: KeepaliveLoad, tally: Tally, signal: AbortSignal): Promise<void> {
  const {host, port, clients, gapMs} = load;
  const client = async () => {
    while (!signal.aborted) {
      const startedMs = performance.now();
      const startedAt = Date.now();
      const socket = connect({host, port, noDelay: true});
      try {
        await once(socket, 'connect', {signal: AbortSignal.timeout(TIMEOUT_MS)});
        tally.connected(performance.now() - startedMs);
        await useConnection(socket, load, tally, signal);
      } catch (error) {
        // Only a connection that was never made comes here.
        tally.sent();
        tally.failed(failureKind(error), startedAt);
        await sleep(gapMs);
      } finally {
        socket.destroy();
      }
    }
  };
  await Promise.all(Array.from({length: clients}, client));
}

/** Sends requests until `signal`, an announced close, or a break. */
async function useConnection(socket: Socket, load: KeepaliveLoad, tally: Tally, signal: AbortSignal): Promise<void> {
  socket.on('error', () => {});
  while (!signal.aborted) {
    if (socket.readableEnded || socket.destroyed) return tally.broke();
    tally.sent();
    const startedAt = Date.now();
    const answer = await ask(socket, load.host);
    if (typeof answer === 'string') {
      tally.failed(answer, startedAt);
      return tally.broke();
    }
    tally.answered(answer, startedAt);
    if (announcesClose(answer)) return;
    await sleep(load.gapMs);
  }
}

/** One request on an open connection: its answer, or the kind of its failure. */
function ask(socket: Socket, host: string): Promise<Answer | string> {
  const {promise, resolve} = Promise.withResolvers<Answer | string>();
  const reader = createAnswerReader();
  const onBytes = (chunk: Buffer) => {
    const answer = reader.feed(chunk);
    if (answer !== undefined) resolve(answer);
  };
  const onEnd = () => resolve(reader.end() ?? 'truncated');
  const onError = (error: Error) => resolve(failureKind(error));
  const timer = setTimeout(resolve, TIMEOUT_MS, 'timeout');
  socket.on('data', onBytes).once('end', onEnd).once('error', onError);
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  return promise.finally(() => {
    clearTimeout(timer);
    socket.off('data', onBytes).off('end', onEnd).off('error', onError);
  });
}
