import {writeFile} from 'node:fs/promises';
import {loadRenderSettings} from '../config/load.ts';
import {DaemonError, EXIT_CODES, reasonOf, systemCodeOf} from '../errors.ts';
import type {Finding} from '../lifecycle/findings.ts';
import type {Hosts} from '../members/member.ts';
import {derivePatch} from '../proxy/patch.ts';
import {createRenderer} from '../template/renderer.ts';
import {findUndefinedNames, findUnknownApps} from '../template/unknown-names.ts';
import {type CheckedTemplate, describeFindings, FORMATS, type Format} from '../terminal/findings.ts';
import {plainLines} from '../terminal/plain.ts';
import {type CommandCall, type CommandMain, untilInterrupted} from './call.ts';
import {checkLive} from './check-live.ts';
import {type CheckTools, tryTemplate} from './check-template.ts';
import {onChange} from './on-change.ts';
import {readToken} from './operator-token.ts';
import {readInputFile} from './read-input.ts';
import {type GivenTemplate, loadHosts, loadTemplates, sampleHostsOf} from './template-arguments.ts';

type Given = CommandCall<'check'>;

const MAX_DIFFERENCE_CHARACTERS = 20_000;

const refuse = (reason: string): never => {
  throw new DaemonError('USAGE', `cannot run check: ${reason}`);
};

/**
 * `haproxy-kontrol check`: renders every template that is given and has HAProxy check the text, with the given hosts, or
 * with samples and once more without any. Says what it finds at the lines of the given file. Rejects with HAPROXY or USAGE.
 */
export const check: CommandMain<'check'> = async given => {
  const {env, renderTimeoutMs, haproxy} = loadRenderSettings();
  using renderer = createRenderer({timeoutMs: renderTimeoutMs});
  return await checkWith(given, {renderer, haproxy, env});
};

/** The same with tools that are there. */
export async function checkWith(given: Given, tools: CheckTools): Promise<number> {
  if (!given.has('watch')) return await checkOnce(given, tools);
  const files = FILES.flatMap(option => given.text(option) ?? []).filter(file => !/^\s*[{[]/.test(file));
  if (files.includes('-')) refuse('--watch takes files: stdin does not change');
  const tell = ({message, detail}: DaemonError) =>
    given.warn(plainLines(`${message}\n${detail === undefined ? '' : `${detail}\n`}`));
  return await onChange(files, () => checkOnce(given, tools), {stop: untilInterrupted(given), tell});
}

/** What is watched; hosts may be JSON itself. */
const FILES = ['template', 'manifest', 'hosts'] as const;

async function checkOnce(given: Given, tools: CheckTools): Promise<number> {
  const format = formatOf(given.text('format'));
  const templates = await loadTemplates(given);
  const hosts = await loadHosts(given);
  if (given.has('update') && given.text('expect') === undefined) refuse('--update writes the file that --expect names');
  if (given.text('expect') !== undefined && templates.length > 1) {
    refuse(`--expect is of one template: choose with --name ${templates.map(({from}) => from).join(' or ')}`);
  }
  const live = given.text('live');
  const beside = (['hosts', 'expect'] as const).find(option => given.text(option) !== undefined);
  if (live !== undefined && beside !== undefined)
    refuse(`--live asks a daemon with its own members: leave --${beside} out`);
  const daemon =
    live === undefined
      ? undefined
      : {client: given.clientOf(live, '--live'), token: await readToken(given.text('token-file'))};
  const checked: CheckedTemplate[] = [];
  for (const template of templates) {
    if (daemon === undefined) checked.push(...(await checkTemplate(given, template, hosts, tools)));
    else checked.push(withNames(await checkLive(template, daemon), findNames(given, template, appsOf(given))));
  }
  const told = given.has('werror') ? checked.map(withWarningsAsErrors) : checked;
  const {out, err} = describeFindings(told, format);
  given.warn(err);
  given.print(out);
  return exitCodeOf(told.flatMap(({findings}) => findings));
}

function formatOf(given = 'text'): Format {
  return FORMATS.find(format => format === given) ?? refuse(`--format ${given} is none of ${FORMATS.join(', ')}`);
}

function exitCodeOf(findings: readonly Finding[]): number {
  const errors = findings.filter(({level}) => level === 'error');
  if (errors.some(({by}) => by === 'template' || by === 'names')) return EXIT_CODES.RENDER;
  return errors.length > 0 ? EXIT_CODES.VALIDATE : 0;
}

const withWarningsAsErrors = (checked: CheckedTemplate): CheckedTemplate => ({
  ...checked,
  findings: checked.findings.map(finding => ({...finding, level: 'error'})),
});

const withNames = (checked: CheckedTemplate, names: readonly Finding[]): CheckedTemplate => ({
  ...checked,
  findings: [...names, ...checked.findings],
});

function appsOf(given: Given): string[] | undefined {
  const apps = given
    .text('apps')
    ?.split(',')
    .map(app => app.trim())
    .filter(app => app !== '');
  return apps?.length === 0 ? refuse('--apps names none: write --apps web,api, or leave it out') : apps;
}

async function checkTemplate(
  given: Given,
  template: GivenTemplate,
  hosts: Hosts | undefined,
  tools: CheckTools,
): Promise<CheckedTemplate[]> {
  const {name, file} = template;
  const apps = appsOf(given);
  const tried = await tryTemplate(template, hosts ?? sampleHostsOf(template.template, apps), tools);
  const findings = [
    ...findNames(given, template, apps ?? (hosts && [...hosts.keys()])),
    ...tried.findings,
    ...(await compare(given, tried.text)),
  ];
  const full: CheckedTemplate = {
    name,
    file,
    hosts: hosts === undefined ? 'sampled' : 'given',
    lines: tried.lines,
    findings,
  };
  if (hosts !== undefined || tried.findings.some(({level}) => level === 'error')) return [full];
  const empty = await tryTemplate(template, new Map(), tools);
  const known = new Set(findings.map(({message}) => message));
  const news = empty.findings.filter(({message}) => !known.has(message)).map(asOfStart);
  const fails = empty.findings.some(({level}) => level === 'error');
  return [full, {name, file, hosts: 'none', lines: fails ? undefined : empty.lines, findings: news}];
}

/** A start without a pod that fails is no failure of the daemon's: it waits. */
const asOfStart = (finding: Finding): Finding =>
  finding.level === 'warning'
    ? finding
    : {
        ...finding,
        level: 'warning',
        message: `${finding.message} (without any pod: a proxy that starts then waits, not ready)`,
      };

/** A template that cannot be parsed says so when it is rendered. */
function findNames(given: Given, {template, place}: GivenTemplate, apps: readonly string[] | undefined): Finding[] {
  const wantsApps = given.has('strict') || given.text('apps') !== undefined;
  try {
    const unknown = [
      ...(given.has('strict') ? findUndefinedNames(template) : []),
      ...(wantsApps && apps !== undefined ? findUnknownApps(template, apps) : []),
    ];
    return unknown.map(({at, message}) => ({
      level: 'error',
      by: 'names',
      line: place.lineOf(at.lineno + 1),
      column: place.columnOf?.(at.colno + 1),
      message,
      detail: '',
    }));
  } catch {
    return [];
  }
}

/** Compares with the file of `--expect`, or writes it. */
async function compare(given: Given, text: string | undefined): Promise<Finding[]> {
  const file = given.text('expect');
  if (file === undefined || text === undefined) return [];
  if (given.has('update')) {
    await writeFile(file, text).catch(error => refuse(`cannot write ${file}: ${reasonOf(error)}`));
    return [];
  }
  const found = await readInputFile(file).catch(error => {
    const advice = systemCodeOf(error) === 'ENOENT' ? '; --update writes it' : '';
    return refuse(`cannot read ${file}: ${reasonOf(error)}${advice}`);
  });
  // Git on Windows gives every line a carriage return, which HAProxy does not mind; no rendered text has one.
  const expected = found.toString().replaceAll('\r\n', '\n');
  const {added, removed, text: difference} = derivePatch(expected, text, MAX_DIFFERENCE_CHARACTERS);
  if (expected === text) return [];
  const message = `another text than ${file} comes out: +${added} -${removed} lines; --update writes it as it is now`;
  return [{level: 'error', by: 'expected', line: undefined, column: undefined, message, detail: difference.trimEnd()}];
}
