import type {LineMark} from './jinja/run.ts';

/** For a line of the rendered text, both from 1: the template's line that wrote its first visible character. */
export type LineMap = (line: number) => number | undefined;

/** Makes the map from the marks that a render left; lines that nothing wrote have none. */
export function createLineMap(text: string, marks: readonly LineMark[]): LineMap {
  const starts = [0, ...[...text.matchAll(/\n/g)].map(match => match.index + 1)];
  return line => {
    const start = starts[line - 1];
    if (start === undefined) return undefined;
    const visible = start + (/^[ \t]*/.exec(text.slice(start, start + 1024))?.[0].length ?? 0);
    const mark = marks.findLast(candidate => candidate.offset <= visible);
    if (mark === undefined) return undefined;
    const since = mark.isText ? text.slice(mark.offset, visible).split('\n').length - 1 : 0;
    return mark.line + since + 1;
  };
}
