import {ApiFault, asApiFault} from './api-fault.ts';
import {fieldsOf, stringOf} from './objects.ts';

/** Where the API is and who we are there: what a pod's ServiceAccount volume and environment say. */
export interface ApiAccess {
  /** `https://10.96.0.1:443`. */
  readonly server: string;
  /** The folder with `token` and `ca.crt`. */
  readonly credentials: string;
}

export type Query = Readonly<Record<string, string | number | boolean>>;

/** A change to one object, as the API's watch tells it. */
export interface WatchEvent {
  readonly type: string;
  readonly object: unknown;
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly path: string;
  readonly query?: Query;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** The Kubernetes API as this room uses it: paths in, JSON of unknown shape out. */
export interface Api {
  /** Rejects with ApiFault; an answer takes 10 s at most. */
  request(request: ApiRequest): Promise<unknown>;
  /**
   * Resolves when the server has ended the watch; rejects with ApiFault when anything else did (410 included), and with
   * whatever `onEvent` throws.
   */
  watch(path: string, query: Query, onEvent: (event: WatchEvent) => void, signal: AbortSignal): Promise<void>;
}

const REQUEST_LIMIT_MS = 10_000;

/** The client takes 30 s of silence for a dead connection; a server that lives ends the watch before that. */
const WATCH_LIMIT_S = 25;

const CONTENT_TYPES = {GET: undefined, POST: 'application/json', PATCH: 'application/merge-patch+json'} as const;

/**
 * The API through @kubernetes/client-node, loaded by the first call. The server's certificate is verified against `ca.crt`.
 * Token and CA are read from disk for each request and watch, so that rotated ones count at once.
 */
export function openApi(access: ApiAccess): Api {
  const connect = async () => (await import('./client.ts')).openConnection(access);

  return {
    async request({method, path, query = {}, body, signal}) {
      const deadline = AbortSignal.timeout(REQUEST_LIMIT_MS);
      try {
        using connection = await connect();
        const context = await connection.context(method, path);
        for (const [name, value] of Object.entries(query)) context.setQueryParam(name, String(value));
        const contentType = CONTENT_TYPES[method];
        if (contentType !== undefined) {
          context.setHeaderParam('Content-Type', contentType);
          context.setBody(JSON.stringify(body));
        }
        context.setSignal(AbortSignal.any([deadline, ...(signal ? [signal] : [])]));
        const {status, text} = await connection.send(context);
        return parseAnswer(status, text);
      } catch (error) {
        if (deadline.aborted)
          throw new ApiFault(undefined, `no answer within ${REQUEST_LIMIT_MS / 1000} s`, {cause: error});
        throw asApiFault(error);
      }
    },

    async watch(path, query, onEvent, signal) {
      using connection = await connect().catch(error => {
        throw asApiFault(error);
      });
      await new Promise<void>((resolve, reject) => {
        let request: AbortController | undefined;
        const close = () => request?.abort();
        signal.addEventListener('abort', close, {once: true});
        const end = (error: unknown) => {
          signal.removeEventListener('abort', close);
          if (error === null || error === undefined || signal.aborted) resolve();
          else reject(asApiFault(error));
        };
        // The client ignores what its listener throws: it would be lost.
        const tell = (event: WatchEvent) => {
          try {
            onEvent(event);
          } catch (error) {
            reject(error);
            close();
          }
        };
        const limits = {allowWatchBookmarks: true, timeoutSeconds: WATCH_LIMIT_S};
        const onLine = (type: unknown, object: unknown) => {
          const status = fieldsOf(object);
          if (type === 'ERROR') end(new ApiFault(Number(status.code), stringOf(status.message) ?? 'watch failed'));
          else if (typeof type === 'string') tell({type, object});
        };
        connection.watch.watch(path, {...query, ...limits}, onLine, end).then(started => {
          request = started;
          if (signal.aborted) started.abort();
        }, end);
      });
    },
  };
}

function parseAnswer(status: number, text: string): unknown {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new ApiFault(status < 400 ? undefined : status, `${status}, and the answer is no JSON`);
  }
  if (status >= 400)
    throw new ApiFault(status, `${status} ${stringOf(fieldsOf(answer).message) ?? 'without a message'}`);
  return answer;
}
