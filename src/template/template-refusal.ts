import {DaemonError, OverLimit} from '../errors.ts';
import {excerptOf, placeOf} from './excerpt.ts';
import type {Position} from './python/fault.ts';
import {type SourcePlace, WHOLE_FILE} from './source-place.ts';

/** What is wrong with a template: Python's exception, its words, and where, when that is known. */
export interface TemplateFault {
  readonly kind: string;
  readonly message: string;
  readonly at: Position | undefined;
}

/** A template that cannot be rendered: RENDER, with the fault itself for those who show it at another place. */
export class TemplateRefusal extends DaemonError {
  readonly fault: TemplateFault;

  constructor(fault: TemplateFault, template: string) {
    super('RENDER', `cannot render the template: ${wordsOf(fault)}`, {detail: detailOf(fault, template, WHOLE_FILE)});
    this.fault = fault;
  }

  /** The same, its excerpt of what is shown of the template, which has as many lines. */
  quoting(shown: string): TemplateRefusal {
    return new TemplateRefusal(this.fault, shown);
  }

  /** The same, told of a template that stands in a file with more around it. */
  at({template, place}: {readonly template: string; readonly place: SourcePlace}): DaemonError {
    const {at} = this.fault;
    const line = at === undefined ? '' : `line ${place.lineOf(at.lineno + 1)}`;
    const column = at === undefined ? undefined : place.columnOf?.(at.colno + 1);
    const where = at === undefined ? '' : `${line}${column === undefined ? '' : `, column ${column}`}: `;
    return new DaemonError('RENDER', `cannot render the template: ${where}${reasonOfFault(this.fault)}`, {
      cause: this,
      detail: detailOf(this.fault, template, place),
    });
  }
}

/** Whether a rendering or a check hit a limit of time, size or memory, in whatever words it is told by now. */
export function isOverLimit(fault: unknown): boolean {
  if (!(fault instanceof DaemonError)) return false;
  if (fault instanceof TemplateRefusal) return fault.fault.kind === 'LimitError';
  return fault instanceof OverLimit || isOverLimit(fault.cause);
}

/** The reason on one line. */
export const reasonOfFault = ({message}: TemplateFault): string => message.replace(/\s+/g, ' ').trim();

const wordsOf = (fault: TemplateFault): string =>
  `${fault.at === undefined ? '' : `${placeOf(fault.at)}: `}${reasonOfFault(fault)}`;

/** The excerpt, numbered as the file is that holds the template, and the exception. */
export function detailOf({kind, message, at}: TemplateFault, template: string, place: SourcePlace): string {
  return at === undefined ? kind : `${excerptOf(template, at, place.lineOf)}\n${kind}: ${message}`;
}
