import {BLANK} from '../python/characters.ts';

const WORD = '[\\p{L}\\p{N}_%-]';

/** Jinja2's `_http_re`. */
const URL = new RegExp(
  '^(?:' +
    `(?:https?://|www\\.)(?:(?:${WORD}+\\.)+)?(?:[a-z]{2,63}|xn--[\\p{L}\\p{N}_%]{2,59})` +
    `|(?:[\\p{L}\\p{N}_%-]{2,63}\\.)+(?:com|net|int|edu|gov|org|info|mil)` +
    '|https?://(?:\\d{1,3}(?:\\.\\d{1,3}){3}|\\[(?:[\\da-f]{0,4}:){2}(?:[\\da-f]{0,4}:?){1,6}\\])' +
    `)(?::\\d{1,5})?(?:[/?#][^${BLANK}]*)?$`,
  'iu',
);
const EMAIL = new RegExp(`^[^${BLANK}]+@[\\p{L}\\p{N}_][\\p{L}\\p{N}_.-]*\\.[\\p{L}\\p{N}_]+$`, 'u');
const SPACES = new RegExp(`([${BLANK}]+)`);

const PAIRS = [
  ['(', ')'],
  ['<', '>'],
  ['&lt;', '&gt;'],
] as const;

/** What a link shows and carries. `rel` and `target` are escaped already. */
export interface LinkOptions {
  readonly limit: number | undefined;
  readonly rel: string;
  readonly target: string | undefined;
  readonly extraSchemes: readonly string[];
}

/** Jinja2's `urlize` on escaped text: makes links of what looks like one. */
export const urlize = (escaped: string, options: LinkOptions): string =>
  escaped
    .split(SPACES)
    .map(word => linked(word, options))
    .join('');

function linked(word: string, options: LinkOptions): string {
  const [head = ''] = /^(?:[(<]|&lt;)+/.exec(word) ?? [];
  let middle = word.slice(head.length);
  let tail = '';
  if (/(?:[)>.,\n]|&gt;)$/.test(middle)) {
    const end = trailingStart(middle);
    tail = middle.slice(end);
    middle = middle.slice(0, end);
  }
  for (const [open, close] of PAIRS) {
    const opened = occurrences(middle, open);
    if (opened <= occurrences(middle, close)) continue;
    for (let moves = Math.min(opened, occurrences(tail, close)); moves > 0; moves--) {
      const end = tail.indexOf(close) + close.length;
      middle += tail.slice(0, end);
      tail = tail.slice(end);
    }
  }
  return `${head}${link(middle, options)}${tail}`;
}

/** Where the run of closing characters at the end begins. */
function trailingStart(text: string): number {
  let end = text.length;
  for (;;) {
    if (text.endsWith('&gt;', end) && end >= 4 && text.slice(end - 4, end) === '&gt;') end -= 4;
    else if (end > 0 && ')>.,\n'.includes(text.charAt(end - 1))) end--;
    else return end;
  }
}

const occurrences = (text: string, part: string): number => text.split(part).length - 1;

function link(text: string, {limit, rel, target, extraSchemes}: LinkOptions): string {
  const attributes = `${rel === '' ? '' : ` rel="${rel}"`}${target === undefined ? '' : ` target="${target}"`}`;
  const characters = [...text];
  const shown = limit !== undefined && characters.length > limit ? `${characters.slice(0, limit).join('')}...` : text;
  if (URL.test(text)) {
    const address = /^https?:\/\//.test(text) ? text : `https://${text}`;
    return `<a href="${address}"${attributes}>${shown}</a>`;
  }
  if (text.startsWith('mailto:') && EMAIL.test(text.slice(7))) return `<a href="${text}">${text.slice(7)}</a>`;
  if (/.@/.test(text) && !text.startsWith('@') && !text.startsWith('www.') && !text.includes(':') && EMAIL.test(text)) {
    return `<a href="mailto:${text}">${text}</a>`;
  }
  return extraSchemes
    .filter(scheme => text !== scheme && text.startsWith(scheme))
    .reduce(inner => `<a href="${inner}"${attributes}>${inner}</a>`, text);
}
