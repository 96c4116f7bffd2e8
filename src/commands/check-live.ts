import type {CheckAnswer} from '../http/status-actions.ts';
import type {Finding} from '../lifecycle/findings.ts';
import {excerptOf} from '../template/excerpt.ts';
import type {CheckedTemplate} from '../terminal/findings.ts';
import type {StatusClient} from './status-client.ts';
import type {GivenTemplate} from './template-arguments.ts';

/** Has a running daemon look at a template with its members of today. Rejects with UNREACHABLE, UNHEALTHY or USAGE. */
export async function checkLive(
  given: GivenTemplate,
  {client, token}: {readonly client: Pick<StatusClient, 'post'>; readonly token: string},
): Promise<CheckedTemplate> {
  const answer = await client.post<CheckAnswer>('/check', token, 'works', given.template);
  const {findings, text, way, why, difference} = answer;
  return {
    name: given.name,
    file: given.file,
    hosts: 'live',
    lines: text === null ? undefined : text.split('\n').length - 1,
    findings: findings.map(one => placed(one, given)),
    live: {way, why, difference, text},
  };
}

/** The daemon knows the template alone: here its lines are those of the file that holds it. */
function placed(found: CheckAnswer['findings'][number], {template, place, file}: GivenTemplate): Finding {
  const {line, column} = found;
  const at = found.by === 'template' && line !== null && column !== null && {lineno: line - 1, colno: column - 1};
  const fileLines = (words: string) =>
    words.replace(/\btemplate:(\d+)\b/g, (_, number) => `${file}:${place.lineOf(Number(number))}`);
  return {
    ...found,
    line: line === null ? undefined : place.lineOf(line),
    column: column === null ? undefined : place.columnOf?.(column),
    message: fileLines(found.message),
    detail: at ? `${excerptOf(template, at, place.lineOf)}\n${found.detail.split('\n').at(-1)}` : found.detail,
  };
}
