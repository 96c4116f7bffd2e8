import {DaemonError, reasonOf} from '../errors.ts';

/** Asks the status port of a running daemon. */
export interface StatusClient {
  /** The JSON at `path`, trusted to be what the daemon's own document says. */
  json<T>(path: string): Promise<T>;
  text(path: string): Promise<string>;
}

/** Nobody waits longer for a status; a differing of large texts takes its time. */
const ANSWER_LIMIT_MS = 30_000;

/** Whoever waits longer than this is told what for. */
const PATIENCE_MS = 1000;

const ADVICE = 'is the daemon running there? set --url, or KONTROL_STATUS_PORT';

/** Speaks of a wait that takes long, on `stderr`, once a second; what it wrote goes when the wait ends. */
function watchWait(what: string, stderr: NodeJS.WriteStream): Disposable {
  const startedMs = performance.now();
  let isTold = false;
  const timer = setInterval(() => {
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    if (stderr.isTTY) stderr.write(`\rwaiting for ${what} (${seconds} s)`);
    else if (!isTold) stderr.write(`waiting for ${what}\n`);
    isTold = true;
  }, PATIENCE_MS);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      if (isTold && stderr.isTTY) stderr.write('\r\u001b[K');
    },
  };
}

/** `base` is the status port's address, such as `http://127.0.0.1:8001`. Rejects with UNREACHABLE or USAGE. */
export function createStatusClient(base: string): StatusClient {
  const ask = async (path: string): Promise<Response> => {
    const url = `${base.replace(/\/$/, '')}${path}`;
    using _wait = watchWait(url, process.stderr);
    let answer: Response;
    try {
      answer = await fetch(url, {headers: {accept: 'application/json'}, signal: AbortSignal.timeout(ANSWER_LIMIT_MS)});
    } catch (cause) {
      const reason = cause instanceof TypeError && cause.cause !== undefined ? reasonOf(cause.cause) : reasonOf(cause);
      throw new DaemonError('UNREACHABLE', `cannot ask ${url}: ${reason}; ${ADVICE}`, {cause});
    }
    if (answer.ok) return answer;
    const body: unknown = await answer.json().catch(() => undefined);
    const reason = typeof body === 'object' && body !== null && 'reason' in body ? body.reason : answer.statusText;
    throw new DaemonError(answer.status < 500 ? 'USAGE' : 'UNHEALTHY', `cannot get ${path}: ${reason}`);
  };

  return {
    json: async <T>(path: string) => (await ask(path)).json() as Promise<T>,
    text: async path => (await ask(path)).text(),
  };
}
