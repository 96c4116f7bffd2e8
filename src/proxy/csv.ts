// A field is quoted ("" stands for one quote) or holds no quote, comma or line end; then a comma, a line end or the end.
const FIELD = /(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n|$)/y;

/** Cuts CSV (RFC 4180, line ends `\n`) into rows of fields; undefined when a quote is out of place. Empty lines vanish. */
export function parseCsv(text: string): string[][] | undefined {
  const rows: string[][] = [];
  let row: string[] = [];
  FIELD.lastIndex = 0;
  for (;;) {
    const match = FIELD.exec(text);
    if (match === null) return undefined;
    const [, quoted, plain = '', end] = match;
    row.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === ',') continue;
    if (row.length > 1 || row[0] !== '') rows.push(row);
    if (end === '') return rows;
    row = [];
  }
}
