import {codePoints} from './iterate.ts';
import {checkLength} from './limits.ts';

const room = (text: string, width: number): number => Math.max(0, checkLength(width) - codePoints(text));

/** `str.ljust`, `rjust`: padded to `width` characters. */
export const padRight = (text: string, width: number, fill = ' '): string => text + fill.repeat(room(text, width));
export const padLeft = (text: string, width: number, fill = ' '): string => fill.repeat(room(text, width)) + text;

/** `str.center`: an odd blank goes to the left when the width is odd too, as CPython has it. */
export function padBoth(text: string, width: number, fill = ' '): string {
  const missing = room(text, width);
  const left = Math.floor(missing / 2) + (missing & width & 1);
  return fill.repeat(left) + text + fill.repeat(missing - left);
}

/** `str.zfill`: zeros between the sign and the rest. */
export function padZeros(text: string, width: number): string {
  const sign = /^[+-]/.test(text) ? text.slice(0, 1) : '';
  return sign + '0'.repeat(room(text, width)) + text.slice(sign.length);
}

/** The first `count` characters. */
export const firstCharacters = (text: string, count: number): string =>
  text.length <= count ? text : [...text].slice(0, count).join('');
