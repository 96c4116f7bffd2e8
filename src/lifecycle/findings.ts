import type {DaemonError} from '../errors.ts';
import {findNamedLine, quotePattern} from '../template/named-line.ts';
import type {Traced} from '../template/renderer.ts';
import type {SourcePlace} from '../template/source-place.ts';
import {detailOf, reasonOfFault, TemplateRefusal} from '../template/template-refusal.ts';

/** Something that is wrong with a template, or that HAProxy says of its text. */
export interface Finding {
  readonly level: 'error' | 'warning';
  /** Who found it: rendering, the names of `--strict` and `--apps`, HAProxy, or the comparison of `--expect`. */
  readonly by: 'template' | 'names' | 'haproxy' | 'expected';
  /** In the file that holds the template, from 1; undefined for what has no place. */
  readonly line: number | undefined;
  readonly column: number | undefined;
  /** On one line. */
  readonly message: string;
  /** More lines, for those who read it: an excerpt, the rendered line, a difference. May be empty. */
  readonly detail: string;
}

/** A template, and where it stands. */
export interface TemplateAtPlace {
  readonly template: string;
  readonly place: SourcePlace;
  /** Its file, and what it is called where that holds others too. */
  readonly file: string;
  readonly name: string;
}

/** Why a template did not render, at its line. */
export function findingOfRefusal({template, place}: TemplateAtPlace, error: DaemonError): Finding {
  const found = {level: 'error', by: 'template', line: undefined, column: undefined} as const;
  if (!(error instanceof TemplateRefusal)) return {...found, message: error.message, detail: error.detail ?? ''};
  const {fault} = error;
  return {
    ...found,
    line: fault.at && place.lineOf(fault.at.lineno + 1),
    column: fault.at && place.columnOf?.(fault.at.colno + 1),
    message: reasonOfFault(fault),
    detail: detailOf(fault, template, place),
  };
}

/** Words of HAProxy, and the file with the rendered text that they name. */
export interface HaproxyWords {
  readonly level: Finding['level'];
  readonly message: string;
  readonly file: string;
  /** What may be seen of a rendered line, which is numbered from 1. */
  readonly showLine: (line: number) => string;
}

/** HAProxy's words at the line of the template that they are about, the rendered line below. */
export function findingOfHaproxy(
  {name, file: source, place}: TemplateAtPlace,
  {lineOf}: Pick<Traced, 'lineOf'>,
  {level, message, file, showLine}: HaproxyWords,
): Finding {
  const origin = (rendered: number): number | undefined => {
    const line = lineOf(rendered);
    return line === undefined ? undefined : place.lineOf(line);
  };
  const named = findNamedLine(message, file);
  const words = named !== undefined && /^(?:\w+ : )*$/.test(named.before) ? named.words : message;
  const placed = words.replaceAll(new RegExp(`${quotePattern(file)}:(\\d+)`, 'g'), (_, rendered) => {
    const line = origin(Number(rendered));
    return line === undefined ? `rendered line ${rendered}` : `${source}:${line}`;
  });
  return {
    level,
    by: 'haproxy',
    line: named && origin(named.line),
    column: undefined,
    message: placed
      .replaceAll(file, name)
      .replace(/^config : /, '')
      .trim(),
    detail: named === undefined ? '' : `    rendered line ${named.line}: ${showLine(named.line)}`,
  };
}
