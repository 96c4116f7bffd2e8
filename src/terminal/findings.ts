import type {CheckAnswer} from '../http/status-actions.ts';
import type {Finding} from '../lifecycle/findings.ts';
import {plain, plainLines} from './plain.ts';

/** A template that was checked with one kind of hosts. */
export interface CheckedTemplate {
  /** The file, and the object in it where it is a manifest. */
  readonly name: string;
  /** `-` is stdin. */
  readonly file: string;
  readonly hosts: 'given' | 'sampled' | 'none' | 'live';
  /** Of the rendered text; undefined when there is none, or it does not serve without any pod. */
  readonly lines: number | undefined;
  readonly findings: readonly Finding[];
  /** What it would do to a running daemon that was asked; `null` where it would not come to that. */
  readonly live?: LiveOutcome;
}

/** How a text would come to serve, and what it changes; the text with its secrets hidden. */
export type LiveOutcome = Pick<CheckAnswer, 'way' | 'why' | 'difference' | 'text'>;

/** `text` is for people; the others are for what runs it. */
export const FORMATS = ['text', 'github', 'junit', 'json'] as const;
export type Format = (typeof FORMATS)[number];

/** What is printed: `out` on stdout, `err` on stderr. */
export interface Printed {
  readonly out: string;
  readonly err: string;
}

const WITH_HOSTS = {
  given: '',
  sampled: ', with sample pods',
  none: ', without any pod',
  live: ", with today's members",
} as const;

const isValid = ({findings}: CheckedTemplate): boolean => findings.every(({level}) => level === 'warning');

const countOf = ({findings}: CheckedTemplate, level: Finding['level']): number =>
  findings.filter(finding => finding.level === level).length;

/** `deployment.yaml:31:12`, as far as it is known. */
const placeOf = ({file}: CheckedTemplate, {line, column}: Finding): string =>
  [file, ...(line === undefined ? [] : [line]), ...(line === undefined || column === undefined ? [] : [column])].join(
    ':',
  );

const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;

function verdictOf(checked: CheckedTemplate): string {
  const {name, hosts, lines} = checked;
  const warnings = plural(countOf(checked, 'warning'), 'warning');
  // Without any pod alone: a start survives that, so it is no error.
  if (isValid(checked) && lines === undefined) return `${name}: fails${WITH_HOSTS[hosts]} (${warnings})\n`;
  const counts = isValid(checked)
    ? `valid${WITH_HOSTS[hosts]} (${plural(lines ?? 0, 'line')}, ${warnings})`
    : `not valid${WITH_HOSTS[hosts]} (${plural(countOf(checked, 'error'), 'error')}, ${warnings})`;
  return `${name}: ${counts}\n${checked.live === undefined ? '' : effectOf(checked.live)}`;
}

const WAYS = {
  unchanged: 'would change nothing',
  start: 'would start HAProxy',
  runtime: 'would be told to the running HAProxy',
  reload: 'would be a reload',
} as const;

/** How it would come to serve, and the lines that it changes. */
function effectOf({way, why, difference}: LiveOutcome): string {
  if (way === null || difference === null) return '';
  const {added, removed, text, tooLarge} = difference;
  const lines = text === '' ? '' : `${plainLines(text.trimEnd())}\n`;
  const cut = tooLarge ? '... too large to show in full\n' : '';
  return `${WAYS[way]}: ${plain(why ?? '')}; +${added} -${removed} lines\n${lines}${cut}`;
}

function textOf(all: readonly CheckedTemplate[]): Printed {
  const err = all.flatMap(checked =>
    checked.findings.map(finding => {
      const {level, message, detail} = finding;
      return `${level}: ${placeOf(checked, finding)}: ${message}\n${detail === '' ? '' : `${detail}\n`}`;
    }),
  );
  return {out: all.map(verdictOf).join(''), err: err.join('')};
}

/** GitHub's workflow commands: what their values may not hold is escaped as `@actions/core` does. */
const escapeData = (text: string): string => text.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A');
const escapeProperty = (text: string): string => escapeData(text).replace(/:/g, '%3A').replace(/,/g, '%2C');

function githubOf(all: readonly CheckedTemplate[]): Printed {
  const commands = all.flatMap(checked =>
    checked.findings.map(({level, line, column, message, detail}) => {
      const properties = Object.entries({file: checked.file === '-' ? undefined : checked.file, line, col: column})
        .filter(([, value]) => value !== undefined)
        .map(([key, value]) => `${key}=${escapeProperty(String(value))}`);
      const head = [`::${level}`, properties.join(',')].filter(word => word !== '').join(' ');
      return `${head}::${escapeData([message, detail].filter(text => text !== '').join('\n'))}\n`;
    }),
  );
  return {out: commands.join('') + all.map(verdictOf).join(''), err: ''};
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** XML 1.0 has no place for control characters at all. */
const escapeXml = (text: string): string =>
  text
    .replace(/[&<>"']/g, one => ENTITIES[one] ?? one)
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '?');

function junitOf(all: readonly CheckedTemplate[]): Printed {
  const wordsOf = (checked: CheckedTemplate, finding: Finding): string =>
    [`${placeOf(checked, finding)}: ${finding.message}`, finding.detail].filter(text => text !== '').join('\n');
  const cases = all.map(checked => {
    const failures = checked.findings
      .filter(({level}) => level === 'error')
      .map(one => `<failure message="${escapeXml(one.message)}">${escapeXml(wordsOf(checked, one))}</failure>`);
    const warnings = checked.findings.filter(({level}) => level === 'warning').map(one => wordsOf(checked, one));
    const output = warnings.length === 0 ? [] : [`<system-err>${escapeXml(warnings.join('\n'))}</system-err>`];
    const name = `${checked.name}${WITH_HOSTS[checked.hosts]}`;
    const effect = checked.live === undefined ? '' : effectOf(checked.live);
    const told = effect === '' ? [] : [`<system-out>${escapeXml(effect)}</system-out>`];
    const inside = [...failures, ...told, ...output].map(line => `\n      ${line}`).join('');
    return `\n    <testcase classname="haproxy-kontrol check" name="${escapeXml(name)}">${inside}\n    </testcase>`;
  });
  const failed = all.filter(checked => !isValid(checked)).length;
  // Jenkins demands the count of errors, which are faults of a test itself.
  const counts = `tests="${all.length}" failures="${failed}" errors="0"`;
  const suite = `  <testsuite name="haproxy-kontrol check" ${counts}>${cases.join('')}\n  </testsuite>`;
  return {out: `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${counts}>\n${suite}\n</testsuites>\n`, err: ''};
}

const jsonOf = (all: readonly CheckedTemplate[]): Printed => {
  const templates = all.map(checked => ({...checked, valid: isValid(checked)}));
  return {out: `${JSON.stringify({valid: all.every(isValid), templates}, null, 2)}\n`, err: ''};
};

const WRITERS = {text: textOf, github: githubOf, junit: junitOf, json: jsonOf} as const;

/** A terminal shows it, or a log of CI that knows the same sequences: neither is driven by what a template holds. */
const inPlainWords = (checked: CheckedTemplate): CheckedTemplate => ({
  ...checked,
  name: plain(checked.name),
  file: plain(checked.file),
  findings: checked.findings.map(finding => ({
    ...finding,
    message: plain(finding.message),
    detail: plainLines(finding.detail),
  })),
});

/** What `check` prints of all that it looked at. JUnit and JSON have their own ways with control characters. */
export const describeFindings = (all: readonly CheckedTemplate[], format: Format): Printed =>
  WRITERS[format](format === 'text' || format === 'github' ? all.map(inPlainWords) : all);
