import {crc32} from 'node:zlib';
import {countLines} from './count-lines.ts';
import {Run} from './jinja/run.ts';
import {compileTemplate, type Template} from './jinja/template.ts';
import {Fault} from './python/fault.ts';
import type {Value} from './python/value.ts';
import type {AnswerHead, RequestHead} from './request.ts';
import {frozenByApp, frozenPods, frozenValue} from './variables.ts';

/** The template's own clock stops it a little before the process is killed: it can say where it was. */
const OWN_TIME = 0.9;

/**
 * Answers requests: `[head, template, …variables]` in, `[head, text]` out. The last template stays compiled; nothing
 * else of a render is kept. A variable that the template does not name is not even parsed.
 */
export function createEngine(nowMs: () => number): (request: readonly string[]) => [head: string, text: string] {
  let kept: {readonly source: string; readonly template: Template} | undefined;

  const compiled = (source: string): Template => {
    if (kept?.source !== source) kept = {source, template: compileTemplate(source)};
    return kept.template;
  };

  const render = ([headText = '', source = '', ...variables]: readonly string[]): [AnswerHead, string] => {
    const head = JSON.parse(headText) as RequestHead;
    const run = new Run({
      deadlineMs: nowMs() + OWN_TIME * head.timeoutMs,
      nowMs,
      seed: variables.reduce((seed, variable) => crc32(variable, seed), crc32(source)),
      tracksLines: head.tracksLines,
    });
    const texts = new Map(head.names.map((name, index) => [name, variables[index] ?? 'null']));
    const values = new Map<string, Value>();
    const resolve = (name: string): Value | undefined => {
      const text = texts.get(name);
      if (text === undefined) return undefined;
      const known = values.get(name);
      if (known !== undefined) return known;
      const value = parseVariable(name, text);
      values.set(name, value);
      return value;
    };
    const {text, marks} = compiled(source).render(run, resolve);
    checkBinds(text);
    checkLines(text, head.maxLines);
    return [{is: 'rendered', marks}, text];
  };

  return request => {
    try {
      const [head, text] = render(request);
      return [JSON.stringify(head), text];
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const {kind, message, at} = error;
      const head: AnswerHead = {is: 'refused', kind, message, ...(at !== undefined && {at})};
      return [JSON.stringify(head), ''];
    }
  };
}

/** HAProxy opens a socket for each, and comparing and planning take their time with each: more is a mistake. */
const MAX_BINDS = 4096;

/** Here, in a process apart: whatever is done with such a text elsewhere would hold up pings. Raises LimitError. */
function checkBinds(text: string): void {
  let binds = 0;
  for (const _ of text.matchAll(/^[ \t]*bind[ \t]/gm)) binds += 1;
  if (binds > MAX_BINDS) throw new Fault('LimitError', `the text has ${binds} bind lines, more than ${MAX_BINDS}`);
}

/** HAProxy's check takes the square of the time for many of them. Raises LimitError. */
function checkLines(text: string, maxLines: number): void {
  const lines = countLines(text);
  if (lines > maxLines) {
    throw new Fault(
      'LimitError',
      `the text has ${lines} lines, more than the ${maxLines} for such a template and so many pods`,
    );
  }
}

/** What is by app comes as pairs: an object would put apps with names such as "10" first. */
function parseVariable(name: string, text: string): Value {
  if (name === 'hosts' || name === 'services') return frozenByApp(JSON.parse(text));
  return name === 'pods' ? frozenPods(JSON.parse(text)) : frozenValue(JSON.parse(text));
}
