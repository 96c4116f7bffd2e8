import {existsSync} from 'node:fs';
import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createStandIn} from '../certs/stand-in.ts';
import {DaemonError} from '../errors.ts';
import type {Hosts} from '../members/member.ts';
import {systemSpawn as spawn} from '../ports/spawn.ts';
import {checkCandidate} from '../proxy/check.ts';
import {withoutIgnoredKeywords} from '../proxy/ignored-keywords.ts';
import {deriveLogTarget, SYSLOG_PORT} from '../proxy/log-targets.ts';
import {findAlerts} from '../proxy/output.ts';
import type {TemplateVariables} from '../template/input.ts';
import {findNamedLine, quotePattern} from '../template/named-line.ts';
import type {IsolatedRenderer, Traced} from '../template/renderer.ts';
import {detailOf, reasonOfFault, TemplateRefusal} from '../template/template-refusal.ts';
import type {CheckedTemplate, Finding} from '../terminal/findings.ts';
import {CERTIFICATE_FOLDER, type GivenTemplate, renderInputOf} from './template-arguments.ts';

export interface CheckTools {
  readonly renderer: IsolatedRenderer;
  readonly haproxy: string;
  readonly env: TemplateVariables['env'];
}

/** What came of a template with some hosts; `text` is undefined when nothing did. */
export interface Tried extends Pick<CheckedTemplate, 'lines' | 'findings'> {
  readonly text: string | undefined;
}

const never = AbortSignal.any([]);

/** Renders a template and has HAProxy check the text, with stand-ins for its certificates. Rejects with HAPROXY alone. */
export async function tryTemplate(given: GivenTemplate, hosts: Hosts, tools: CheckTools): Promise<Tried> {
  try {
    const traced = await tools.renderer.trace(renderInputOf(given, hosts, tools.env), never);
    const {text} = traced;
    return {text, lines: text.split('\n').length - 1, findings: await askHaproxy(given, traced, tools.haproxy)};
  } catch (error) {
    if (!(error instanceof DaemonError) || error.code !== 'RENDER') throw error;
    return {text: undefined, lines: undefined, findings: [renderFinding(given, error)]};
  }
}

function renderFinding({template, place}: GivenTemplate, error: DaemonError): Finding {
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

async function askHaproxy(given: GivenTemplate, traced: Traced, haproxy: string): Promise<Finding[]> {
  await using folder = await temporaryFolder();
  const certificates = join(folder.path, 'certs');
  await mkdir(certificates);
  for (const name of given.certificates) await writeFile(join(certificates, `${name}.pem`), createStandIn(name));
  const file = join(folder.path, 'proxy.cfg');
  const text = traced.text.replaceAll(CERTIFICATE_FOLDER, certificates);
  await writeFile(file, withoutIgnoredKeywords(text));
  // As in the daemon, whose port any will do for.
  const logFile = join(folder.path, 'log.cfg');
  await writeFile(logFile, deriveLogTarget(SYSLOG_PORT));
  const said = (level: Finding['level'], message: string): Finding =>
    haproxyFinding(given, traced, {level, message: message.replaceAll(certificates, CERTIFICATE_FOLDER), file});
  try {
    const checked = {text, files: [logFile, file], configuration: file};
    const warnings = await checkCandidate({spawn, haproxy}, checked, never);
    return warnings.map(warning => said('warning', warning));
  } catch (error) {
    if (!(error instanceof DaemonError) || error.code !== 'VALIDATE') throw error;
    const alerts = findAlerts((error.detail ?? '').split('\n'));
    return (alerts.length > 0 ? alerts : [error.message]).map(alert => said('error', alert));
  }
}

/** HAProxy's words with the lines of the template, the rendered line below, and what to do where a file is missing. */
function haproxyFinding(
  {name, file: source, place}: GivenTemplate,
  {text, lineOf}: Traced,
  {level, message, file}: Pick<Finding, 'level' | 'message'> & {readonly file: string},
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
  const shown = named && `    rendered line ${named.line}: ${text.split('\n')[named.line - 1]?.trim() ?? ''}`;
  return {
    level,
    by: 'haproxy',
    line: named && origin(named.line),
    column: undefined,
    message: placed
      .replaceAll(file, name)
      .replace(/^config : /, '')
      .trim(),
    detail: [shown, adviceOf(words)].filter(line => line !== undefined).join('\n'),
  };
}

const MISSING =
  /no such file|(?:unable|failed|cannot|could ?n[o']t) (?:to )?(?:open|load|stat|read|find)|(?:error |fail\w* )(?:opening|reading|loading)|(?:opening|reading|loading|stat) .*(?:failed|error)/i;

/** What is missing on this machine may be there where the proxy runs. */
function adviceOf(words: string): string | undefined {
  const [path] = MISSING.test(words) ? (/\/(?:[\w.-]+\/)*[\w.-]+/.exec(words) ?? []) : [];
  if (path === undefined || existsSync(path)) return undefined;
  return `    ${path} is not on this machine; where the image has it, run the check in the image, or put a file there`;
}

async function temporaryFolder(): Promise<{readonly path: string} & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'kontrol-check-'));
  return {path, [Symbol.asyncDispose]: () => rm(path, {recursive: true, force: true})};
}
