import {parseLines} from './lines.ts';
import type {Word} from './words.ts';

const MASK = '***';

interface Secret {
  readonly start: number;
  readonly end: number;
}

/** The password of `stats auth user:PASSWORD`; the whole word when its colon cannot be seen. */
function passwordOf(word: Word, text: string): Secret {
  const written = text.slice(word.start, word.end);
  const isQuoted = /^(["']).*\1$/s.test(written);
  return {start: word.start + written.indexOf(':') + 1, end: word.end - (isQuoted ? 1 : 0)};
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

/**
 * Hides the passwords of a configuration (`stats auth`, and `user` of a userlist, hashed or not) behind `***`, also in
 * lines that were commented out. All else stays byte for byte.
 */
export function redactConfiguration(text: string): string {
  const uncommented = text.replace(/^[ \t]*#[# \t]*/gm, comment => ' '.repeat(comment.length));
  let redacted = '';
  let from = 0;
  for (const {words} of parseLines(uncommented)) {
    for (const {start, end} of secretsOf(words, text)) {
      redacted += text.slice(from, start) + MASK;
      from = end;
    }
  }
  return redacted + text.slice(from);
}
