import type {Server, Socket} from 'node:net';
import {errorCodes, type FastifyInstance, type FastifyReply, fastify} from 'fastify';
import {digestHosts} from '../members/hosts.ts';
import type {Hosts} from '../members/member.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {acceptAnyBody, BODY_LIMIT_BYTES} from './body.ts';
import {boundAnswers} from './bounded-answers.ts';
import {createClientErrorHandler} from './client-error.ts';
import {divert} from './first-byte.ts';
import {shownUrl} from './refusals.ts';
import {sendSharedJson} from './reply.ts';
import {addScript, type ScriptPorts} from './script.ts';

/** A slave waits 1 s for its answer, so who needs longer than these is broken or means harm. */
const TIMEOUTS = {headersMs: 5000, requestMs: 10_000, keepAliveMs: 5000, silentMs: 15_000, checkEveryMs: 1000} as const;

/** A burst of slaves that open one for each ping, beside those that keep one each. */
const MAX_BURST = 8192;

/** How many connections the master endpoint needs. */
export const masterConnections = (maxMembers: number): number => maxMembers + MAX_BURST;

/**
 * What became of a ping. `bad` answers 400; `forbidden` (who sends it may not) 403; `refused` (a cap is reached) and
 * `unavailable` (whoever must be asked does not answer) 503.
 */
export type Reception =
  | {readonly is: 'accepted'}
  | {readonly is: 'bad'; readonly field: string; readonly reason: string}
  | {readonly is: 'forbidden'; readonly reason: string}
  | {readonly is: 'refused'; readonly reason: string}
  | {readonly is: 'unavailable'; readonly reason: string};

export interface MasterPorts {
  /**
   * Answers from memory, at once. `remoteAddress` is as the socket says it (`::ffff:10.2.0.17`); `authorization` is the
   * header of that name.
   */
  receive(body: Buffer, remoteAddress: string, authorization?: string): Reception;
  /** Those of the last configuration that was applied; undefined before the first one. */
  appliedHosts(): Hosts | undefined;
  /** Takes connections that begin with `firstByte`, as none of HTTP does; `close` ends them. Refused when absent. */
  readonly zerorpc?: {readonly firstByte: number; take(socket: Socket): void; close(): void};
  /** Switched off when absent. */
  readonly script?: ScriptPorts | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Why a request was not served; `field` names the part of a ping that is at fault. */
interface Refusal {
  readonly error: string;
  readonly field?: string;
  readonly reason: string;
}

const ALLOWED_METHODS: ReadonlyMap<string, string> = new Map([
  ['/ping', 'PUT'],
  ['/state', 'GET, HEAD'],
  ['/script', 'PUT'],
  ['/down', 'POST'],
]);

const NO_SCRIPTS: Refusal = {
  error: 'switched off',
  reason: 'running commands over HTTP is switched off; write to the control socket inside the pod instead',
};

const NO_STOP: Refusal = {
  error: 'switched off',
  reason: 'stopping over HTTP is switched off; delete the pod or send the daemon SIGTERM instead',
};

/**
 * The master endpoint (docs/contract-2017.md#keepalive), not yet listening: `PUT /ping`, `GET /state`, and the two
 * calls of the old slave that ran commands, refused. Every refusal is JSON `{"error", "field"?, "reason"}`. Whatever a
 * client does, a ping of another one is answered; slow clients are cut.
 */
export function createMaster(ports: MasterPorts): FastifyInstance {
  const {zerorpc, script, clock, log} = ports;
  const app = fastify({
    clientErrorHandler: createClientErrorHandler(log),
    connectionTimeout: TIMEOUTS.silentMs,
    frameworkErrors: (error, _request, reply) => {
      answer(reply, error.statusCode ?? 400, {error: 'bad request', reason: error.message});
    },
    http: {connectionsCheckingInterval: TIMEOUTS.checkEveryMs, headersTimeout: TIMEOUTS.headersMs},
    keepAliveTimeout: TIMEOUTS.keepAliveMs,
    requestTimeout: TIMEOUTS.requestMs,
  });
  acceptAnyBody(app);
  if (zerorpc !== undefined) takeZerorpc(app, zerorpc, clock);
  takePings(app, ports);
  showState(app, ports);
  if (script === undefined) app.put('/script', (_request, reply) => answer(reply, 403, NO_SCRIPTS));
  else addScript(app, script);
  app.post('/down', (_request, reply) => answer(reply, 403, NO_STOP));
  refuseUnknown(app);
  refuseFaulty(app, log);
  return app;
}

const answer = (reply: FastifyReply, status: number, body?: Refusal): void => {
  reply.code(status).send(body);
};

function takePings(app: FastifyInstance, {receive}: MasterPorts): void {
  app.put<{Body: Buffer | undefined}>('/ping', (request, reply) => {
    const reception = receive(request.body ?? Buffer.alloc(0), request.ip, request.headers.authorization);
    switch (reception.is) {
      case 'accepted':
        return answer(reply, 200);
      case 'bad':
        return answer(reply, 400, {error: 'bad ping', field: reception.field, reason: reception.reason});
      case 'forbidden':
        return answer(reply, 403, {error: 'ping forbidden', reason: reception.reason});
      case 'refused':
        return answer(reply, 503, {error: 'ping refused', reason: reception.reason});
      case 'unavailable':
        return answer(reply, 503, {error: 'ping not taken', reason: reception.reason});
    }
  });
}

/** The last applied configuration; `md5` is null before the first one. */
function stateOf(hosts: Hosts | undefined) {
  return {md5: hosts === undefined ? null : digestHosts(hosts), hosts: Object.fromEntries(hosts ?? [])};
}

function showState(app: FastifyInstance, {appliedHosts, clock}: MasterPorts): void {
  app.register((scope, _options, done) => {
    const bodies = boundAnswers(scope, clock);
    scope.get('/state', (_request, reply) => sendSharedJson(reply, bodies, '/state', () => stateOf(appliedHosts())));
    done();
  });
}

function refuseUnknown(app: FastifyInstance): void {
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const methods = ALLOWED_METHODS.get(path);
    if (methods === undefined) {
      const reason = `there is no such path here, where pods ping: there are ${[...ALLOWED_METHODS.keys()].join(', ')}; /status and its like are on KONTROL_STATUS_PORT`;
      return answer(reply, 404, {error: 'unknown path', reason});
    }
    reply.header('allow', methods);
    return answer(reply, 405, {error: 'wrong method', reason: `${path} takes ${methods}, not ${request.method}`});
  });
}

function refuseFaulty(app: FastifyInstance, log: Log): void {
  app.setErrorHandler<Error & {statusCode?: number}>((error, request, reply) => {
    if (error instanceof errorCodes.FST_ERR_CTP_BODY_TOO_LARGE) {
      const reason = `the body exceeds ${BODY_LIMIT_BYTES} bytes; send a smaller payload`;
      return answer(reply, 413, {error: 'body too large', reason});
    }
    if (error.statusCode !== undefined && error.statusCode < 500) {
      return answer(reply, error.statusCode, {error: 'bad request', reason: error.message});
    }
    log.error({err: error, method: request.method, path: shownUrl(request.url)}, 'request failed');
    return answer(reply, 500, {error: 'internal error', reason: 'the daemon failed to answer; its log says why'});
  });
}

function takeZerorpc(
  app: FastifyInstance,
  {firstByte, take, close}: NonNullable<MasterPorts['zerorpc']>,
  clock: Clock,
): void {
  const cutUndecided = divert(app.server as Server, {firstByte, take, silentMs: TIMEOUTS.headersMs, clock});
  app.addHook('preClose', done => {
    cutUndecided();
    close();
    done();
  });
}
