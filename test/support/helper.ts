import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {fileURLToPath} from 'node:url';
import type {Place} from './place.ts';

/** A helper script in a process of its own, asked questions over IPC. It ends when it is disposed or its parent dies. */
export interface Helper<Question, Reply> extends AsyncDisposable {
  readonly pid: number;
  /** Rejects when the helper is gone. */
  ask(question: Question): Promise<Reply>;
}

interface Message {
  readonly id: number;
  readonly reply: unknown;
}

/** The id of the message with which a helper says that it is ready. */
const READY_ID = 0;

/** Starts `script` (beside `base`, an `import.meta.url`) at `place` and waits until it is ready. */
export async function startHelper<Question, Reply>(
  script: string,
  base: string,
  place: Pick<Place, 'exec'>,
  settings?: unknown,
): Promise<Helper<Question, Reply>> {
  const path = fileURLToPath(new URL(script, base));
  const [file = '', ...args] = place.exec([process.execPath, path, JSON.stringify(settings ?? null)]);
  const child = spawn(file, args, {stdio: ['ignore', 2, 2, 'ipc']});
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let lastId = READY_ID;
  let gone: Error | undefined;
  const endAll = (reason: string) => {
    gone = new Error(`cannot ask ${script}: ${reason}`);
    for (const {reject} of waiting.values()) reject(gone);
    waiting.clear();
  };
  child.on('message', ({id, reply}: Message) => {
    waiting.get(id)?.resolve(reply);
    waiting.delete(id);
  });
  child.once('error', error => endAll(error.message));
  child.once('exit', (code, signal) => endAll(`it ended with ${signal ?? code}`));
  const replyTo = (id: number): Promise<unknown> => {
    const pending = Promise.withResolvers<unknown>();
    waiting.set(id, pending);
    return pending.promise;
  };
  await replyTo(READY_ID);
  return {
    pid: child.pid ?? 0,
    async ask(question) {
      if (gone !== undefined) throw gone;
      const id = ++lastId;
      const reply = replyTo(id);
      child.send({id, question});
      return (await reply) as Reply;
    },
    async [Symbol.asyncDispose]() {
      if (gone !== undefined) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Inside a helper: what `startHelper` was given. */
export const helperSettings = <Settings>(): Settings => JSON.parse(process.argv[2] ?? 'null') as Settings;

/** Inside a helper: says that it is ready, answers questions for as long as the parent lives. */
export function serveHelper<Question, Reply>(answer: (question: Question) => Promise<Reply> | Reply): void {
  process.on('message', async ({id, question}: {id: number; question: Question}) => {
    process.send?.({id, reply: await answer(question)});
  });
  process.once('disconnect', () => process.exit(0));
  process.send?.({id: READY_ID, reply: null});
}
