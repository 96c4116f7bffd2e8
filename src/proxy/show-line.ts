import {redactConfiguration} from './redact.ts';

const SECTION = /^(?:global|defaults|frontend|backend|listen|userlist|peers|mailers|resolvers|cache|program|ring)\b/;

/** Lines above this one in which its section may begin: a text may be all one section. */
const MAX_LOOK_BACK = 50_000;

/** A line of a configuration (from 1) as it may be shown: in its section, and without what may be a credential. */
export function showLine(text: string, line: number): string {
  const lines = text.split('\n');
  const own = lines[line - 1];
  if (own === undefined) return '';
  const header = lines.slice(Math.max(0, line - 1 - MAX_LOOK_BACK), line - 1).findLast(above => SECTION.test(above));
  const shown = redactConfiguration(header === undefined ? own : `${header}\n${own}`);
  return shown.split('\n').at(-1)?.trim() ?? '';
}
