import type {LineMap} from './line-map.ts';
import {quotePattern} from './named-line.ts';

/** A rendered text on disk, and the template behind it. */
export interface TracedFile {
  readonly file: string;
  /** The template's name. */
  readonly name: string;
  readonly lineOf: LineMap;
  /** What may be seen of a rendered line, which is numbered from 1. */
  readonly showLine: (line: number) => string;
}

/**
 * HAProxy's messages with the template's name and line in place of the rendered file's, and the rendered line below
 * each: `parsing [web.j2:12] : unknown keyword …`. Where a line's origin cannot be told, the rendered line's number stays.
 */
export function traceMessages(messages: string, {file, name, lineOf, showLine}: TracedFile): string {
  return messages
    .split('\n')
    .map(message => {
      const shown = new Set<number>();
      const traced = message.replaceAll(new RegExp(`${quotePattern(file)}(?::(\\d+))?`, 'g'), (_, number?: string) => {
        if (number === undefined) return name;
        const line = Number(number);
        shown.add(line);
        const origin = lineOf(line);
        return origin === undefined ? `${name}, rendered line ${line}` : `${name}:${origin}`;
      });
      return [traced, ...[...shown].map(line => `    rendered line ${line}: ${showLine(line)}`)].join('\n');
    })
    .join('\n');
}
