import {inspect, styleText} from 'node:util';

type Color = 'gray' | 'cyan' | 'green' | 'yellow' | 'red' | 'magenta';

/** pino's numbers. */
const LEVELS: Readonly<Record<number, {readonly name: string; readonly color: Color}>> = {
  10: {name: 'trace', color: 'gray'},
  20: {name: 'debug', color: 'cyan'},
  30: {name: 'info ', color: 'green'},
  40: {name: 'warn ', color: 'yellow'},
  50: {name: 'error', color: 'red'},
  60: {name: 'fatal', color: 'magenta'},
};

const paint = (color: Color, text: string, isColored: boolean): string =>
  isColored ? styleText(color, text, {validateStream: false}) : text;

/** All that a stack of calls has no need of: it may quote a template. */
const CONTROL = /[^\P{Cc}\n\t]/gu;

const shown = (value: unknown): string =>
  typeof value === 'string' && /^[\w.:/@*+-]+$/.test(value) ? value : inspect(value, {breakLength: Infinity, depth: 6});

/**
 * One log line for a person: `09:04:00.123 info  members joined app=web ip=10.2.0.17`; a stack follows on lines of its
 * own. What is not one of our JSON lines comes back as it is. The time is local.
 */
export function prettyLine(line: string, isColored: boolean): string {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line);
  } catch {
    return line.trimEnd();
  }
  const {level, time, room, msg, err, ...rest} = fields;
  const {name, color} = LEVELS[Number(level)] ?? {name: String(level), color: 'gray' as const};
  const at = new Date(Number(time));
  const clock = Number.isNaN(at.getTime())
    ? ''
    : `${at.toLocaleTimeString('en-GB')}.${String(at.getMilliseconds()).padStart(3, '0')}`;
  const pairs = Object.entries(rest)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([key, value]) => `${paint('gray', `${key}=`, isColored)}${shown(value)}`);
  const {message, stack} = (typeof err === 'object' && err !== null ? err : {}) as Record<string, unknown>;
  if (message !== undefined) pairs.push(`${paint('red', 'err=', isColored)}${shown(message)}`);
  const head = [paint('gray', clock, isColored), paint(color, name, isColored), room, msg].filter(
    part => typeof part === 'string' && part !== '',
  );
  const trace = typeof stack === 'string' && Number(level) >= 50 ? `\n${stack.replace(CONTROL, ' ')}` : '';
  return `${[...head, ...pairs].join(' ')}${trace}`;
}
