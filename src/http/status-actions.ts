import type {FastifyError, FastifyInstance, FastifyReply, FastifyRequest} from 'fastify';
import {DaemonError, reasonOf, rethrowBug} from '../errors.ts';
import type {RollbackWish} from '../lifecycle/find-rollback.ts';
import type {Finding} from '../lifecycle/findings.ts';
import type {Examination} from '../lifecycle/trial.ts';
import type {Log} from '../ports/log.ts';
import {LOG_LEVELS, type LogLevel} from '../ports/log-level.ts';
import type {Patch} from '../proxy/patch.ts';
import {describeBadRequest} from './bad-request.ts';
import {type Refusals, shownUrl} from './refusals.ts';
import {admit} from './token.ts';

/** How an operator's wish ended; `shown` is what it would do. */
export type ActionResult =
  | {readonly is: 'done' | 'shown'; readonly answer: Readonly<Record<string, unknown>>}
  | {readonly is: keyof typeof CODES; readonly reason: string};

/**
 * What an operator can ask for. Those that run a pass reject when it failed; as a preview they change nothing, and tell
 * whether it would work and what would change.
 */
export interface Actions {
  reconfigure(isPreview: boolean): Promise<ActionResult>;
  rollback(wish: RollbackWish, isPreview: boolean): Promise<ActionResult>;
  release(isPreview: boolean): Promise<ActionResult>;
  /** Looks at a template with today's pods, and applies nothing. */
  check(template: Uint8Array): Promise<ActionResult>;
  setLogLevel(level: LogLevel): Promise<ActionResult>;
}

/** What came of a template that was looked at. `null` is what did not come out of it; lines are its own, from 1. */
export interface CheckAnswer {
  readonly works: boolean;
  readonly findings: readonly (Omit<Finding, 'line' | 'column'> & {
    readonly line: number | null;
    readonly column: number | null;
  })[];
  /** How it would come to serve. */
  readonly way: NonNullable<Examination['foreseen']>['way'] | null;
  readonly why: string | null;
  /** To what serves. */
  readonly difference: Patch | null;
  readonly text: string | null;
}

export interface ActionRoutesPorts {
  readonly actions: Actions;
  /** Undefined where no token is configured: then nobody may change anything. */
  readonly loadToken: (() => Promise<string>) | undefined;
  /** What went wrong, without the secrets of the configuration. */
  readonly hideSecrets: (said: string) => string;
  readonly log: Log;
}

const CODES = {unknown: 404, gone: 410, idle: 409, malformed: 400, busy: 429} as const;

/** Bodies are a few words; more is a mistake or worse. */
const BODY_LIMIT_BYTES = 4096;

/** As much as a template in a file may have. */
const TEMPLATE_LIMIT_BYTES = 4 << 20;

/** `?preview=1`: show what would change, and change nothing. */
interface Previewing {
  readonly preview?: 1;
}

const FLAG = {type: 'integer', enum: [1]};

/** What a Date can hold. */
const MAX_EPOCH_MS = 8.64e15;

const PREVIEW_QUERY = {type: 'object', properties: {preview: FLAG}};

const ROLLBACK_QUERY = {
  type: 'object',
  anyOf: [{required: ['pass']}, {required: ['at']}, {required: ['last']}],
  properties: {
    pass: {type: 'integer', minimum: 1},
    at: {type: 'integer', minimum: 0, maximum: MAX_EPOCH_MS},
    last: FLAG,
    preview: FLAG,
  },
};

const LOG_LEVEL_BODY = {
  type: 'object',
  required: ['level'],
  properties: {level: {type: 'string', enum: [...LOG_LEVELS]}},
};

function wishOf({pass, at}: {readonly pass?: number; readonly at?: number}): RollbackWish {
  if (pass !== undefined) return {is: 'pass', pass};
  return at === undefined ? {is: 'last'} : {is: 'time', at};
}

/** The mutations. What somebody with the token tried is one line in the log, however it ended; others are counted. */
export function serveActions(app: FastifyInstance, ports: ActionRoutesPorts, refusals: Refusals): void {
  const {actions} = ports;
  const onRequest = (request: FastifyRequest, reply: FastifyReply) => admitOperator(ports, refusals, {request, reply});
  const run = (request: FastifyRequest, reply: FastifyReply, act: () => Promise<ActionResult>) =>
    answer(ports, act, {request, reply});
  // Whoever has the token and sends nonsense tried as well.
  const errorHandler = (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
    if ((error.statusCode ?? 500) < 500) audit(ports.log, request, 'malformed', describeBadRequest(error));
    return reply.send(error);
  };
  const guarded = {onRequest, errorHandler, bodyLimit: BODY_LIMIT_BYTES};
  const previewed = {...guarded, schema: {querystring: PREVIEW_QUERY}};

  app.post<{Querystring: Previewing}>('/reconfigure', previewed, (request, reply) =>
    run(request, reply, () => actions.reconfigure(request.query.preview === 1)),
  );

  app.post<{Querystring: Previewing & {pass?: number; at?: number; last?: 1}}>(
    '/rollback',
    {...guarded, schema: {querystring: ROLLBACK_QUERY}},
    (request, reply) => run(request, reply, () => actions.rollback(wishOf(request.query), request.query.preview === 1)),
  );

  app.post<{Querystring: Previewing}>('/release', previewed, (request, reply) =>
    run(request, reply, () => actions.release(request.query.preview === 1)),
  );

  void app.register((scope, _options, done) => {
    // Whatever it claims to be: clients call what they post by many names.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', {parseAs: 'buffer'}, (_request, body, done) => done(null, body));
    scope.post('/check', {...guarded, bodyLimit: TEMPLATE_LIMIT_BYTES}, (request, reply) =>
      run(request, reply, () => actions.check(request.body instanceof Uint8Array ? request.body : new Uint8Array())),
    );
    done();
  });

  app.put<{Body: {level: LogLevel}}>('/log-level', {...guarded, schema: {body: LOG_LEVEL_BODY}}, (request, reply) =>
    run(request, reply, () => actions.setLogLevel(request.body.level)),
  );
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** Refuses whoever has not the operators' token. */
async function admitOperator(
  {loadToken}: Pick<ActionRoutesPorts, 'loadToken'>,
  refusals: Refusals,
  {request, reply}: Exchange,
): Promise<unknown> {
  const admission = await admit(request.headers.authorization, loadToken);
  if (admission.is === 'admitted') return undefined;
  refusals.note(request.ip, {event: `${request.method} ${shownUrl(request.url)}`, outcome: admission.is});
  if (admission.status === 401) reply.header('www-authenticate', 'Bearer realm="haproxy-kontrol"');
  return reply.code(admission.status).send({error: `changes are ${admission.is}`, reason: admission.reason});
}

async function answer(
  {hideSecrets, log}: ActionRoutesPorts,
  act: () => Promise<ActionResult>,
  {request, reply}: Exchange,
): Promise<unknown> {
  try {
    const result = await act();
    audit(log, request, result.is, 'reason' in result ? result.reason : undefined);
    if ('answer' in result) return result.answer;
    return reply.code(CODES[result.is]).send({error: 'not done', reason: result.reason});
  } catch (error) {
    rethrowBug(error);
    const reason = hideSecrets(reasonOf(error));
    audit(log, request, 'failed', reason);
    const detail = error instanceof DaemonError ? error.detail : undefined;
    return reply.code(422).send({error: 'the pass failed', reason, ...(detail && {detail: hideSecrets(detail)})});
  }
}

function audit(log: Log, {ip, method, url}: FastifyRequest, outcome: string, reason?: string): void {
  const fields = {remoteAddress: ip, event: `${method} ${shownUrl(url)}`, outcome, reason};
  if (outcome === 'shown') log.info(fields, 'operator looked at a change');
  else if (outcome === 'done') log.info(fields, 'operator changed something');
  else log.warn(fields, 'operator was refused, or failed');
}
