import {spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {Run} from '../../src/template/jinja/run.ts';
import {compileTemplate} from '../../src/template/jinja/template.ts';
import {Fault} from '../../src/template/python/fault.ts';
import {frozenValue} from '../../src/template/variables.ts';
import {newerJinjaFolder, pythonBinary} from '../support/parts.ts';

/** A template and the variables it sees, as JSON. */
export interface Case {
  readonly template: string;
  readonly context: Readonly<Record<string, unknown>>;
}

/** What a render came to. An error's text is for people: only that there is one is compared. */
export type Outcome = {readonly ok: true; readonly text: string} | {readonly ok: false; readonly error: string};

const ORACLE = fileURLToPath(new URL('oracle.py', import.meta.url));
const TIME_LIMIT_MS = 5000;

/** A real Jinja2: Debian's 3.1.2, or the 3.1.6 that is the reference. */
export interface Jinja {
  readonly name: 'reference' | "Debian's";
  /** Where Python looks for it first. */
  readonly folder: string;
}

/** Those that are there, the reference first. */
export const JINJAS: readonly Jinja[] = [
  ...(existsSync(newerJinjaFolder) ? [{name: 'reference', folder: newerJinjaFolder} as const] : []),
  {name: "Debian's", folder: ''},
];

/** Renders all cases with a real Jinja2, the first of those that are there, in one Python process. */
export const askJinja = (cases: readonly Case[], jinja = JINJAS[0] as Jinja): Outcome[] =>
  askJinjaAsWritten(
    cases.map(one => JSON.stringify(one)),
    jinja,
  );

/** The same for cases that are JSON already, on one line each: numbers and the order of keys reach Python as they are. */
export function askJinjaAsWritten(cases: readonly string[], {folder} = JINJAS[0] as Jinja): Outcome[] {
  const input = cases.join('\n');
  const env = {...process.env, PYTHONPATH: folder};
  const options = {input, env, encoding: 'utf8', maxBuffer: 1 << 30} as const;
  const {stdout, stderr, status} = spawnSync(pythonBinary, [ORACLE], options);
  if (status !== 0) throw new Error(`the oracle failed: ${stderr}`);
  return stdout
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Outcome);
}

/** Renders a case with ours, in this process. What is no Fault is a bug of ours and thrown. */
export function renderOurs({template, context}: Case): Outcome {
  const run = new Run({deadlineMs: Date.now() + TIME_LIMIT_MS, nowMs: Date.now, seed: 1, tracksLines: false});
  const resolve = (name: string) => (Object.hasOwn(context, name) ? frozenValue(context[name]) : undefined);
  try {
    return {ok: true, text: compileTemplate(template).render(run, resolve).text};
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return {ok: false, error: `${error.kind}: ${error.message}`};
  }
}

/** Whether both wrote the same bytes, or both raised. */
export const agree = (a: Outcome, b: Outcome): boolean => (a.ok && b.ok ? a.text === b.text : a.ok === b.ok);

/** A difference, to be read. */
export const describeDifference = ({template}: Case, jinja: Outcome, ours: Outcome): string =>
  `${JSON.stringify(template)}\n  jinja2: ${JSON.stringify(jinja)}\n  ours:   ${JSON.stringify(ours)}`;
