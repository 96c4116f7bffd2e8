import type {FastifyInstance, FastifyReply} from 'fastify';
import type {HistoryEntry} from '../lifecycle/history.ts';
import type {PassHistory} from '../lifecycle/history-file.ts';
import {derivePatch} from '../proxy/patch.ts';
import {sendText} from './reply.ts';

export interface HistoryRoutesPorts {
  readonly history: Pick<PassHistory, 'entries' | 'entry' | 'configuration'>;
  /** The text that serves, passwords hidden; undefined while nothing does. */
  configuration(): string | undefined;
}

/** Longer differences are cut; whoever needs more compares the two texts. */
const MAX_DIFF_CHARACTERS = 4 << 20;

const PASS = {type: 'integer', minimum: 1} as const;

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

/** `/history`, `/config` and `/config/diff`. */
export function serveHistory(app: FastifyInstance, {history, configuration}: HistoryRoutesPorts): void {
  app.get<{Querystring: {limit: number}}>(
    '/history',
    {
      schema: {
        querystring: {type: 'object', properties: {limit: {type: 'integer', minimum: 1, maximum: 200, default: 200}}},
      },
    },
    ({query}) => history.entries.slice(-query.limit).reverse(),
  );

  app.get<{Params: {pass: number}}>(
    '/history/:pass',
    {schema: {params: {type: 'object', properties: {pass: PASS}}}},
    ({params}, reply) => history.entry(params.pass) ?? noSuchPass(reply, history, params.pass),
  );

  app.get<{Querystring: {pass?: number}}>(
    '/config',
    {schema: {querystring: {type: 'object', properties: {pass: PASS}}}},
    async ({query: {pass}}, reply) => {
      if (pass === undefined) {
        const text = configuration();
        if (text !== undefined) return sendText(reply, text);
        return reply.code(503).send({error: 'no configuration', reason: 'HAProxy has not served anything yet'});
      }
      const entry = history.entry(pass);
      if (entry === undefined) return noSuchPass(reply, history, pass);
      const text = await history.configuration(entry);
      return text === undefined ? noText(reply, entry) : sendText(reply, text);
    },
  );

  app.get<{Querystring: {from: number; to?: number}}>(
    '/config/diff',
    {schema: {querystring: {type: 'object', required: ['from'], properties: {from: PASS, to: PASS}}}},
    async ({query: {from, to}}, reply) => {
      const older = history.entry(from);
      if (older === undefined) return noSuchPass(reply, history, from);
      const before = await history.configuration(older);
      if (before === undefined) return noText(reply, older);
      const newer = to === undefined ? undefined : history.entry(to);
      if (to !== undefined && newer === undefined) return noSuchPass(reply, history, to);
      const after = newer === undefined ? configuration() : await history.configuration(newer);
      if (after === undefined) {
        if (newer !== undefined) return noText(reply, newer);
        return reply.code(503).send({error: 'no configuration', reason: 'HAProxy has not served anything yet'});
      }
      const {text, tooLarge} = derivePatch(before, after, MAX_DIFF_CHARACTERS);
      const head = `--- pass ${from}\n+++ ${to === undefined ? 'serving now' : `pass ${to}`}\n`;
      return sendText(reply, `${head}${text}${tooLarge ? '... too large to show in full\n' : ''}`);
    },
  );
}
