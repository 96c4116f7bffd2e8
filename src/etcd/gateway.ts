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

interface State {
  readonly ports: GatewayPorts;
  readonly closing: AbortController;
  transport: Transport | undefined;
  credentials: Credentials | undefined;
  token: Promise<string> | undefined;
  /** Counts on: its remainder is the index of the endpoint. */
  chosen: number;
  /** Aborts when the chosen endpoint is left. */
  left: AbortController;
  answeredMs: number;
}

/**
 * Keeps to one endpoint while it answers, and leaves it, with all that listens there, when it does not: a stream at an
 * endpoint that is cut off would stay silent for ever.
 */
export function openGateway(ports: GatewayPorts): Gateway {
  const state: State = {
    ports,
    closing: new AbortController(),
    transport: undefined,
    credentials: undefined,
    token: undefined,
    chosen: 0,
    left: new AbortController(),
    answeredMs: Number.NEGATIVE_INFINITY,
  };
  return {
    askEach: (path, requests, timeoutMs) => askEach(state, path, requests, timeoutMs),
    async ask(path, request, timeoutMs) {
      const [answer] = await askEach(state, path, [request], timeoutMs);
      return answer;
    },
    listen: (path, request, signal) => listen(state, path, request, signal),
    get answeredMs() {
      return state.answeredMs;
    },
    close() {
      state.closing.abort(new Error('closed'));
      reset(state);
    },
  };
}

const endpointAt = ({ports: {endpoints}}: State, index: number): string => endpoints[index % endpoints.length] ?? '';

async function connect(state: State): Promise<Transport> {
  if (state.transport !== undefined) return state.transport;
  const {loadSecrets, openTransport} = state.ports;
  const secrets = await loadSecrets().catch(cause => {
    throw new EtcdFault('unreachable', reasonOf(cause), {cause});
  });
  state.transport ??= openTransport(secrets.tls);
  state.credentials = secrets.credentials;
  return state.transport;
}

/** Forgets connections, token and secrets: the next call begins anew. */
function reset(state: State): void {
  state.transport?.close();
  state.transport = undefined;
  state.token = undefined;
}

function leave(state: State, index: number, reason: string): void {
  const {endpoints, log} = state.ports;
  if (index !== state.chosen || state.closing.signal.aborted) return;
  state.chosen += 1;
  const [from, to] = [endpointAt(state, index), endpointAt(state, state.chosen)];
  state.left.abort(new Error(`left ${from}: ${reason}`));
  state.left = new AbortController();
  if (endpoints.length > 1) log.info({from, to, reason}, 'etcd endpoint left');
  if (state.chosen % endpoints.length === 0) reset(state);
}

const within = ({closing}: State, timeoutMs: number): AbortSignal =>
  AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)]);

async function authenticate(state: State, index: number): Promise<string> {
  const opened = await connect(state);
  const body = JSON.stringify({name: state.credentials?.name, password: state.credentials?.password});
  const call = {endpoint: endpointAt(state, index), path: '/auth/authenticate', body, token: undefined};
  const [answer] = await opened.ask({...call, signal: within(state, AUTHENTICATE_MS)});
  return String((answer as {token?: unknown}).token);
}

async function tokenFor(state: State, index: number): Promise<string | undefined> {
  await connect(state);
  if (state.credentials === undefined) return undefined;
  state.token ??= authenticate(state, index);
  try {
    return await state.token;
  } catch (error) {
    state.token = undefined;
    throw error;
  }
}

async function attempt(state: State, index: number, path: string, body: string, timeoutMs: number): Promise<unknown[]> {
  const opened = await connect(state);
  const call = {endpoint: endpointAt(state, index), path, body, token: await tokenFor(state, index)};
  const answers = await opened.ask({...call, signal: within(state, timeoutMs)});
  state.answeredMs = state.ports.clock.nowMs();
  return answers;
}

async function askEach(
  state: State,
  path: string,
  requests: readonly unknown[],
  timeoutMs = TIMEOUT_MS,
): Promise<unknown[]> {
  const body = requests.map(request => JSON.stringify(request)).join('');
  let isRenewed = false;
  for (let tries = 1; ; tries++) {
    const index = state.chosen;
    try {
      return await attempt(state, index, path, body, timeoutMs);
    } catch (error) {
      if (!(error instanceof EtcdFault)) throw error;
      if (error.kind === 'unauthenticated' && !isRenewed) {
        isRenewed = true;
        state.token = undefined;
        continue;
      }
      if (error.kind !== 'unreachable') throw error;
      leave(state, index, error.message);
      if (tries >= state.ports.endpoints.length || state.closing.signal.aborted) throw error;
    }
  }
}

async function* listen(state: State, path: string, request: unknown, signal: AbortSignal): AsyncGenerator<unknown> {
  const index = state.chosen;
  const ended = AbortSignal.any([signal, state.closing.signal, state.left.signal]);
  try {
    const opened = await connect(state);
    const body = JSON.stringify(request);
    const call = {endpoint: endpointAt(state, index), path, body, token: await tokenFor(state, index), signal: ended};
    for await (const answer of opened.listen(call)) {
      state.answeredMs = state.ports.clock.nowMs();
      yield answer;
    }
  } catch (error) {
    if (error instanceof EtcdFault && error.kind === 'unauthenticated') state.token = undefined;
    if (error instanceof EtcdFault && error.kind === 'unreachable' && !ended.aborted) {
      leave(state, index, error.message);
    }
    throw error;
  }
}
