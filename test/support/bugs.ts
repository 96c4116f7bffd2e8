import type {LogLine} from './output.ts';

/** What V8 throws at code that is wrong; a template's own `TypeError` is Python's, and comes as a reason in words. */
const CLASSES = ['TypeError', 'ReferenceError', 'RangeError'];
const THROWN = new RegExp(`^\\s*(Uncaught |caused by: )?(${CLASSES.join('|')})( \\[\\w+\\])?: `, 'm');

/** Its words, where only the message was logged. */
const WORDED =
  /Cannot access '.+' before initialization|Cannot (read|set) properties of (undefined|null)|\bis not a function\b|^[\w$.]+ is not defined$/;

/** undici wraps a network's refusal in one. */
const HARMLESS = /fetch failed/;

const textsOf = (value: unknown): readonly string[] => {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
};

function isBug(line: LogLine): boolean {
  const {type, stack, message} = (line.err ?? {}) as {type?: string; stack?: string; message?: string};
  if (HARMLESS.test(message ?? '')) return false;
  const isThrown = CLASSES.includes(type ?? '') || THROWN.test(stack ?? '') || THROWN.test(String(line.raw ?? ''));
  return isThrown || textsOf(line).some(text => WORDED.test(text));
}

/** The lines of a daemon's log that tell of a bug in its code. */
export const bugsIn = (lines: readonly LogLine[]): readonly LogLine[] => lines.filter(isBug);
