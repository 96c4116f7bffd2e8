import {styleText} from 'node:util';
import {plainLines} from './plain.ts';

export type Tone = 'good' | 'notice' | 'bad' | 'faint' | 'strong';

/** Colours a text, or leaves it alone where the output is no terminal or NO_COLOR is set. */
export type Paint = (tone: Tone, text: string) => string;

const STYLES = {good: 'green', notice: 'yellow', bad: 'red', faint: 'gray', strong: 'bold'} as const;

export const createPaint =
  (isColored: boolean): Paint =>
  (tone, text) =>
    isColored ? styleText(STYLES[tone], text, {validateStream: false}) : text;

/** A unified diff with its added and removed lines coloured, and no other control character in it. */
export const paintDiff = (text: string, paint: Paint): string =>
  plainLines(text)
    .split('\n')
    .map(line => {
      if (/^(?:\+\+\+|---|@@)/.test(line)) return paint('faint', line);
      if (line.startsWith('+')) return paint('good', line);
      return line.startsWith('-') ? paint('bad', line) : line;
    })
    .join('\n');
