import {BLANK, BLANKS} from './characters.ts';
import {raise} from './fault.ts';

const LEADING = new RegExp(`^[${BLANK}]+`);
const TRAILING = new RegExp(`[${BLANK}]+$`);

/** `str.lstrip`, `str.rstrip`: of blanks, or of any of the given characters. */
export function stripStart(text: string, characters?: string): string {
  if (characters === undefined) return text.replace(LEADING, '');
  const set = new Set(characters);
  const all = [...text];
  const first = all.findIndex(character => !set.has(character));
  return first < 0 ? '' : all.slice(first).join('');
}

export function stripEnd(text: string, characters?: string): string {
  if (characters === undefined) {
    // A regular expression alone would try every run of blanks in the text.
    let end = text.length;
    while (end > 0 && TRAILING.test(text.charAt(end - 1))) end--;
    return text.slice(0, end);
  }
  const set = new Set(characters);
  const all = [...text];
  const last = all.findLastIndex(character => !set.has(character));
  return all.slice(0, last + 1).join('');
}

export const strip = (text: string, characters?: string): string => stripEnd(stripStart(text, characters), characters);

/** `str.split`: at blanks, or at a separator; at most `limit` times unless that is negative. Raises ValueError for ''. */
export function split(text: string, separator: string | undefined, limit: number): string[] {
  if (separator === undefined) return splitBlanks(text, limit);
  if (separator === '') raise('ValueError', 'empty separator');
  const parts = text.split(separator);
  if (limit < 0 || parts.length <= limit + 1) return parts;
  return [...parts.slice(0, limit), parts.slice(limit).join(separator)];
}

function splitBlanks(text: string, limit: number): string[] {
  let rest = stripStart(text);
  if (limit < 0) return rest === '' ? [] : stripEnd(rest).split(BLANKS);
  const parts: string[] = [];
  while (rest !== '' && parts.length < limit) {
    const end = rest.search(BLANKS);
    parts.push(end < 0 ? rest : rest.slice(0, end));
    rest = end < 0 ? '' : stripStart(rest.slice(end));
  }
  if (rest !== '') parts.push(rest);
  return parts;
}

/** `str.rsplit`: the same, from the end. */
export function splitFromEnd(text: string, separator: string | undefined, limit: number): string[] {
  if (limit < 0) return split(text, separator, limit);
  if (separator === '') raise('ValueError', 'empty separator');
  if (separator !== undefined) {
    const parts = text.split(separator);
    const kept = Math.max(0, parts.length - limit);
    return kept === 0 || parts.length <= limit ? parts : [parts.slice(0, kept).join(separator), ...parts.slice(kept)];
  }
  let rest = stripEnd(text);
  const parts: string[] = [];
  while (rest !== '' && parts.length < limit) {
    const start = [...rest.matchAll(BLANKS)].at(-1);
    parts.unshift(start === undefined ? rest : rest.slice(start.index + start[0].length));
    rest = start === undefined ? '' : stripEnd(rest.slice(0, start.index));
  }
  if (rest !== '') parts.unshift(rest);
  return parts;
}

/** `str.replace`: all occurrences, or the first `limit`; an empty text is found between all characters. */
export function replace(text: string, from: string, to: string, limit: number): string {
  if (limit < 0 && from !== '') return text.split(from).join(to);
  if (from !== '') {
    const parts = text.split(from);
    const cut = Math.min(limit, parts.length - 1);
    return (
      parts.slice(0, cut + 1).join(to) +
      parts
        .slice(cut + 1)
        .map(part => from + part)
        .join('')
    );
  }
  const characters = [...text];
  const times = limit < 0 ? characters.length + 1 : Math.min(limit, characters.length + 1);
  return (
    characters.map((character, index) => (index < times ? to : '') + character).join('') +
    (times > characters.length ? to : '')
  );
}

/** `str.expandtabs`. */
export function expandTabs(text: string, size: number): string {
  let column = 0;
  return [...text]
    .map(character => {
      if (character === '\n' || character === '\r') column = 0;
      else if (character !== '\t') column++;
      else {
        const width = size > 0 ? size - (column % size) : 0;
        column += width;
        return ' '.repeat(width);
      }
      return character;
    })
    .join('');
}
