import {fc} from '../support/properties.ts';

/** What breaks parsers of text, whatever they parse. */
const NASTY = [
  '\0',
  '\n',
  '\r\n',
  '\t',
  ' ',
  '"',
  "'",
  '\\',
  '\\x',
  '$',
  '${',
  '}',
  '{',
  '[',
  ']',
  '(',
  ')',
  ',',
  ';',
  ':',
  '::',
  '#',
  '%',
  '*',
  '&a',
  '*a',
  '<<',
  '-',
  '.',
  '/',
  '../',
  '@',
  '=',
  '|',
  '0',
  '-1',
  '1e999',
  '9007199254740993',
  '65536',
  'null',
  'true',
  '[]',
  '{}',
  '""',
  '__proto__',
  'constructor',
  '\u2028',
  '\u0085',
  '\ud800',
  '\ufeff',
  'é',
  '\u{1f600}',
  '\x7f',
  '\x1b[2J',
  'a'.repeat(300),
];

interface Edit {
  readonly at: number;
  readonly length: number;
  readonly how: 'insert' | 'replace' | 'delete' | 'double' | 'cut' | 'swap';
  readonly text: string;
}

const apply = (text: string, {at, length, how, text: put}: Edit): string => {
  const from = text.length === 0 ? 0 : at % (text.length + 1);
  const to = Math.min(text.length, from + length);
  const [before, within, after] = [text.slice(0, from), text.slice(from, to), text.slice(to)];
  switch (how) {
    case 'insert':
      return before + put + within + after;
    case 'replace':
      return before + put + after;
    case 'delete':
      return before + after;
    case 'double':
      return before + within + within + after;
    case 'cut':
      return before;
    case 'swap':
      return after + within + before;
  }
};

/**
 * Texts near valid ones: pieces cut out, doubled, swapped, and words put in that belong there (`words`) or nowhere. Most
 * get past a parser's first look, which random text never does; some are random all the same.
 */
export function mutatedText(valid: readonly string[], words: readonly string[] = []): fc.Arbitrary<string> {
  const edit: fc.Arbitrary<Edit> = fc.record({
    at: fc.nat(100_000),
    length: fc.oneof({weight: 4, arbitrary: fc.nat(6)}, {weight: 1, arbitrary: fc.nat(400)}),
    how: fc.constantFrom('insert', 'replace', 'delete', 'double', 'cut', 'swap'),
    text: fc.oneof(fc.constantFrom(...NASTY, ...words), fc.string({unit: 'binary', maxLength: 8})),
  });
  const near = fc
    .tuple(fc.constantFrom(...valid), fc.array(edit, {maxLength: 6}))
    .map(([text, edits]) => edits.reduce(apply, text));
  return fc.oneof(
    {weight: 12, arbitrary: near},
    {weight: 1, arbitrary: fc.string({unit: 'binary', maxLength: 200})},
    {weight: 1, arbitrary: fc.array(fc.constantFrom(...NASTY, ...words), {maxLength: 40}).map(parts => parts.join(''))},
  );
}

/** The same as bytes, some of them no UTF-8. */
export const mutatedBytes = (valid: readonly string[], words: readonly string[] = []): fc.Arbitrary<Buffer> =>
  fc.oneof(
    {weight: 6, arbitrary: mutatedText(valid, words).map(text => Buffer.from(text))},
    {
      weight: 1,
      arbitrary: fc.tuple(mutatedText(valid, words), fc.nat(10_000), fc.nat(255)).map(([text, at, byte]) => {
        const bytes = Buffer.from(text);
        if (bytes.length > 0) bytes[at % bytes.length] = byte;
        return bytes;
      }),
    },
    {weight: 1, arbitrary: fc.uint8Array({maxLength: 120}).map(bytes => Buffer.from(bytes))},
  );
