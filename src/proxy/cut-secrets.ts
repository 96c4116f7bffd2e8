/** Of a long line HAProxy quotes so many characters around its fault, dots in place of what was before. */
const QUOTED_LENGTH = 80;
/** What is left of it between dots on both sides. */
const BETWEEN_DOTS = QUOTED_LENGTH - 6;

/** A quotation is a line of its own, as it is or within JSON. */
const CUT_BEFORE = /(?:^|\n|\\n) {2}\.{3}/g;
/** Where it is not shifted, no dots tell of it: a mark below it does, or its length. */
const CUT_BEHIND = /\.{3}(?=\n|\\n|$)|(?=(?:\n|\\n) +\^)|(?=\n|$)(?<=(?:^|\n) {2}[^\n]{80})/g;
const END_OF_LINE = /\n|\\n/;

/** What is shorter gives nothing away. */
const SHORTEST = 3;

/** A shorter one stands by itself, or it is none. */
const LONG = 8;
const ALPHANUMERIC = /[\p{L}\p{N}]/u;
const isAlone = (length: number, beside: string): boolean => length >= LONG || !ALPHANUMERIC.test(beside);

/** The places of a text where parts of secrets stand, in no order. */
type FindCut = (text: string) => readonly [start: number, end: number][];

/**
 * Finds what a text shows of a secret where HAProxy has cut the line that it quotes within it: no search for the whole
 * one does.
 */
export function createCutFinder(secrets: ReadonlySet<string>): FindCut {
  const long = [...secrets].filter(({length}) => length >= SHORTEST);
  const longest = long.filter(({length}) => length >= BETWEEN_DOTS);
  const byBeginning = Map.groupBy(long, secret => secret.slice(0, SHORTEST));
  const byEnd = Map.groupBy(long, secret => secret.slice(-SHORTEST));

  /** How much of a secret's end a quotation begins with; of its middle, if nothing else is quoted. */
  const lengthAtStart = (line: string): number => {
    const quoted = line.replace(/\.{3}$/, '');
    const isAll = quoted.length >= BETWEEN_DOTS && longest.some(secret => secret.includes(quoted));
    if (isAll) return quoted.length;
    for (let length = quoted.length; length >= SHORTEST; length -= 1) {
      const part = quoted.slice(0, length);
      if (!isAlone(length, quoted.charAt(length))) continue;
      if (byEnd.get(part.slice(-SHORTEST))?.some(secret => secret.endsWith(part))) return length;
    }
    return 0;
  };

  /** How much of a secret's beginning a quotation ends with. */
  const lengthAtEnd = (quoted: string): number => {
    for (let length = quoted.length; length >= SHORTEST; length -= 1) {
      const part = quoted.slice(-length);
      if (!isAlone(length, quoted.charAt(quoted.length - length - 1))) continue;
      if (byBeginning.get(part.slice(0, SHORTEST))?.some(secret => secret.startsWith(part))) return length;
    }
    return 0;
  };

  return text => {
    const before = [...text.matchAll(CUT_BEFORE)].map(({0: dots, index}): [number, number] => {
      const start = index + dots.length;
      const [line = ''] = text.slice(start, start + QUOTED_LENGTH).split(END_OF_LINE, 1);
      return [start, start + lengthAtStart(line)];
    });
    const behind = [...text.matchAll(CUT_BEHIND)].map(({index}): [number, number] => {
      const quoted = text.slice(Math.max(0, index - QUOTED_LENGTH), index);
      return [index - lengthAtEnd(quoted), index];
    });
    return [...before, ...behind].filter(([start, end]) => end > start);
  };
}
