import {raise} from '../python/fault.ts';
import {checkLength} from '../python/limits.ts';
import {Markup, type Value} from '../python/value.ts';
import type {Run} from './run.ts';

const WORDS = (
  'lorem ipsum dolor sit amet consectetur adipiscing elit sed eiusmod tempor incididunt ut labore et magna aliqua ' +
  'enim minim veniam quis nostrud ullamco laboris nisi aliquip commodo consequat duis aute irure in voluptate velit'
).split(' ');

/** Jinja2's `lipsum`: paragraphs of nonsense, the same at each render. */
export function lipsum(
  run: Run,
  {paragraphs, html, min, max}: {paragraphs: number; html: boolean; min: number; max: number},
): Value {
  if (max <= min) raise('ValueError', 'empty range for randrange()');
  checkLength(Math.max(0, paragraphs) * max * 12);
  const texts = Array.from({length: Math.max(0, paragraphs)}, () => {
    const words = Array.from({length: min + run.random(max - min)}, () => WORDS[run.random(WORDS.length)] ?? '');
    const text = words.join(' ');
    return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
  });
  return html ? new Markup(texts.map(text => `<p>${text}</p>`).join('\n')) : texts.join('\n\n');
}
