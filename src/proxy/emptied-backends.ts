import {parseOutline} from './outline.ts';

/** The backends that have a server in the text before, and none in the one after. Pure. */
export function findEmptied(before: string, after: string): string[] {
  const peopled = peopledIn(before);
  const still = peopledIn(after);
  return [...peopled].filter(name => !still.has(name));
}

const peopledIn = (text: string): ReadonlySet<string> =>
  new Set(
    parseOutline(text).backends.flatMap(({name, servers, own}) =>
      servers.length > 0 || own.some(([keyword]) => keyword === 'server-template') ? [name] : [],
    ),
  );
