import {type BindWord, findBindWords} from './binds.ts';

/** HAProxy 1.7 reads lines of up to 2047 characters. */
const MAX_LINE_CHARACTERS = 2000;
/** `fd@123,` */
const DESCRIPTOR_CHARACTERS = 7;

/**
 * The text with addresses replaced by descriptors that HAProxy inherits (`bind fd@3,fd@4 ssl …`; one for each port of
 * a range), by the place of the bind. Every other byte and every line stays where it was, so that HAProxy's messages
 * name the user's lines. Source: configuration.txt, "bind".
 */
export function replaceBinds(text: string, descriptors: ReadonlyMap<number, readonly number[]>): string {
  let replaced = '';
  let from = 0;
  for (const bindWord of findBindWords(text)) {
    const {word, binds} = bindWord;
    if (!binds.some(({place}) => descriptors.has(place))) continue;
    const keep = (written: string) => (isPlain(text, bindWord) ? written : `'${written}'`);
    const pieces = binds.map(
      ({place, written}) =>
        descriptors
          .get(place)
          ?.map(number => `fd@${number}`)
          .join(',') ?? keep(written),
    );
    replaced += text.slice(from, word.start) + pieces.join(',');
    from = word.end;
  }
  return replaced + text.slice(from);
}

/** Written without quotes, escapes and variables. */
const isPlain = (text: string, {word, binds}: BindWord): boolean =>
  text.slice(word.start, word.end) === binds.map(({written}) => written).join(',');

/** Whether a line stays short enough for HAProxy when `count` descriptors take the place of addresses in it. */
export function staysShort(text: string, {word}: BindWord, count: number): boolean {
  const start = text.lastIndexOf('\n', word.start) + 1;
  const next = text.indexOf('\n', word.end);
  return (next < 0 ? text.length : next) - start + count * DESCRIPTOR_CHARACTERS <= MAX_LINE_CHARACTERS;
}
