const SIMPLE: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '\n': '',
};

const ESCAPE = /\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|N\{([^}]*)\}|([\s\S]))/g;

/**
 * The text behind a string literal's body, with Python's escapes (as its `unicode-escape` reads them). An unknown one
 * stays as it is, with its backslash. Returns undefined where Python refuses: `\x` without its digits, and the like.
 */
export function parseStringBody(body: string): string | undefined {
  let valid = true;
  const text = body.replace(
    ESCAPE,
    (all, octal?: string, hex?: string, short?: string, long?: string, name?: string, simple?: string) => {
      if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
      const digits = hex ?? short ?? long;
      if (digits !== undefined) {
        const code = Number.parseInt(digits, 16);
        if (code <= 0x10ffff) return String.fromCodePoint(code);
      }
      if (digits !== undefined || name !== undefined || 'xuUN'.includes(simple ?? '')) {
        valid = false;
        return all;
      }
      return SIMPLE[simple ?? ''] ?? all;
    },
  );
  return valid && !/(?:^|[^\\])(?:\\\\)*\\$/.test(body) ? text : undefined;
}
