import type {Labels} from './objects.ts';

/** Go's one-letter escapes (strconv.Quote). */
const LETTERS: Readonly<Record<string, number>> = {
  a: 0x07,
  b: 0x08,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
  v: 0x0b,
  '\\': 0x5c,
  "'": 0x27,
  '"': 0x22,
};

const ESCAPE = /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|([abfnrtv\\'"]))|([^\\"\n]+)/g;

/** A whole line: a key (label syntax holds no `=`), and a Go-quoted value. */
const LINE = /^([^="]+)="((?:[^"\\]|\\.)*)"$/;

/** Undoes Go's `%q`; undefined where it holds an escape that Go does not write. */
function unquote(quoted: string): string | undefined {
  const parts: Buffer[] = [];
  let read = 0;
  for (const match of quoted.matchAll(ESCAPE)) {
    if (match.index !== read) return undefined;
    read += match[0].length;
    const [, byte, short, long, letter, plain] = match;
    const point = short ?? long;
    if (plain !== undefined) parts.push(Buffer.from(plain));
    else if (point !== undefined) {
      const code = Number.parseInt(point, 16);
      if (code > 0x10ffff) return undefined;
      parts.push(Buffer.from(String.fromCodePoint(code)));
    } else parts.push(Buffer.from([byte === undefined ? (LETTERS[letter ?? ''] ?? 0) : Number.parseInt(byte, 16)]));
  }
  return read === quoted.length ? Buffer.concat(parts).toString() : undefined;
}

/**
 * Parses a `labels` or `annotations` file of a downward-API volume: a line for each, `key="value"`, the value quoted as
 * Go's strconv.Quote does. Undefined when a line is anything else: a torn or foreign file says nothing.
 */
export function parseDownward(text: string): Labels | undefined {
  const labels: Record<string, string> = {};
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, key, quoted] = LINE.exec(line) ?? [];
    const value = quoted === undefined ? undefined : unquote(quoted);
    if (key === undefined || value === undefined) return undefined;
    Object.defineProperty(labels, key, {value, enumerable: true, configurable: true, writable: true});
  }
  return labels;
}
