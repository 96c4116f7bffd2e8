/** What Python's `str.isspace` and `re`'s `\s` call blank, as the inside of a character class. */
export const BLANK = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

export const BLANKS = new RegExp(`[${BLANK}]+`, 'g');

/** Where `str.splitlines` breaks. */
const BREAKS = '\\n\\r\\v\\f\\x1c-\\x1e\\x85\\u2028\\u2029';
const LINE_BREAK = new RegExp(`\\r\\n|[${BREAKS}]`, 'g');

/** `str.splitlines`. */
export function splitLines(text: string, keepEnds = false): string[] {
  const lines: string[] = [];
  let start = 0;
  for (const match of text.matchAll(LINE_BREAK)) {
    const end = match.index + match[0].length;
    lines.push(text.slice(start, keepEnds ? end : match.index));
    start = end;
  }
  if (start < text.length) lines.push(text.slice(start));
  return lines;
}

/** Letters whose title case is neither their upper nor their lower case. */
const TITLE: ReadonlyMap<string, string> = new Map(
  ['ǄǅǆDž', 'ǇǈǉLj', 'ǊǋǌNj', 'ǱǲǳDz'].flatMap(row => {
    const [upper = '', title = '', lower = ''] = row;
    return [upper, title, lower].map(character => [character, title] as const);
  }),
);

/** The title case of one character. */
export function titleOf(character: string): string {
  const special = TITLE.get(character);
  if (special !== undefined) return special;
  const [first = '', ...rest] = character.toUpperCase();
  return first + rest.join('').toLowerCase();
}

/** `str.capitalize`. */
export function capitalize(text: string): string {
  const [first = '', ...rest] = text;
  return titleOf(first) + rest.join('').toLowerCase();
}

const isCased = (character: string): boolean => CASED_CHARACTER.test(character);
const CASED_CHARACTER = /^[\p{Lowercase}\p{Uppercase}\p{Lt}]$/u;

/** `str.title`: every run of letters starts with a capital. */
export function titleCase(text: string): string {
  let within = false;
  let result = '';
  for (const character of text) {
    result += within ? character.toLowerCase() : titleOf(character);
    within = isCased(character);
  }
  return result;
}

/** `str.istitle`. */
export function isTitle(text: string): boolean {
  let within = false;
  let seen = false;
  for (const character of text) {
    const upper = /^[\p{Uppercase}\p{Lt}]$/u.test(character);
    if (upper ? within : isCased(character) && !within) return false;
    within = isCased(character);
    seen ||= within;
  }
  return seen;
}
