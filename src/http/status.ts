import {type FastifyInstance, type FastifyReply, fastify} from 'fastify';
import type {KubernetesStatus} from '../kubernetes/status.ts';
import type {PassRecord} from '../lifecycle/passes.ts';
import type {MemberView} from '../members/member.ts';
import type {Log} from '../ports/log.ts';
import type {ProxyStatus, ReloadStatus} from '../reload/generations.ts';

/** `GET /status` (DESIGN, "Status port"): fields are added, never renamed. */
export interface Status {
  readonly version: string;
  readonly mode: readonly string[];
  readonly uptimeMs: number;
  readonly ready: boolean;
  /** The proxy serves what the inputs say: nothing failed, and no change waits for its pass. */
  readonly inSync: boolean;
  readonly lastError: string | null;
  /** `error` is what the last finished state failed of. */
  readonly lifecycle: {readonly state: string; readonly sinceMs: number; readonly error: string | null};
  readonly digest: string;
  readonly hosts: Readonly<Record<string, readonly string[]>>;
  readonly memberCount: number;
  readonly store: {readonly kind: string; readonly healthy: boolean};
  /** Silent members that stay because too many fell silent at once, and how often that happened. */
  readonly guard: {readonly held: number; readonly holds: number};
  /** All replicas, this one included, as they told each other; only with a store that they share. */
  readonly fleet?: readonly {
    readonly id: string;
    readonly version: string;
    readonly generation: number;
    readonly digest: string;
    readonly inSync: boolean;
    readonly startedAt: number;
  }[];
  readonly proxy: ProxyStatus & {readonly version: string};
  readonly reload: ReloadStatus & {readonly last: PassRecord | null};
  readonly kubernetes?: KubernetesStatus;
}

export interface StatusPorts {
  status(): Status;
  members(): readonly MemberView[];
  /** The text that serves, passwords hidden; undefined while nothing does. */
  configuration(): string | undefined;
  isReady(): boolean;
  /** The Prometheus text exposition and its content type. */
  metrics(): Promise<{readonly type: string; readonly text: string}>;
  readonly log: Log;
}

const ENDPOINTS = ['/status', '/members', '/hosts', '/config', '/metrics', '/livez', '/readyz'];

const text = (reply: FastifyReply, body: string) => reply.type('text/plain; charset=utf-8').send(body);

/** What a kubelet asks: `/livez` depends on our event loop alone, `/readyz` on whether anything serves. */
export function createProbes({isReady}: Pick<StatusPorts, 'isReady'>): FastifyInstance {
  const app = fastify({forceCloseConnections: true, requestTimeout: 10_000});
  app.get('/livez', (_request, reply) => text(reply, 'ok\n'));
  app.get('/readyz', (_request, reply) => {
    const ready = isReady();
    return text(reply.code(ready ? 200 : 503), ready ? 'ok\n' : 'not ready\n');
  });
  return app;
}

/** The status port, not yet listening: read-only, JSON unless said otherwise. */
export function createStatus(ports: StatusPorts): FastifyInstance {
  const app = createProbes(ports);
  app.get('/', () => ({service: 'haproxy-kontrol', endpoints: ENDPOINTS}));
  app.get('/status', () => ports.status());
  app.get('/members', () => ports.members());
  app.get('/hosts', () => ports.status().hosts);
  app.get('/config', (_request, reply) => {
    const configuration = ports.configuration();
    if (configuration !== undefined) return text(reply, configuration);
    return reply.code(503).send({error: 'no configuration', reason: 'HAProxy has not served anything yet'});
  });
  app.get('/metrics', async (_request, reply) => {
    const {type, text: body} = await ports.metrics();
    return reply.type(type).send(body);
  });
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .send({error: 'not found', reason: `${request.method} ${request.url} is none of GET ${ENDPOINTS.join(', ')}`}),
  );
  app.setErrorHandler((err, request, reply) => {
    ports.log.error({err, url: request.url}, 'status request failed');
    return reply.code(500).send({error: 'internal error', reason: 'see the log'});
  });
  return app;
}
