import type {ChildProcessByStdio} from 'node:child_process';
import {once} from 'node:events';
import {createInterface} from 'node:readline';
import type {Readable} from 'node:stream';
import {setTimeout as sleep} from 'node:timers/promises';

/** A line that the daemon wrote: parsed where it is JSON, else under `raw`. */
export type LogLine = Readonly<Record<string, unknown>>;

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How many of its last lines a failed wait shows. */
const SHOWN_LINES = 20;

/** How long after the exit the last lines may still come: a grandchild can hold the pipes open for ever. */
const OUTPUT_DELAY_MS = 500;

const parseLine = (line: string): LogLine => {
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === 'object' && parsed !== null) return parsed as LogLine;
  } catch {
    // Node's own words, such as an uncaught error.
  }
  return {raw: line};
};

/** Reads all that a child writes, both streams in the order of arrival. `exited` resolves once the last line is in. */
export function collectOutput(child: ChildProcessByStdio<null, Readable, Readable>): {
  readonly lines: readonly LogLine[];
  readonly exited: Promise<ChildExit>;
  /** The last lines as text, for a person. */
  tail(): string;
} {
  const lines: LogLine[] = [];
  for (const input of [child.stdout, child.stderr]) {
    createInterface({input}).on('line', line => lines.push(parseLine(line)));
  }
  const closed = once(child, 'close');
  const exited = once(child, 'exit').then(async ([code, signal]): Promise<ChildExit> => {
    await Promise.race([closed, sleep(OUTPUT_DELAY_MS, undefined, {ref: false})]);
    return {code, signal};
  });
  const tail = () =>
    lines
      .slice(-SHOWN_LINES)
      .map(line => JSON.stringify(line))
      .join('\n');
  return {lines, exited, tail};
}
