import {parseLines} from './lines.ts';
import {readWords, type Word} from './words.ts';

const MASK = '***';

/** A line without these has no secret, unless a variable is set that has one for its value. */
const MAY_HIDE = /auth|password|["'\\]/;

const NO_VARIABLES = {known: new Map<string, string>(), complete: false};

interface Secret {
  readonly start: number;
  readonly end: number;
}

/** The password of `stats auth user:PASSWORD`; the whole word when its colon cannot be seen. */
function passwordOf(word: Word, text: string): Secret {
  const written = text.slice(word.start, word.end);
  const colon = written.indexOf(':');
  if (colon < 0) return word;
  const isQuoted = /^(["']).*\1$/s.test(written);
  return {start: word.start + colon + 1, end: word.end - (isQuoted ? 1 : 0)};
}

function secretsOf(words: readonly Word[], text: string): Secret[] {
  const [first, second, third] = words;
  if (first?.text === 'stats' && second?.text === 'auth' && third !== undefined) return [passwordOf(third, text)];
  if (first?.text !== 'user') return [];
  // user NAME (password X | insecure-password X | groups A,B)...
  return words
    .slice(3)
    .filter((_, index) => index % 2 === 0 && /^(insecure-)?password$/.test(words[index + 2]?.text ?? ''));
}

/** The words of all lines that may hold a secret, at the least. */
function* findSuspects(text: string): Generator<readonly Word[]> {
  if (text.includes('setenv')) {
    for (const {words} of parseLines(text)) yield words;
    return;
  }
  let offset = 0;
  for (const line of text.split('\n')) {
    if (MAY_HIDE.test(line)) yield readWords(line, offset, NO_VARIABLES);
    offset += line.length + 1;
  }
}

/**
 * Hides the passwords of a configuration (`stats auth`, and `user` of a userlist, hashed or not) behind `***`, also in
 * lines that were commented out. All else stays byte for byte.
 */
export function redactConfiguration(text: string): string {
  const uncommented = text.replace(/^[ \t]*#[# \t]*/gm, comment => ' '.repeat(comment.length));
  let redacted = '';
  let from = 0;
  for (const words of findSuspects(uncommented)) {
    for (const {start, end} of secretsOf(words, text)) {
      redacted += text.slice(from, start) + MASK;
      from = end;
    }
  }
  return redacted + text.slice(from);
}
