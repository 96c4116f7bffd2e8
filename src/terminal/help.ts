import {EXIT_CODES} from '../errors.ts';
import {type ArgumentsSpec, COMMANDS, type CommandName, type CommandSpec, type OptionSpec} from './reference.ts';

const HELP: OptionSpec = {type: 'boolean', short: 'h', help: 'this text'};

const flagOf = ([name, {short, value}]: readonly [string, OptionSpec]): string =>
  `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;

type Pairs = readonly (readonly [string, string])[];

/** A heading over two columns; nothing when there is nothing to say. */
function section(title: string, pairs: Pairs): string {
  if (pairs.length === 0) return '';
  const width = Math.max(...pairs.map(([left]) => left.length));
  return `\n${title}:\n${pairs.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join('')}`;
}

const choicesOf = (spec: ArgumentsSpec | undefined): Pairs =>
  Object.entries(spec?.choices ?? {}).map(([word, {arguments: more, help}]) => [
    [word, more].filter(Boolean).join(' '),
    help,
  ]);

function exitsOf({success, failures}: CommandSpec): Pairs {
  const told = {UNEXPECTED: 'anything unexpected', USAGE: 'a wrong call', ...failures};
  const codes = Object.entries(EXIT_CODES).flatMap(([name, code]) => {
    const meaning = told[name as keyof typeof told];
    return meaning === undefined ? [] : [[String(code), meaning] as const];
  });
  return [['0', success], ...codes];
}

/** `usage: haproxy-kontrol diff [options] [FROM [TO]]`, and the options: what a wrong call is answered with. */
export function describeUsage(name: CommandName): string {
  const spec = COMMANDS[name];
  const words = ['haproxy-kontrol', name, ...(spec.isRaw ? [] : ['[options]']), spec.arguments?.shown];
  const options = Object.entries({...spec.options, help: HELP}).map(entry => [flagOf(entry), entry[1].help] as const);
  const choices = section(spec.arguments?.shown.split(' ')[0] ?? '', choicesOf(spec.arguments));
  return `usage: ${words.filter(Boolean).join(' ')}\n\n${spec.summary}\n${choices}${section('options', options)}`;
}

/** What `haproxy-kontrol <name> --help` says: purpose, arguments, options, examples, exit codes. */
export function describeCommand(name: CommandName): string {
  const spec = COMMANDS[name];
  const examples = spec.examples.map(([line, answer]) => [`haproxy-kontrol ${line}`, answer] as const);
  return `${describeUsage(name)}${section('examples', examples)}${section('exit codes', exitsOf(spec))}`;
}

/** What `haproxy-kontrol --help` says: a line for each command. */
export function describeProgram(): string {
  const lines = Object.entries(COMMANDS).map(([name, {summary}]) => `  ${name.padEnd(12)}${summary}\n`);
  return `usage: haproxy-kontrol <command>

${lines.join('')}
Each has --help with examples and exit codes; --version says which this is.
`;
}
