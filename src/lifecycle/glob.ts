/** What one character of a text must be; `*` stands for any run of them. */
type Piece = '*' | ((character: string) => boolean);

const isAny: Piece = () => true;

/** A set: `[`, `!` for its complement, then all up to the first `]`, which is itself a member where it comes first. */
const SET = /\[(!?)(\]?[^\]]*)\]/y;

/** `a-z` and single characters; a range that runs backwards holds nothing. */
function parseSet(members: string, isComplement: boolean): Piece {
  const characters = [...members];
  const ranges: (readonly [from: string, to: string])[] = [];
  for (let at = 0; at < characters.length; ) {
    const from = characters[at] ?? '';
    const isRange = characters[at + 1] === '-' && at + 2 < characters.length;
    ranges.push([from, (isRange ? characters[at + 2] : from) ?? from]);
    at += isRange ? 3 : 1;
  }
  const isIn = (character: string) => ranges.some(([from, to]) => from <= character && character <= to);
  return isComplement ? character => !isIn(character) : isIn;
}

function parseGlob(glob: string): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < glob.length; ) {
    const literal = String.fromCodePoint(glob.codePointAt(at) ?? 0);
    SET.lastIndex = at;
    const [set, mark, members = ''] = SET.exec(glob) ?? [];
    if (set !== undefined && members !== '') pieces.push(parseSet(members, mark === '!'));
    else if (literal === '*') pieces.push('*');
    else pieces.push(literal === '?' ? isAny : character => character === literal);
    at += set !== undefined && members !== '' ? set.length : literal.length;
  }
  return pieces;
}

/**
 * `*` any run, `?` any one character, `[…]` a set (`[!…]` its complement), as Python's fnmatch. Any glob and text take
 * time in proportion to their product at most: only the last `*` is ever gone back to.
 */
export function matchesGlob(glob: string, text: string): boolean {
  const pieces = parseGlob(glob);
  const characters = [...text];
  let piece = 0;
  let at = 0;
  let star: {readonly piece: number; at: number} | undefined;
  while (at < characters.length) {
    const wanted = pieces[piece];
    if (wanted === '*') {
      star = {piece, at};
      piece += 1;
    } else if (wanted?.(characters[at] ?? '')) {
      piece += 1;
      at += 1;
    } else if (star !== undefined) {
      star.at += 1;
      piece = star.piece + 1;
      at = star.at;
    } else {
      return false;
    }
  }
  return pieces.slice(piece).every(rest => rest === '*');
}
