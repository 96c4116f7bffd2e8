import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import type {FastifyInstance} from 'fastify';
import {PACKAGE_ROOT} from '../package-root.ts';
import {PAGE} from './page.ts';
import {STYLE} from './style.ts';

/**
 * Nothing from outside, nothing inline: a hostile name that became markup would still run nothing. Charts set styles
 * through the DOM, which CSP does not count as inline.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const SCRIPT = 'text/javascript; charset=utf-8';
const SHEET = 'text/css; charset=utf-8';

/** The compiled files of `client/`, by name. */
const CLIENT = [
  ...['charts', 'dom', 'format', 'history', 'main', 'members', 'model', 'operator', 'overview', 'timeline', 'traffic'],
].map(name => `${name}.js`);

interface Part {
  readonly type: string;
  /** The same bytes for all who read them. */
  readonly body: Buffer;
}

/** uPlot's own builds, from its package. */
const ofUplot = (file: string): string => fileURLToPath(import.meta.resolve(`uplot/dist/${file}`));

function loadPart(file: string): Part | undefined {
  if (file === 'style.css') return {type: SHEET, body: Buffer.from(STYLE)};
  if (file === 'uplot.css') return {type: SHEET, body: readFileSync(ofUplot('uPlot.min.css'))};
  if (file === 'uplot.js') return {type: SCRIPT, body: readFileSync(ofUplot('uPlot.iife.min.js'))};
  if (!CLIENT.includes(file)) return undefined;
  return {type: SCRIPT, body: readFileSync(new URL(`dist/dashboard/client/${file}`, PACKAGE_ROOT))};
}

/** Adds the page on `/` and its parts under `/dashboard/`, read when they are asked for first. */
export function serveDashboard(app: FastifyInstance): void {
  const parts = new Map<string, Part>();
  app.get('/', (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', POLICY)
      .header('referrer-policy', 'no-referrer')
      .send(PAGE),
  );
  app.get<{Params: {file: string}}>('/dashboard/:file', ({params: {file}}, reply) => {
    const part = parts.get(file) ?? loadPart(file);
    if (part === undefined) {
      return reply.code(404).send({error: 'not found', reason: `the dashboard has no part "${file.slice(0, 60)}"`});
    }
    parts.set(file, part);
    return reply.type(part.type).send(part.body);
  });
}
