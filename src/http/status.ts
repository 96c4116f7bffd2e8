import {type FastifyError, type FastifyInstance, type FastifyReply, fastify, type HTTPMethods} from 'fastify';
import {canonicalIp} from '../members/address.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {describeBadRequest} from './bad-request.ts';
import type {Bodies} from './bodies.ts';
import {boundAnswers} from './bounded-answers.ts';
import type {EventStream, LiveEvent} from './events.ts';
import {checkHost} from './host-check.ts';
import type {ShownMember} from './joined-members.ts';
import {OPENAPI} from './openapi.ts';
import type {Departure, Timeline, Traffic} from './page-types.ts';
import {readInPieces} from './pieces.ts';
import {createRefusals, shownUrl} from './refusals.ts';
import {sendSharedJson, sendText} from './reply.ts';
import {type ActionRoutesPorts, serveActions} from './status-actions.ts';
import {type HistoryRoutesPorts, serveHistory} from './status-history.ts';
import {type LogRoutesPorts, serveLogs} from './status-logs.ts';
import type {Status} from './status-types.ts';

export interface StatusPorts extends HistoryRoutesPorts, LogRoutesPorts, ActionRoutesPorts {
  status(): Status;
  /** With HAProxy's view of each, asked for now. */
  members(): Promise<readonly ShownMember[]>;
  /** Of an address, or of the pod with this name. */
  timeline(name: string): Omit<Timeline, 'member'> | undefined;
  departures(): readonly Departure[];
  traffic(): Traffic;
  isReady(): boolean;
  /** The Prometheus text exposition and its content type. */
  metrics(): Promise<{readonly type: string; readonly text: string}>;
  readonly events: Pick<EventStream, 'serve'>;
  greeting(): readonly LiveEvent[];
  /** Adds the dashboard on `/` and what it needs. */
  serveDashboard(app: FastifyInstance): void;
  /** The pod's own names, and others that it may be asked by from loopback; in lower case. */
  readonly hostNames: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

/** What can be looked at, for whoever asks for something else. */
const ENDPOINTS = [
  ...['/status', '/members', '/members/gone', '/members/<ip or pod>/timeline', '/hosts', '/history', '/config'],
  ...['/config/diff?from=N&to=M', '/traffic', '/logs', '/events', '/metrics', '/livez', '/readyz', '/openapi.json'],
];

/** And what can be changed, or asked with a body. */
const CHANGES = Object.entries(OPENAPI.paths).flatMap(([path, methods]) =>
  Object.keys(methods)
    .filter(method => method !== 'get')
    .map(method => `${method.toUpperCase()} ${path}`),
);

const METHODS: readonly HTTPMethods[] = ['GET', 'POST', 'PUT'];

/** What a kubelet asks: `/livez` depends on our event loop alone, `/readyz` on whether anything serves. */
export function createProbes({isReady}: Pick<StatusPorts, 'isReady'>): FastifyInstance {
  const app = fastify({
    forceCloseConnections: true,
    http: {connectionsCheckingInterval: 1000, headersTimeout: 5000},
    requestTimeout: 10_000,
  });
  readInPieces(app.server);
  app.get('/livez', (_request, reply) => sendText(reply, 'ok\n'));
  app.get('/readyz', (_request, reply) => {
    const ready = isReady();
    return sendText(reply.code(ready ? 200 : 503), ready ? 'ok\n' : 'not ready\n');
  });
  return app;
}

/** The status port, not yet listening: JSON unless said otherwise; what changes something needs a token. */
export function createStatus(ports: StatusPorts): FastifyInstance {
  const app = createProbes(ports);
  const bodies = boundAnswers(app, ports.clock);
  const refusals = createRefusals(ports);
  app.addHook('onClose', async () => refusals.close());
  checkHost(app, ports.hostNames);
  app.addHook('onSend', async (_request, reply) => {
    reply.header('x-content-type-options', 'nosniff').header('cache-control', 'no-store');
  });
  const serve = (path: string, build: () => unknown) =>
    app.get(path, (_request, reply) => sendSharedJson(reply, bodies, path, build));
  serve('/status', ports.status);
  serve('/hosts', () => ports.status().hosts);
  serve('/traffic', ports.traffic);
  serve('/openapi.json', () => OPENAPI);
  let metricsType = '';
  app.get('/metrics', async (_request, reply) => {
    const body = await bodies.of('/metrics', async () => {
      const {type, text} = await ports.metrics();
      metricsType = type;
      return text;
    });
    return reply.type(metricsType).send(body);
  });
  serve('/members/gone', ports.departures);
  serveMembers(app, ports, bodies);
  serveHistory(app, ports, bodies, refusals);
  serveLogs(app, ports, bodies);
  serveActions(app, ports, refusals);
  ports.events.serve(app, '/events', ports.greeting, bodies);
  ports.serveDashboard(app);
  refuseOthers(app, ports.log);
  return app;
}

function serveMembers(app: FastifyInstance, ports: StatusPorts, bodies: Bodies): void {
  app.get<{Querystring: {app?: string}}>(
    '/members',
    {schema: {querystring: {type: 'object', properties: {app: {type: 'string', maxLength: 63}}}}},
    ({query: {app: wanted}}, reply) =>
      sendSharedJson(reply, bodies, `/members ${wanted ?? ''}`, async () =>
        (await ports.members()).filter(member => wanted === undefined || member.app === wanted),
      ),
  );
  app.get<{Params: {ip: string}}>('/members/:ip/timeline', async ({params}, reply) => {
    const timeline = ports.timeline(canonicalIp(params.ip) ?? params.ip);
    if (timeline !== undefined) {
      const member = (await ports.members()).find(({ip}) => ip === timeline.ip) ?? null;
      return {...timeline, member};
    }
    const reason = `no pod has had the address or name "${params.ip.slice(0, 60)}" since the daemon started`;
    return reply.code(404).send({error: 'unknown member', reason});
  });
}

/** Everything that is not served: which paths and methods there are, what is wrong with a query, or that it is our fault. */
function refuseOthers(app: FastifyInstance, log: Log): void {
  const answer = (reply: FastifyReply, status: number, error: string, reason: string) =>
    reply.code(status).send({error, reason});

  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const allowed = METHODS.filter(method => app.findRoute({method, url: path}) !== null);
    if (allowed.length > 0) {
      const methods = allowed.join(', ');
      return answer(reply.header('allow', methods), 405, 'wrong method', `${path} takes ${methods}`);
    }
    const reason = `${request.method} ${path.slice(0, 200)} is none of GET ${ENDPOINTS.join(', ')}; ${CHANGES.join(', ')}`;
    return answer(reply, 404, 'not found', reason);
  });

  app.setErrorHandler<FastifyError>((err, request, reply) => {
    const {statusCode = 500} = err;
    if (statusCode < 500) return answer(reply, statusCode, 'bad request', describeBadRequest(err));
    log.error({err, url: shownUrl(request.url)}, 'status request failed');
    return answer(reply, 500, 'internal error', 'see the log');
  });
}
