import {structuredPatch} from 'diff';

/**
 * The difference of two texts for people: unified hunks without file names (`@@ -1,4 +1,5 @@`). `text` is cut at whole
 * lines when it would exceed `maxCharacters`; `tooLarge` says so, and also when nothing could be compared in time.
 */
export interface Patch {
  readonly added: number;
  readonly removed: number;
  readonly text: string;
  readonly tooLarge: boolean;
}

const CONTEXT_LINES = 3;

/** The event loop answers pings: two texts that share little are not worth a longer look. */
const COMPARE_LIMIT_MS = 100;

export const EMPTY_PATCH: Patch = {added: 0, removed: 0, text: '', tooLarge: false};

const linesIn = (text: string): number => (text === '' ? 0 : text.replace(/\n$/, '').split('\n').length);

/** Compares line by line. Never throws. */
export function derivePatch(from: string, to: string, maxCharacters: number): Patch {
  if (from === to) return EMPTY_PATCH;
  const patch = structuredPatch('', '', from, to, '', '', {context: CONTEXT_LINES, timeout: COMPARE_LIMIT_MS});
  if (patch === undefined) return {added: linesIn(to), removed: linesIn(from), text: '', tooLarge: true};
  const lines = patch.hunks.flatMap(({oldStart, oldLines, newStart, newLines, lines}) => [
    `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`,
    ...lines,
  ]);
  let characters = 0;
  const shown = lines.findIndex(line => {
    characters += line.length + 1;
    return characters > maxCharacters;
  });
  const count = (sign: string) =>
    patch.hunks.reduce((sum, hunk) => sum + hunk.lines.filter(line => line.startsWith(sign)).length, 0);
  const kept = shown === -1 ? lines : lines.slice(0, shown);
  return {
    added: count('+'),
    removed: count('-'),
    text: kept.map(line => `${line}\n`).join(''),
    tooLarge: shown !== -1,
  };
}
