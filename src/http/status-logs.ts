import type {FastifyInstance} from 'fastify';
import {canonicalIp, isLoopback} from '../members/address.ts';
import type {RecentLines} from '../ports/recent-lines.ts';
import type {Bodies} from './bodies.ts';
import {sendSharedJson} from './reply.ts';
import {admit} from './token.ts';

export type LogKind = 'daemon' | 'access';

export interface LogRoutesPorts {
  readonly recent: Readonly<Record<LogKind, Pick<RecentLines, 'since'>>>;
  readonly loadToken: (() => Promise<string>) | undefined;
}

interface Query {
  readonly kind: LogKind;
  readonly after: number;
  readonly limit: number;
}

/** `/logs`: the last lines of our own log and of HAProxy's. They name clients, so that strangers need the token. */
export function serveLogs(app: FastifyInstance, {recent, loadToken}: LogRoutesPorts, bodies: Bodies): void {
  app.get<{Querystring: Query}>(
    '/logs',
    {
      async onRequest(request, reply) {
        // From inside the pod or through `kubectl port-forward`; names of strangers were refused before.
        if (isLoopback(canonicalIp(request.ip) ?? '')) return;
        const admission = await admit(request.headers.authorization, loadToken);
        if (admission.is === 'admitted') return;
        const reason = 'logs are for callers on loopback (kubectl exec or port-forward), or with the token';
        return reply.code(admission.status).send({error: 'logs refused', reason});
      },
      schema: {
        querystring: {
          type: 'object',
          properties: {
            kind: {type: 'string', enum: ['daemon', 'access'], default: 'daemon'},
            after: {type: 'integer', minimum: 0, default: 0},
            limit: {type: 'integer', minimum: 1, maximum: 1000, default: 100},
          },
        },
      },
    },
    ({query: {kind, after, limit}}, reply) =>
      sendSharedJson(reply, bodies, `/logs ${kind} ${after} ${limit}`, () => recent[kind].since(after, limit)),
  );
}
