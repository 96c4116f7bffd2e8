import {DaemonError, reasonOf} from '../errors.ts';

/** Asks the status port of a running daemon. */
export interface StatusClient {
  /** The JSON at `path`, trusted to be what the daemon's own document says. */
  json<T>(path: string, limitMs?: number): Promise<T>;
  text(path: string): Promise<string>;
  /** The JSON that a change at `path` is answered with, for whoever has the operators' token; `body` is text. */
  post<T>(path: string, token: string, body?: string): Promise<T>;
}

/** A differing of large texts takes its time. */
const ANSWER_LIMIT_MS = 30_000;

/** A pass may check thousands of servers, and wait for the other replicas' reloads. */
const CHANGE_LIMIT_MS = 120_000;

/** The pass that a change takes failed. */
const REFUSED = 422;

/** It has too much to do. */
const BUSY = 429;

/** What goes with a change. */
interface Sent {
  readonly limitMs?: number | undefined;
  readonly token?: string;
  readonly body?: string;
}

/** Whoever waits longer than this is told what for. */
const PATIENCE_MS = 1000;

/** How a command is told the address, but for `check --live`. */
const BY_URL = '--url, or KONTROL_STATUS_PORT';

const SILENT = 'whatever listens there is stopped, or has too much to do; if it is the daemon, see its log';

/** Where a wait is told: `print` to stderr, which may be a terminal, where what was told can be taken back. */
export interface WaitTold {
  readonly print: (text: string) => void;
  readonly isTerminal: boolean;
}

/** Speaks of a wait that takes long, once a second; what it wrote goes when the wait ends. */
function watchWait(what: string, {print, isTerminal}: WaitTold): Disposable {
  const startedMs = performance.now();
  let isTold = false;
  const timer = setInterval(() => {
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    if (isTerminal) print(`\rwaiting for ${what} (${seconds} s)`);
    else if (!isTold) print(`waiting for ${what}\n`);
    isTold = true;
  }, PATIENCE_MS);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      if (isTold && isTerminal) print('\r\u001b[K');
    },
  };
}

const isHttp = (base: string): boolean => /^https?:\/\//i.test(base) && URL.canParse(base);

/** `base` is the status port's address, such as `http://127.0.0.1:8001`, given `by` what. Rejects with UNREACHABLE or USAGE. */
export function createStatusClient(base: string, wait: WaitTold, by = BY_URL): StatusClient {
  const ask = async (path: string, {token, body, limitMs = ANSWER_LIMIT_MS}: Sent = {}): Promise<Response> => {
    const boundMs = token === undefined ? limitMs : CHANGE_LIMIT_MS;
    const url = `${base.replace(/\/$/, '')}${path}`;
    if (!isHttp(base)) throw new DaemonError('USAGE', `cannot ask ${base}: it is no URL such as http://10.2.0.3:8001`);
    using _wait = watchWait(url, wait);
    let answer: Response;
    try {
      answer = await fetch(url, {
        ...(token !== undefined && {method: 'POST'}),
        ...(body !== undefined && {body}),
        headers: {accept: 'application/json', ...(token !== undefined && {authorization: `Bearer ${token}`})},
        signal: AbortSignal.timeout(boundMs),
      });
    } catch (cause) {
      if (cause instanceof DOMException && cause.name === 'TimeoutError') {
        throw new DaemonError('UNREACHABLE', `${url} has not answered for ${boundMs / 1000} s: ${SILENT}`, {cause});
      }
      const reason = cause instanceof TypeError && cause.cause !== undefined ? reasonOf(cause.cause) : reasonOf(cause);
      throw new DaemonError('UNREACHABLE', `cannot ask ${url}: ${reason}; is the daemon running there? set ${by}`, {
        cause,
      });
    }
    if (answer.ok) return answer;
    const said: unknown = await answer.json().catch(() => undefined);
    const reason = typeof said === 'object' && said !== null && 'reason' in said ? said.reason : undefined;
    const code =
      answer.status === REFUSED ? 'VALIDATE' : answer.status < 500 && answer.status !== BUSY ? 'USAGE' : 'UNHEALTHY';
    throw new DaemonError(
      code,
      reason === undefined
        ? `cannot ask ${url}: the answer is ${answer.status} ${answer.statusText}; is it the daemon's status port?`
        : `the daemon at ${base} says: ${reason}`,
    );
  };

  return {
    json: async <T>(path: string, limitMs?: number) => (await ask(path, {limitMs})).json() as Promise<T>,
    text: async path => (await ask(path)).text(),
    post: async <T>(path: string, token: string, body?: string) =>
      (await ask(path, {token, ...(body !== undefined && {body})})).json() as Promise<T>,
  };
}
