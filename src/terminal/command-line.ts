import {parseArgs} from 'node:util';
import {findNearest} from '../config/edit-distance.ts';
import {DaemonError, reasonOf} from '../errors.ts';
import {describeUsage} from './help.ts';
import {COMMANDS, type CommandName} from './reference.ts';

/** A command line, read: the values of its options and its arguments. */
export type CommandLine =
  | {readonly is: 'help'}
  | {
      readonly is: 'call';
      readonly values: Readonly<Record<string, unknown>>;
      readonly positionals: readonly string[];
    };

const refusal = (name: CommandName, reason: string, more: {cause?: unknown; detail?: string} = {}): DaemonError =>
  new DaemonError('USAGE', `cannot run ${name}: ${reason}; see haproxy-kontrol ${name} --help`, more);

/** A number given as text. Throws USAGE. */
export function parseCount(name: CommandName, what: string, given: string, max: number): number {
  const value = Number(given);
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw refusal(name, `${what} "${given}" is not a whole number from 1 to ${max}`);
}

/** Reads the arguments of a command as the reference has them. Throws USAGE. */
export function parseCommandLine(name: CommandName, args: readonly string[]): CommandLine {
  const spec = COMMANDS[name];
  const [first = ''] = args;
  if (spec.isRaw && !['-h', '--help', 'help'].includes(first)) return {is: 'call', values: {}, positionals: args};
  const options = Object.entries(spec.options).map(([option, {type, short}]) => [
    option,
    {type, ...(short !== undefined && {short})},
  ]);
  let values: Readonly<Record<string, unknown>>;
  let positionals: readonly string[];
  let tokens: readonly {readonly kind: string; readonly name?: string}[];
  try {
    ({values, positionals, tokens} = parseArgs({
      args: [...args],
      options: {...Object.fromEntries(options), help: {type: 'boolean', short: 'h'}},
      allowPositionals: true,
      tokens: true,
    }));
  } catch (error) {
    const reason = reasonOf(error).split('.')[0] ?? '';
    const given = /^Unknown option '--([\w-]+)/.exec(reason)?.[1];
    const meant = given === undefined ? undefined : findNearest(given, Object.keys(spec.options));
    const question = meant === undefined ? '' : `; is it --${meant}?`;
    throw refusal(name, `${reason}${question}`, {cause: error, detail: describeUsage(name)});
  }
  if (values.help === true || spec.isRaw) return {is: 'help'};
  const given = tokens.flatMap(({name: option}) => option ?? []);
  const twice = given.find((option, at) => typeof values[option] === 'string' && given.indexOf(option) !== at);
  if (twice !== undefined) throw refusal(name, `--${twice} is given twice`, {detail: describeUsage(name)});
  const most = spec.arguments?.most ?? 0;
  if (positionals.length > most) {
    const advice = 'template' in spec.options ? '; files go behind --template or --manifest' : '';
    throw refusal(name, `too many arguments: ${positionals.join(' ')}${advice}`, {detail: describeUsage(name)});
  }
  return {is: 'call', values, positionals};
}
