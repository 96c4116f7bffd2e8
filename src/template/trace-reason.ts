import {DaemonError} from '../errors.ts';
import {findNamedLine} from './named-line.ts';
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
  const named = findNamedLine(fault.message, file);
  if (named === undefined) return told(fault.message);
  const nameOf = (rendered: number): string => {
    const origin = lineOf(rendered);
    return origin === undefined ? `rendered line ${rendered}` : `line ${origin}`;
  };
  const words = named.words.replace(/\bline (\d+)/g, (_, other: string) => nameOf(Number(other)));
  const shown = showLine(named.line);
  // Of what is all hidden, nothing is told.
  const rendered = /[^*\s]/.test(shown) ? ` (rendered: "${shown}")` : '';
  return told(`${named.before}${nameOf(named.line)}: ${words}${rendered}`);
}
