import {DaemonError, reasonOf} from '../errors.ts';

/** By what an answer is known from that of another program: it is a list, or an object with this field. */
type SignOf<T> = T extends readonly unknown[] ? 'a list' : Extract<keyof T, string>;

/** Asks the status port of a running daemon. Rejects with USAGE where somebody else answers. */
export interface StatusClient {
  /** The JSON at `path`; one that has the sign is trusted to be what the daemon's own document says. */
  json<T>(path: string, sign: SignOf<T>, limitMs?: number): Promise<T>;
  text(path: string): Promise<string>;
  /** The JSON that a change at `path` is answered with, for whoever has the operators' token; `body` is text. */
  post<T>(path: string, token: string, sign: SignOf<T>, body?: string): Promise<T>;
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

/** What is wrong with the address of a status port; undefined where it is one. */
function faultOfAddress(base: string): string | undefined {
  const url = /^https?:\/\//i.test(base) ? URL.parse(base) : null;
  if (url === null || url.search !== '' || url.hash !== '')
    return `cannot ask ${base === '' ? 'an empty address' : base}: it is no URL such as http://10.2.0.3:8001`;
  if (url.username === '' && url.password === '') return undefined;
  return `cannot ask ${url.host}: its URL has a name or a password, which the status port does not take`;
}

const hasSign = (said: unknown, sign: string): boolean =>
  sign === 'a list' ? Array.isArray(said) : typeof said === 'object' && said !== null && sign in said;

/** Why nobody answered; of TLS its library says much, and in lines. */
function reasonOfSilence(cause: unknown, url: string): string {
  const reason = cause instanceof TypeError && cause.cause !== undefined ? reasonOf(cause.cause) : reasonOf(cause);
  const isTls = /^https:/i.test(url) && /\bSSL\b/.test(reason);
  return isTls ? 'it speaks no TLS, as the status port itself does not: try http://' : reason;
}

/** `address` is the status port's, such as `http://127.0.0.1:8001`, given `by` what. Throws USAGE where it is none. */
export function createStatusClient(address: string, wait: WaitTold, by = BY_URL): StatusClient {
  const base = address.trim().replace(/\/$/, '');
  const fault = faultOfAddress(address.trim());
  if (fault !== undefined) throw new DaemonError('USAGE', fault);
  const unreachable = (url: string, cause: unknown): DaemonError => {
    const reason = `${reasonOfSilence(cause, url)}; is the daemon running there? set ${by}`;
    return new DaemonError('UNREACHABLE', `cannot ask ${url}: ${reason}`, {cause});
  };

  const ask = async (path: string, {token, body, limitMs = ANSWER_LIMIT_MS}: Sent = {}): Promise<Response> => {
    const boundMs = token === undefined ? limitMs : CHANGE_LIMIT_MS;
    const url = `${base}${path}`;
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
      throw unreachable(url, cause);
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

  const stranger = (path: string): DaemonError =>
    new DaemonError(
      'USAGE',
      `cannot ask ${base}${path}: what answers there is not the daemon's status port; set ${by}`,
    );

  const takeJson = async <T>(path: string, sign: string, answer: Response): Promise<T> => {
    const said: unknown = await answer.json().catch(cause => {
      throw cause instanceof SyntaxError ? stranger(path) : unreachable(`${base}${path}`, cause);
    });
    if (!hasSign(said, sign)) throw stranger(path);
    return said as T;
  };

  return {
    json: async <T>(path: string, sign: SignOf<T>, limitMs?: number) =>
      takeJson<T>(path, sign, await ask(path, {limitMs})),
    async text(path) {
      const answer = await ask(path);
      if (!answer.headers.get('content-type')?.startsWith('text/plain')) throw stranger(path);
      return answer.text();
    },
    post: async <T>(path: string, token: string, sign: SignOf<T>, body?: string) =>
      takeJson<T>(path, sign, await ask(path, {token, ...(body !== undefined && {body})})),
  };
}
