import {type FrameLine, parseOutline} from './outline.ts';

/** The answers of class 5xx that somebody wants, such as a maintenance page. */
export interface MeantErrors {
  /** Frontends and backends all of whose errors are meant. */
  readonly of: ReadonlySet<string>;
  /** Whether a frontend may send its requests to a backend. */
  leadsTo(frontend: string, backend: string): boolean;
}

export const NONE_MEANT: MeantErrors = {of: new Set(), leadsTo: () => false};

const ANSWERERS: ReadonlySet<string | undefined> = new Set(['return', 'deny', 'tarpit']);
const ROUTES: ReadonlySet<string | undefined> = new Set(['default_backend', 'use_backend']);

/** `http-request return status 503` without a condition: the text itself says that all requests are answered so. */
function answersAll({words}: FrameLine): boolean {
  const [first, action] = words;
  if (first !== 'http-request' || !ANSWERERS.has(action) || words.includes('if') || words.includes('unless'))
    return false;
  const index = words.findIndex(word => word === 'status' || word === 'deny_status');
  return index > 0 && /^5\d\d$/.test(words[index + 1] ?? '');
}

/** What a text says is meant, if there is one, and what `named` does. Pure. */
export function findMeantErrors(text: string | undefined, named: readonly string[]): MeantErrors {
  const {frame} = parseOutline(text ?? '');
  const meant = new Set(named);
  const routes = new Map<string, Set<string>>();
  for (const line of frame) {
    const [kind, name = ''] = line.section.split(' ');
    if (kind !== 'frontend' && kind !== 'backend' && kind !== 'listen') continue;
    if (answersAll(line)) meant.add(name);
    if (kind === 'backend' || !ROUTES.has(line.words[0])) continue;
    const to = routes.get(name) ?? new Set();
    routes.set(name, to.add(line.words[1] ?? ''));
  }
  return {
    of: meant,
    leadsTo: (frontend, backend) =>
      // A name that is made of the request may be any.
      [...(routes.get(frontend) ?? [])].some(name => name === backend || name.includes('%')),
  };
}
