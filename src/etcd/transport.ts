import {Agent as HttpAgent, type IncomingMessage, request as requestHttp} from 'node:http';
import {Agent as HttpsAgent, request as requestHttps} from 'node:https';
import {reasonOf} from '../errors.ts';
import {EtcdFault, etcdFaultOf} from './fault.ts';

/** PEM texts; what is absent is the system's, or none. */
export interface TlsTexts {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface GatewayCall {
  readonly endpoint: string;
  /** Below `/v3`, such as `/kv/range`. */
  readonly path: string;
  /** One JSON value, or several for a request that is itself a stream. */
  readonly body: string;
  readonly token: string | undefined;
  readonly signal: AbortSignal;
}

/** One way to etcd's JSON gateway. Both calls fail with an `EtcdFault`. */
export interface Transport {
  /** All answers of a call that ends by itself: one, or as many as it has requests. */
  ask(call: GatewayCall): Promise<unknown[]>;
  /** The answers of a call that has many, as they come. */
  listen(call: GatewayCall): AsyncGenerator<unknown>;
  close(): void;
}

/** Calls at once to one endpoint; more wait. */
const MAX_SOCKETS = 128;

/** The kernel asks a silent stream's other side this often. */
const PROBE_MS = 5000;

/** One answer. What is no JSON is a proxy's word, or etcd's own to who may not come in: with 4xx it is final. */
const parse = (text: string, status = 0): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Below.
  }
  const isFinal = status >= 400 && status < 500;
  throw new EtcdFault(isFinal ? 'refused' : 'unreachable', `answer ${status}: ${text.trim().slice(0, 200)}`);
};

/**
 * What an answer says; throws for `{"error": "...", "code": 5}`, or in a stream `{"error": {"grpc_code": 14, "message":
 * "..."}}`. The answers of a stream are wrapped in `{"result": ...}`.
 */
function resultOf(answer: Record<string, unknown>): unknown {
  const {error, result} = answer;
  if (error === undefined) return result ?? answer;
  const fields = (typeof error === 'object' ? error : answer) as Record<string, unknown>;
  throw etcdFaultOf(Number(fields.grpc_code ?? fields.code ?? 0), String(fields.message ?? error));
}

/** The lines of a stream. Node's readline would leave the stream's error to nobody, and end the process. */
async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of response.setEncoding('utf8')) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    yield* lines.filter(line => line.trim() !== '');
  }
}

/** Opens connections as they are needed, over plain TCP or TLS as each endpoint says. */
export function openTransport(tls: TlsTexts): Transport {
  const options = {keepAlive: true, maxSockets: MAX_SOCKETS};
  const agents = {http: new HttpAgent(options), https: new HttpsAgent({...options, ...tls})};

  const send = ({endpoint, path, body, token, signal}: GatewayCall, isStream: boolean): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const isSecure = endpoint.startsWith('https:');
      const headers = {
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(body),
        ...(token !== undefined && {Authorization: token}),
      };
      const shared = {method: 'POST', headers, signal};
      const url = new URL(`/v3${path}`, endpoint);
      const sent = isSecure
        ? requestHttps(url, isStream ? {...shared, ...tls, agent: false} : {...shared, agent: agents.https})
        : requestHttp(url, {...shared, agent: isStream ? false : agents.http});
      sent.once('response', resolve);
      sent.once('error', reject);
      sent.once('socket', socket => socket.setKeepAlive(true, PROBE_MS).setNoDelay(true));
      sent.end(body);
    });

  const unreachable = (error: unknown, signal: AbortSignal): EtcdFault =>
    error instanceof EtcdFault
      ? error
      : new EtcdFault('unreachable', reasonOf(signal.aborted ? signal.reason : error), {cause: error});

  return {
    async ask(call) {
      try {
        const response = await send(call, false);
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk);
        const lines = Buffer.concat(chunks).toString().split('\n');
        const answers = lines.filter(line => line.trim() !== '').map(line => parse(line, response.statusCode));
        if (answers.length === 0) throw new EtcdFault('unreachable', 'the answer is empty');
        return answers.map(resultOf);
      } catch (error) {
        throw unreachable(error, call.signal);
      }
    },
    async *listen(call) {
      try {
        const response = await send(call, true);
        for await (const line of linesOf(response)) yield resultOf(parse(line, response.statusCode));
        if (!response.complete) throw new EtcdFault('unreachable', 'the stream was cut');
      } catch (error) {
        throw unreachable(error, call.signal);
      }
    },
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}
