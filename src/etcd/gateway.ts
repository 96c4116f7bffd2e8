import {reasonOf} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {EtcdFault} from './fault.ts';
import type {TlsTexts, Transport} from './transport.ts';

/** Who we are to etcd. */
export interface Credentials {
  readonly name: string;
  readonly password: string;
}

/** What is read from files: at the start, and again when nothing works, since certificates are renewed in place. */
export interface Secrets {
  readonly tls: TlsTexts;
  readonly credentials: Credentials | undefined;
}

/** A cluster of etcd behind its endpoints. Whatever fails, fails with an `EtcdFault` and within a time of its own. */
export interface Gateway {
  /** One answer, from the first endpoint that gives one. Safe for what may be done twice. */
  ask(path: string, request: unknown, timeoutMs?: number): Promise<unknown>;
  /** The same for a call that takes several requests and answers each. */
  askEach(path: string, requests: readonly unknown[], timeoutMs?: number): Promise<unknown[]>;
  /** A stream of answers from one endpoint, until it is cut, falls behind or `signal` aborts. */
  listen(path: string, request: unknown, signal: AbortSignal): AsyncGenerator<unknown>;
  /** When etcd answered last (monotonic), -Infinity for never. */
  readonly answeredMs: number;
  close(): void;
}

export interface GatewayPorts {
  readonly endpoints: readonly string[];
  readonly loadSecrets: () => Promise<Secrets>;
  readonly openTransport: (tls: TlsTexts) => Transport;
  readonly clock: Clock;
  readonly log: Log;
}

/** An endpoint that takes longer is no use: slaves and replicas wait for what it has to say. */
const TIMEOUT_MS = 1500;

/** etcd compares passwords slowly on purpose. */
const AUTHENTICATE_MS = 5000;

/**
 * Keeps to one endpoint while it answers, and leaves it, with all that listens there, when it does not: a stream at an
 * endpoint that is cut off would stay silent for ever.
 */
export function openGateway({endpoints, loadSecrets, openTransport, clock, log}: GatewayPorts): Gateway {
  const closing = new AbortController();
  let transport: Transport | undefined;
  let credentials: Credentials | undefined;
  let token: Promise<string> | undefined;
  let chosen = 0;
  let left = new AbortController();
  let answeredMs = Number.NEGATIVE_INFINITY;

  const endpointAt = (index: number): string => endpoints[index % endpoints.length] ?? '';

  const connect = async (): Promise<Transport> => {
    if (transport !== undefined) return transport;
    const secrets = await loadSecrets().catch(cause => {
      throw new EtcdFault('unreachable', reasonOf(cause), {cause});
    });
    transport ??= openTransport(secrets.tls);
    credentials = secrets.credentials;
    return transport;
  };

  /** Forgets connections, token and secrets: the next call begins anew. */
  const reset = (): void => {
    transport?.close();
    transport = undefined;
    token = undefined;
  };

  const leave = (index: number, reason: string): void => {
    if (index !== chosen || closing.signal.aborted) return;
    chosen += 1;
    left.abort(new Error(`left ${endpointAt(index)}: ${reason}`));
    left = new AbortController();
    if (endpoints.length > 1) log.info({from: endpointAt(index), to: endpointAt(chosen), reason}, 'etcd endpoint left');
    if (chosen % endpoints.length === 0) reset();
  };

  const within = (timeoutMs: number): AbortSignal => AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)]);

  const authenticate = async (index: number): Promise<string> => {
    const opened = await connect();
    const body = JSON.stringify({name: credentials?.name, password: credentials?.password});
    const call = {endpoint: endpointAt(index), path: '/auth/authenticate', body, token: undefined};
    const [answer] = await opened.ask({...call, signal: within(AUTHENTICATE_MS)});
    return String((answer as {token?: unknown}).token);
  };

  const tokenFor = async (index: number): Promise<string | undefined> => {
    await connect();
    if (credentials === undefined) return undefined;
    token ??= authenticate(index);
    try {
      return await token;
    } catch (error) {
      token = undefined;
      throw error;
    }
  };

  const attempt = async (index: number, path: string, body: string, timeoutMs: number): Promise<unknown[]> => {
    const opened = await connect();
    const call = {endpoint: endpointAt(index), path, body};
    const answers = await opened.ask({...call, token: await tokenFor(index), signal: within(timeoutMs)});
    answeredMs = clock.nowMs();
    return answers;
  };

  const askEach: Gateway['askEach'] = async (path, requests, timeoutMs = TIMEOUT_MS) => {
    const body = requests.map(request => JSON.stringify(request)).join('');
    let isRenewed = false;
    for (let tries = 1; ; tries++) {
      const index = chosen;
      try {
        return await attempt(index, path, body, timeoutMs);
      } catch (error) {
        if (!(error instanceof EtcdFault)) throw error;
        if (error.kind === 'unauthenticated' && !isRenewed) {
          isRenewed = true;
          token = undefined;
          continue;
        }
        if (error.kind !== 'unreachable') throw error;
        leave(index, error.message);
        if (tries >= endpoints.length || closing.signal.aborted) throw error;
      }
    }
  };

  return {
    askEach,
    async ask(path, request, timeoutMs) {
      const [answer] = await askEach(path, [request], timeoutMs);
      return answer;
    },
    async *listen(path, request, signal) {
      const index = chosen;
      const ended = AbortSignal.any([signal, closing.signal, left.signal]);
      try {
        const opened = await connect();
        const body = JSON.stringify(request);
        const call = {endpoint: endpointAt(index), path, body, token: await tokenFor(index), signal: ended};
        for await (const answer of opened.listen(call)) {
          answeredMs = clock.nowMs();
          yield answer;
        }
      } catch (error) {
        if (error instanceof EtcdFault && error.kind === 'unauthenticated') token = undefined;
        if (error instanceof EtcdFault && error.kind === 'unreachable' && !ended.aborted) leave(index, error.message);
        throw error;
      }
    },
    get answeredMs() {
      return answeredMs;
    },
    close() {
      closing.abort(new Error('closed'));
      reset();
    },
  };
}
