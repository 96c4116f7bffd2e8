import {DaemonError} from '../errors.ts';
import {type TracedFile, traceMessages} from './trace-messages.ts';

/**
 * A refusal that names lines of the template instead of those of a rendered file, HAProxy's words first: `cannot
 * validate the template: line 20: unknown keyword … (rendered: "…")`. One that names no line keeps its words.
 */
export function traceReason(fault: DaemonError, traced: Omit<TracedFile, 'name'>): DaemonError {
  const {file, lineOf, showLine} = traced;
  const detail = fault.detail && traceMessages(fault.detail, {...traced, name: 'template'});
  const told = (message: string): DaemonError =>
    new DaemonError(fault.code, message.replaceAll(file, 'the template'), {cause: fault, detail});
  const quoted = file.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const named = new RegExp(`(?:config : )?(?:(?:parsing )?\\[${quoted}:(\\d+)\\]|${quoted}:(\\d+))(?: ?: )?`).exec(
    fault.message,
  );
  if (named === null) return told(fault.message);
  const line = Number(named[1] ?? named[2]);
  const nameOf = (rendered: number): string => {
    const origin = lineOf(rendered);
    return origin === undefined ? `rendered line ${rendered}` : `line ${origin}`;
  };
  const words = fault.message
    .slice(named.index + named[0].length)
    .replace(/\bline (\d+)/g, (_, other: string) => nameOf(Number(other)));
  const before = fault.message.slice(0, named.index);
  return told(`${before}${nameOf(line)}: ${words.trim()} (rendered: "${showLine(line)}")`);
}
