import type {FastifyInstance, FastifyReply, FastifyRequest} from 'fastify';
import type {HistoryEntry} from '../lifecycle/history.ts';
import type {PassHistory, TextAs} from '../lifecycle/history-file.ts';
import type {Log} from '../ports/log.ts';
import {derivePatch} from '../proxy/patch.ts';
import type {Bodies} from './bodies.ts';
import type {Pass} from './page-types.ts';
import {type Refusals, shownUrl} from './refusals.ts';
import {sendSharedJson, sendText} from './reply.ts';
import {admit} from './token.ts';

export interface HistoryRoutesPorts {
  readonly history: Pick<PassHistory, 'entries' | 'entry' | 'configuration'>;
  /** The text that serves, `shown` or `revealed`; undefined while nothing does. */
  configuration(as: TextAs): string | undefined;
  /** Undefined where no token is configured: then nobody may see what is hidden. */
  readonly loadToken: (() => Promise<string>) | undefined;
  readonly log: Log;
}

/** Longer differences are cut; whoever needs more compares the two texts. */
const MAX_DIFF_CHARACTERS = 4 << 20;

const PASS = {type: 'integer', minimum: 1} as const;

/** `?reveal=1`: with the credentials that are hidden else. */
const REVEAL = {type: 'integer', enum: [0, 1], default: 0} as const;

interface Revealing {
  readonly reveal: 0 | 1;
}

const asOf = ({reveal}: Revealing): TextAs => (reveal === 1 ? 'revealed' : 'shown');

const noSuchPass = (reply: FastifyReply, {entries}: HistoryRoutesPorts['history'], pass: number) => {
  const [first, last] = [entries[0]?.pass, entries.at(-1)?.pass];
  const known = first === undefined ? 'there has been no pass yet' : `the history holds passes ${first} to ${last}`;
  return reply.code(404).send({error: 'no such pass', reason: `there is no pass ${pass}: ${known}`});
};

const noText = (reply: FastifyReply, {pass, verdict}: HistoryEntry) => {
  const why = verdict === 'failed' ? 'it failed before it had a text, or the text' : 'its text';
  return reply
    .code(410)
    .send({error: 'not kept', reason: `pass ${pass} has no configuration: ${why} is no longer kept`});
};

const noneServed = (reply: FastifyReply) =>
  reply.code(503).send({error: 'no configuration', reason: 'HAProxy has not served anything yet'});

/** `/history`, `/config` and `/config/diff`. */
export function serveHistory(
  app: FastifyInstance,
  ports: HistoryRoutesPorts,
  bodies: Bodies,
  refusals: Refusals,
): void {
  const guard = createGuard(ports, refusals);
  servePasses(app, ports, bodies);
  serveConfiguration(app, ports, bodies, guard);
  serveDifference(app, ports, bodies, guard);
}

type Guard = (request: FastifyRequest<{Querystring: Revealing}>, reply: FastifyReply) => Promise<unknown>;

/** Whoever asks for what is hidden needs the token, and is remembered in the log. */
function createGuard({loadToken, log}: HistoryRoutesPorts, refusals: Refusals): Guard {
  return async (request, reply) => {
    if (request.query.reveal !== 1) return;
    const admission = await admit(request.headers.authorization, loadToken);
    const fields = {event: `${request.method} ${shownUrl(request.url)}`, outcome: admission.is};
    if (admission.is === 'admitted') {
      log.info({remoteAddress: request.ip, ...fields}, 'operator reads a configuration with its secrets');
      return;
    }
    refusals.note(request.ip, fields);
    if (admission.status === 401) reply.header('www-authenticate', 'Bearer realm="haproxy-kontrol"');
    const reason = `what is hidden is shown with the token only: ${admission.reason}`;
    return reply.code(admission.status).send({error: `secrets are ${admission.is}`, reason});
  };
}

function servePasses(app: FastifyInstance, {history}: HistoryRoutesPorts, bodies: Bodies): void {
  app.get<{Querystring: {limit: number}}>(
    '/history',
    {
      schema: {
        querystring: {type: 'object', properties: {limit: {type: 'integer', minimum: 1, maximum: 200, default: 200}}},
      },
    },
    ({query: {limit}}, reply) =>
      sendSharedJson(reply, bodies, `/history ${limit}`, (): readonly Pass[] =>
        history.entries.slice(-limit).reverse(),
      ),
  );

  app.get<{Params: {pass: number}}>(
    '/history/:pass',
    {schema: {params: {type: 'object', properties: {pass: PASS}}}},
    ({params}, reply) => history.entry(params.pass) ?? noSuchPass(reply, history, params.pass),
  );
}

function serveConfiguration(
  app: FastifyInstance,
  {history, configuration}: HistoryRoutesPorts,
  bodies: Bodies,
  guard: Guard,
): void {
  app.get<{Querystring: Revealing & {pass?: number}}>(
    '/config',
    {preHandler: guard, schema: {querystring: {type: 'object', properties: {pass: PASS, reveal: REVEAL}}}},
    async ({query: {pass, ...query}}, reply) => {
      if (pass === undefined) {
        const served = await bodies.of(`/config ${asOf(query)}`, () => configuration(asOf(query)));
        return served === undefined ? noneServed(reply) : sendText(reply, served);
      }
      const entry = history.entry(pass);
      if (entry === undefined) return noSuchPass(reply, history, pass);
      const text = await bodies.of(`/config ${pass} ${asOf(query)}`, () => history.configuration(entry, asOf(query)));
      return text === undefined ? noText(reply, entry) : sendText(reply, text);
    },
  );
}

function serveDifference(
  app: FastifyInstance,
  {history, configuration}: HistoryRoutesPorts,
  bodies: Bodies,
  guard: Guard,
): void {
  app.get<{Querystring: Revealing & {from: number; to?: number}}>(
    '/config/diff',
    {
      preHandler: guard,
      schema: {querystring: {type: 'object', required: ['from'], properties: {from: PASS, to: PASS, reveal: REVEAL}}},
    },
    async ({query: {from, to, ...query}}, reply) => {
      const older = history.entry(from);
      if (older === undefined) return noSuchPass(reply, history, from);
      const newer = to === undefined ? undefined : history.entry(to);
      if (to !== undefined && newer === undefined) return noSuchPass(reply, history, to);
      const textOf = (entry: HistoryEntry | undefined) =>
        entry === undefined ? configuration(asOf(query)) : history.configuration(entry, asOf(query));
      const body = await bodies.of(`/config/diff ${from} ${to} ${asOf(query)}`, async () => {
        const [before, after] = [await textOf(older), await textOf(newer)];
        return before === undefined || after === undefined ? undefined : differenceOf(before, after, {from, to});
      });
      if (body !== undefined) return sendText(reply, body);
      if ((await textOf(older)) === undefined) return noText(reply, older);
      return newer === undefined ? noneServed(reply) : noText(reply, newer);
    },
  );
}

function differenceOf(
  before: string,
  after: string,
  {from, to}: {readonly from: number; readonly to: number | undefined},
): string {
  const {text, tooLarge} = derivePatch(before, after, MAX_DIFF_CHARACTERS);
  const head = `--- pass ${from}\n+++ ${to === undefined ? 'serving now' : `pass ${to}`}\n`;
  return `${head}${text}${tooLarge ? '... too large to show in full\n' : ''}`;
}
