import {parseArgs} from 'node:util';
import {loadStatusUrl} from '../config/load.ts';
import {DaemonError, reasonOf} from '../errors.ts';
import {systemClock as clock, pause} from '../ports/clock.ts';
import {createPaint, type Paint} from '../terminal/paint.ts';
import {describeCommand, REFERENCE} from '../terminal/reference.ts';
import {createStatusClient, type StatusClient} from './status-client.ts';

/** A command line, read. */
export interface Call {
  readonly client: StatusClient;
  readonly paint: Paint;
  readonly positionals: readonly string[];
  has(option: string): boolean;
  text(option: string): string | undefined;
  /** A whole number from 1 to `max`; `fallback` when it was not given. Throws USAGE. */
  count(option: string, fallback: number, max: number): number;
  print(text: string): void;
  printJson(value: unknown): void;
}

/** How often a screen is drawn again. */
const REDRAW_MS = 2000;

const CLEAR = '\u001b[2J\u001b[H';

const usage = (name: string, reason: string, cause?: unknown): DaemonError =>
  new DaemonError('USAGE', `cannot run ${name}: ${reason}; see haproxy-kontrol ${name} --help`, {cause});

/** A number given as text. Throws USAGE. */
export function parseCount(name: string, what: string, given: string, max: number): number {
  const value = Number(given);
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw usage(name, `${what} "${given}" is not a whole number from 1 to ${max}`);
}

/** Reads the arguments of a command of the reference and runs it; `--help` prints instead. Rejects with USAGE. */
export async function call(
  name: string,
  args: readonly string[],
  {maxArguments, run}: {maxArguments: number; run: (given: Call) => Promise<number>},
): Promise<number> {
  const spec = REFERENCE[name];
  if (spec === undefined) throw usage(name, 'it is not in the reference');
  // Whoever reads us may go away (`| head`): that is no failure.
  process.stdout.on('error', () => process.exit(0));
  const print = (text: string) => void process.stdout.write(text);
  let parsed: {values: Record<string, unknown>; positionals: string[]};
  try {
    const options = Object.fromEntries(
      Object.entries({...spec.options, help: {type: 'boolean', short: 'h'} as const}).map(([option, {type, short}]) => [
        option,
        {type, ...(short !== undefined && {short})},
      ]),
    );
    parsed = parseArgs({args: [...args], options, allowPositionals: true});
  } catch (error) {
    throw usage(name, reasonOf(error).split('.')[0] ?? '', error);
  }
  const {values, positionals} = parsed;
  if (values.help === true) {
    print(describeCommand(name, spec));
    return 0;
  }
  if (positionals.length > maxArguments) throw usage(name, `too many arguments: ${positionals.join(' ')}`);
  const text = (option: string) => (typeof values[option] === 'string' ? values[option] : undefined);
  return run({
    client: createStatusClient(text('url') ?? loadStatusUrl()),
    paint: createPaint(process.stdout.hasColors?.() === true),
    positionals,
    has: option => values[option] === true,
    text,
    count(option, fallback, max) {
      const given = text(option);
      return given === undefined ? fallback : parseCount(name, `--${option}`, given, max);
    },
    print,
    printJson: value => print(`${JSON.stringify(value, null, 2)}\n`),
  });
}

/** Draws again and again until Ctrl-C; what fails is shown and tried again. Resolves with 0. */
export async function redraw(given: Pick<Call, 'print'>, draw: () => Promise<string>): Promise<number> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  while (!stop.signal.aborted) {
    const screen = await draw().catch(error => `${reasonOf(error)}\n`);
    given.print(`${process.stdout.isTTY ? CLEAR : ''}${screen}`);
    await pause(clock, REDRAW_MS, stop.signal);
  }
  return 0;
}
