/** A line that HAProxy wrote. `pid` is the process that said so, where the line tells. */
export interface OutputLine {
  readonly level: 'error' | 'warn' | 'info';
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

/** Reads one line of HAProxy's stdout or stderr; a line without a mark (the rest of a message, say) is `info`. */
export function parseOutputLine(line: string): OutputLine {
  const [, mark = '', pid, text = line] = MARKED.exec(line) ?? [];
  return {level: LEVELS[mark] ?? 'info', text, pid: pid === undefined ? undefined : Number(pid)};
}
