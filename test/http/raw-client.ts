import {once} from 'node:events';
import {connect, type Socket} from 'node:net';
import {waitFor} from '../support/wait.ts';

/** A TCP connection whose bytes are written as told and whose received text is kept. */
export interface RawClient {
  readonly socket: Socket;
  received(): string;
  isClosed(): boolean;
  /** Waits for so many whole answers and returns them. */
  answers(count?: number): Promise<RawAnswer[]>;
}

export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** The whole answers in `text`, framed by their Content-Length. */
function parseAnswers(text: string): RawAnswer[] {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return [];
  const head = text.slice(0, end);
  const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
  const rest = text.slice(end + 4);
  if (rest.length < length) return [];
  const answer = {status: Number(head.split(' ', 2)[1]), head, body: rest.slice(0, length)};
  return [answer, ...parseAnswers(rest.slice(length))];
}

/** Connects and writes each segment once the one before left this process. */
export async function openRaw(port: number, segments: readonly (string | Buffer)[], host = '127.0.0.1') {
  const socket = connect({host, port, noDelay: true});
  let text = '';
  let closed = false;
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    closed = true;
  });
  await once(socket, 'connect');
  for (const segment of segments) await new Promise<void>(written => socket.write(segment, () => written()));
  const client: RawClient = {
    socket,
    received: () => text,
    isClosed: () => closed,
    answers: (count = 1) =>
      waitFor(
        () => {
          const found = parseAnswers(text);
          return found.length >= count && found;
        },
        `${count} answers`,
        {evidence: () => text},
      ),
  };
  return client;
}

/** One request on a connection of its own. */
export async function askRaw(port: number, segments: readonly (string | Buffer)[], host?: string): Promise<RawAnswer> {
  const client = await openRaw(port, segments, host);
  const [answer] = await client.answers();
  client.socket.destroy();
  if (answer === undefined) throw new Error('no answer');
  return answer;
}
