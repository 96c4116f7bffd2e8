import {connect} from 'node:net';
import {DaemonError, reasonOf} from '../errors.ts';

/** A connection to a runtime socket on which one question after the other is asked (management.txt 9.3, `prompt`). */
export interface Conversation {
  /** The whole answer. Rejects with PROXY when there is none in time, which may be another here; nothing can be asked after that. */
  ask(command: string, limitMs?: number): Promise<string>;
  close(): void;
}

const PROMPT = '\n> ';

/** `show stat` of 10,000 servers is about 5 MB. */
const MAX_ANSWER_CHARACTERS = 64 << 20;

/**
 * Opens one: HAProxy answers on it even when it was told to finish, which takes no new connections on its socket. It
 * counts as a connection of HAProxy's, so that its process ends only after this is closed. Rejects with PROXY.
 */
export async function openConversation(socketPath: string, timeoutMs: number): Promise<Conversation> {
  const socket = connect({path: socketPath});
  socket.setEncoding('utf8');
  let answer = '';
  let waiting: PromiseWithResolvers<string> | undefined;
  let fault: Error | undefined;
  const end = (reason: string, cause?: unknown) => {
    fault ??= new DaemonError('PROXY', `cannot go on asking ${socketPath}: ${reason}`, {cause});
    waiting?.reject(fault);
    socket.destroy();
  };
  socket.on('error', error => end(reasonOf(error), error));
  socket.on('close', () => end('HAProxy closed the connection'));
  socket.on('data', (text: string) => {
    answer += text;
    if (answer.length > MAX_ANSWER_CHARACTERS) end('the answer is too long');
    // The first prompt comes without a line before it.
    if (answer.endsWith(PROMPT) || answer === PROMPT.trimStart()) waiting?.resolve(answer.slice(0, -PROMPT.length));
  });

  const ask = async (command: string, limitMs = timeoutMs): Promise<string> => {
    if (fault !== undefined) throw fault;
    answer = '';
    waiting = Promise.withResolvers();
    socket.write(`${command}\n`);
    const timer = setTimeout(() => end(`no answer within ${limitMs} ms`), limitMs);
    try {
      return (await waiting.promise).trimEnd();
    } finally {
      clearTimeout(timer);
      waiting = undefined;
    }
  };

  await ask('prompt');
  return {ask, close: () => end('it was closed')};
}
