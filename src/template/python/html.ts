import {split} from './str-split.ts';

/** The entities that HTML's authors use; the full table of HTML 5 has 2,231. */
const NAMED: ReadonlyMap<string, string> = new Map(
  Object.entries({
    amp: '&',
    lt: '<',
    gt: '>',
    quot: '"',
    apos: "'",
    nbsp: '\u00a0',
    copy: '©',
    reg: '®',
    trade: '™',
    hellip: '…',
    mdash: '—',
    ndash: '–',
    laquo: '«',
    raquo: '»',
    lsquo: '‘',
    rsquo: '’',
    ldquo: '“',
    rdquo: '”',
    bull: '•',
    middot: '·',
    times: '×',
    divide: '÷',
    euro: '€',
    pound: '£',
    cent: '¢',
    yen: '¥',
    sect: '§',
    para: '¶',
    deg: '°',
    auml: 'ä',
    ouml: 'ö',
    uuml: 'ü',
    Auml: 'Ä',
    Ouml: 'Ö',
    Uuml: 'Ü',
    szlig: 'ß',
    eacute: 'é',
    egrave: 'è',
    agrave: 'à',
    ccedil: 'ç',
    larr: '←',
    rarr: '→',
    uarr: '↑',
    darr: '↓',
  }),
);

/** HTML entities back to characters (Python's `html.unescape`). */
export const withoutEntities = (text: string): string =>
  text.replace(
    /&(?:#(\d+)|#[xX]([0-9a-fA-F]+)|([a-zA-Z]+));?/g,
    (all, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return NAMED.get(name) ?? all;
      const code = decimal === undefined ? Number.parseInt(hex ?? '0', 16) : Number(decimal);
      return code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)
        ? '\ufffd'
        : String.fromCodePoint(code);
    },
  );

/** markupsafe's `striptags`: no comments, no tags, blanks made single, entities made characters. */
export function stripTags(text: string): string {
  const bare = without(without(text, '<!--', '-->'), '<', '>');
  return withoutEntities(split(bare, undefined, -1).join(' '));
}

/** The text without what stands between `open` and the next `close`; in one walk, whatever the text. */
function without(text: string, open: string, close: string): string {
  let result = '';
  let index = 0;
  for (;;) {
    const start = text.indexOf(open, index);
    const end = start < 0 ? -1 : text.indexOf(close, start + open.length);
    if (end < 0) return result + text.slice(index);
    result += text.slice(index, start);
    index = end + close.length;
  }
}
