/** A line that HAProxy wrote. `pid` is the process that said so, where the line tells. */
export interface OutputLine {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  readonly text: string;
  readonly pid: number | undefined;
}

// 1.7: "[ALERT] 325/121501 (6730) : text", the day of the year and the time; 2.x: "[ALERT]    (6740) : text".
const MARKED = /^\[([A-Z]+)\]\s+(?:\d+\/\d+ )?\((\d+)\) : (.*)$/s;
const LEVELS: Readonly<Record<string, OutputLine['level']>> = {
  ALERT: 'error',
  EMERG: 'error',
  CRIT: 'error',
  WARNING: 'warn',
};

/**
 * What an old HAProxy says of each of its proxies as it makes room for the new one, in any context: `Stopping frontend
 * web in 0 ms.`, and `Proxy web stopped (FE: 1 conns, BE: 0 conns).` It marks them as warnings; a reload is none.
 */
const MAKES_ROOM =
  /^(?:CLI : )?(?:Stopping (?:frontend|backend|proxy|listener) .+ in \d+ ms\.|(?:Proxy|Backend) .+ stopped \()/;

/** Reads one line of HAProxy's stdout or stderr; a line without a mark (the rest of a message, say) is `info`. */
export function parseOutputLine(line: string): OutputLine {
  const [, mark = '', pid, text = line] = MARKED.exec(line) ?? [];
  const level = MAKES_ROOM.test(text) ? 'debug' : (LEVELS[mark] ?? 'info');
  return {level, text, pid: pid === undefined ? undefined : Number(pid)};
}

/** Alerts that only say that something was said before; with `zero-warning`, or on some lines (`program`), as a warning. */
const SUMMARY =
  /^(?:config : )?(?:Error\(s\) found in configuration file|Fatal errors found in configuration|Some warnings were found)/;

/** Every alert of HAProxy's that says something by itself, in its own words. */
export const findAlerts = (lines: readonly string[]): string[] =>
  lines
    .map(parseOutputLine)
    .filter(({level, text}) => level === 'error' && !SUMMARY.test(text))
    .map(({text}) => text);

/** From 2.4 on it ends some sentences twice: `weight of server s is not within 0 and 256 (999)..`. */
const withoutSecondStop = (text: string): string => text.replace(/(?<!\.)\.\.$/, '.');

/**
 * Why HAProxy refused or could not start, in its own words, from all that it wrote: its first alert, or where that only
 * sums up, its warnings. Undefined when it wrote neither.
 */
export function findReason(lines: readonly string[]): string | undefined {
  const said = lines.map(parseOutputLine).map(({level, text}) => ({level, text: withoutSecondStop(text)}));
  const alerts = said.filter(({level}) => level === 'error').map(({text}) => text);
  const alert = alerts.find(text => !SUMMARY.test(text));
  if (alert !== undefined || alerts.length === 0) return alert;
  const warnings = said.filter(({level}) => level === 'warn').map(({text}) => text);
  return warnings.length === 0 ? alerts[0] : warnings.join('; ');
}
