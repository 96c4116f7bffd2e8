import type {FastifyInstance, FastifyReply, FastifyRequest} from 'fastify';
import {DaemonError, reasonOf} from '../errors.ts';
import type {Log} from '../ports/log.ts';
import {LOG_LEVELS, type LogLevel} from '../ports/log-level.ts';
import {admit} from './token.ts';

/** How an operator's wish ended; `detail` is what HAProxy said. */
export type ActionResult =
  | {readonly is: 'done'; readonly answer: Readonly<Record<string, unknown>>}
  | {readonly is: 'unknown' | 'gone' | 'idle'; readonly reason: string};

/** What an operator can ask for. Those that run a pass reject when it failed. */
export interface Actions {
  reconfigure(): Promise<ActionResult>;
  rollback(pass: number): Promise<ActionResult>;
  release(): Promise<ActionResult>;
  setLogLevel(level: LogLevel): Promise<ActionResult>;
}

export interface ActionRoutesPorts {
  readonly actions: Actions;
  /** Undefined where no token is configured: then nobody may change anything. */
  readonly loadToken: (() => Promise<string>) | undefined;
  /** What went wrong, without the secrets of the configuration. */
  readonly hideSecrets: (said: string) => string;
  readonly log: Log;
}

const CODES = {unknown: 404, gone: 410, idle: 409} as const;

/** Bodies are a few words; more is a mistake or worse. */
const BODY_LIMIT_BYTES = 4096;

/** The mutations. Each try is one line in the log, whoever it was and however it ended. */
export function serveActions(app: FastifyInstance, {actions, loadToken, hideSecrets, log}: ActionRoutesPorts): void {
  const guard = async (request: FastifyRequest, reply: FastifyReply) => {
    const admission = await admit(request.headers.authorization, loadToken);
    if (admission.is === 'admitted') return;
    audit(request, admission.is);
    if (admission.status === 401) reply.header('www-authenticate', 'Bearer realm="haproxy-kontrol"');
    return reply.code(admission.status).send({error: `changes are ${admission.is}`, reason: admission.reason});
  };

  const audit = ({ip, method, url}: FastifyRequest, outcome: string, reason?: string): void => {
    const fields = {remoteAddress: ip, event: `${method} ${url}`, outcome, reason};
    if (outcome === 'done') log.info(fields, 'operator changed something');
    else log.warn(fields, 'operator was refused, or failed');
  };

  const run = async (request: FastifyRequest, reply: FastifyReply, act: () => Promise<ActionResult>) => {
    try {
      const result = await act();
      audit(request, result.is, result.is === 'done' ? undefined : result.reason);
      if (result.is === 'done') return result.answer;
      return reply.code(CODES[result.is]).send({error: 'not done', reason: result.reason});
    } catch (error) {
      const reason = hideSecrets(reasonOf(error));
      audit(request, 'failed', reason);
      const detail = error instanceof DaemonError ? error.detail : undefined;
      return reply.code(422).send({error: 'the pass failed', reason, ...(detail && {detail: hideSecrets(detail)})});
    }
  };

  const guarded = {onRequest: guard, bodyLimit: BODY_LIMIT_BYTES};

  app.post('/reconfigure', guarded, (request, reply) => run(request, reply, actions.reconfigure));

  app.post<{Querystring: {pass: number}}>(
    '/rollback',
    {
      ...guarded,
      schema: {
        querystring: {type: 'object', required: ['pass'], properties: {pass: {type: 'integer', minimum: 1}}},
      },
    },
    (request, reply) => run(request, reply, () => actions.rollback(request.query.pass)),
  );

  app.post('/release', guarded, (request, reply) => run(request, reply, actions.release));

  app.put<{Body: {level: LogLevel}}>(
    '/log-level',
    {
      ...guarded,
      schema: {
        body: {type: 'object', required: ['level'], properties: {level: {type: 'string', enum: [...LOG_LEVELS]}}},
      },
    },
    (request, reply) => run(request, reply, () => actions.setLogLevel(request.body.level)),
  );
}
