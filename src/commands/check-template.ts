import {existsSync} from 'node:fs';
import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createStandIn} from '../certs/stand-in.ts';
import {DaemonError} from '../errors.ts';
import {type Finding, findingOfHaproxy, findingOfRefusal} from '../lifecycle/findings.ts';
import type {Hosts} from '../members/member.ts';
import {systemSpawn as spawn} from '../ports/spawn.ts';
import {checkCandidate} from '../proxy/check.ts';
import {withoutIgnoredKeywords} from '../proxy/ignored-keywords.ts';
import {deriveLogTarget, SYSLOG_PORT} from '../proxy/log-targets.ts';
import {findAlerts} from '../proxy/output.ts';
import type {TemplateVariables} from '../template/input.ts';
import type {IsolatedRenderer, Traced} from '../template/renderer.ts';
import type {CheckedTemplate} from '../terminal/findings.ts';
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
    return {text: undefined, lines: undefined, findings: [findingOfRefusal(given, error)]};
  }
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
  const showLine = (line: number) => text.split('\n')[line - 1]?.trim() ?? '';
  const said = (level: Finding['level'], message: string): Finding => {
    const words = {level, message: message.replaceAll(certificates, CERTIFICATE_FOLDER), file, showLine};
    return withAdvice(findingOfHaproxy(given, traced, words));
  };
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

const MISSING =
  /no such file|(?:unable|failed|cannot|could ?n[o']t) (?:to )?(?:open|load|stat|read|find)|(?:error |fail\w* )(?:opening|reading|loading)|(?:opening|reading|loading|stat) .*(?:failed|error)/i;

const withAdvice = (finding: Finding): Finding => ({
  ...finding,
  detail: [finding.detail, adviceOf(finding.message) ?? ''].filter(line => line !== '').join('\n'),
});

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
