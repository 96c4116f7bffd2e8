import {loadStatusUrl} from '../config/load.ts';
import {reasonOf} from '../errors.ts';
import {systemClock as clock, pause} from '../ports/clock.ts';
import type {Printer} from '../ports/printer.ts';
import {type CommandLine, parseCount} from '../terminal/command-line.ts';
import {createPaint, type Paint} from '../terminal/paint.ts';
import type {CommandName, FlagOf, ValuedOf} from '../terminal/reference.ts';
import {type Screen, widthOf} from '../terminal/table.ts';
import {createStatusClient, type StatusClient} from './status-client.ts';

/** How a command is called, and what it prints with. The compiler knows which options it has. */
export interface CommandCall<Name extends CommandName> extends Pick<Printer, 'print' | 'gone'> {
  /** Beside what is printed: to stderr. */
  warn(text: string): void;
  /** Of the status port that `--url` or the environment names. */
  readonly client: StatusClient;
  /** Of another one, which the option `by` names. */
  clientOf(url: string, by: string): StatusClient;
  readonly isColored: boolean;
  readonly paint: Paint;
  /** The terminal that stdout is, if it is one. */
  readonly screen: Screen;
  readonly positionals: readonly string[];
  has(option: FlagOf<Name>): boolean;
  text(option: ValuedOf<Name>): string | undefined;
  /** A whole number from 1 to `max`; `fallback` when it was not given. Throws USAGE. */
  count(option: ValuedOf<Name>, fallback: number, max: number): number;
  /** The same of an argument. */
  countOf(what: string, given: string, max: number): number;
  printJson(value: unknown): void;
}

/** Resolves with the exit code, once all is printed that will be. */
export type CommandMain<Name extends CommandName> = (given: CommandCall<Name>) => Promise<number>;

/** How often a screen is drawn again. */
const REDRAW_MS = 2000;

const CLEAR = '\u001b[2J\u001b[H';

/** What a command is given, of a command line that was read. Stdout and the environment are looked at when asked for. */
export function createCall<Name extends CommandName>(
  name: Name,
  {values, positionals}: Extract<CommandLine, {is: 'call'}>,
  {stdout: {print, gone}, stderr}: {readonly stdout: Printer; readonly stderr: Printer},
): CommandCall<Name> {
  const text = (option: PropertyKey) => {
    const value = values[String(option)];
    return typeof value === 'string' ? value : undefined;
  };
  const clientOf = (url: string, by?: string): StatusClient =>
    createStatusClient(url, {print: stderr.print, isTerminal: process.stderr.isTTY === true}, by);
  const countOf = (what: string, given: string, max: number) => parseCount(name, what, given, max);
  return {
    print,
    gone,
    warn: stderr.print,
    get client() {
      return clientOf(text('url') ?? loadStatusUrl());
    },
    clientOf,
    get isColored() {
      return process.stdout.hasColors?.() === true;
    },
    get paint() {
      return createPaint(this.isColored);
    },
    get screen() {
      return {width: widthOf(process.stdout), paint: this.paint};
    },
    positionals,
    has: option => values[String(option)] === true,
    text,
    count(option, fallback, max) {
      const given = text(option);
      return given === undefined ? fallback : countOf(`--${String(option)}`, given, max);
    },
    countOf,
    printJson: value => print(`${JSON.stringify(value, null, 2)}\n`),
  };
}

/** Aborted by Ctrl-C, a SIGTERM, or once nobody reads any more. */
export function untilInterrupted({gone}: Pick<Printer, 'gone'>): AbortSignal {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  return AbortSignal.any([interrupted.signal, gone]);
}

/** Draws again and again until Ctrl-C, or while somebody reads; what fails is shown and tried again. Resolves with 0. */
export async function redraw(
  {print, gone}: Pick<Printer, 'print' | 'gone'>,
  draw: () => Promise<string>,
): Promise<number> {
  const stop = untilInterrupted({gone});
  while (!stop.aborted) {
    const screen = await draw().catch(error => `${reasonOf(error)}\n`);
    print(`${process.stdout.isTTY ? CLEAR : ''}${screen}`);
    await pause(clock, REDRAW_MS, stop);
  }
  return 0;
}
