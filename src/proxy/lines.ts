import {type HaproxyEnvironment, nextVariables} from './variables.ts';
import {readWords, type Word} from './words.ts';

/** The section a line belongs to; its `kind` is `''` before the first one. */
export interface Section {
  readonly kind: string;
  readonly name: string;
}

/** A line with at least one word, numbered from 1. A section's own line belongs to that section. */
export interface Line {
  readonly number: number;
  readonly section: Section;
  readonly words: readonly Word[];
  /** The environment at this line: what was given, changed by `setenv`, `presetenv` and `unsetenv` above. */
  readonly variables: HaproxyEnvironment;
}

/** Variables by name. Absent altogether, nothing is known of the environment and defaults do not apply either. */
export type Environment = Readonly<Record<string, string | undefined>>;

const SECTIONS = new Set(
  `global defaults listen frontend backend peers userlist mailers namespace_list resolvers
  cache program ring log-forward http-errors fcgi-app crt-store traces log-profile acme healthcheck`.split(/\s+/),
);

/**
 * Cuts a configuration into lines of words the way HAProxy does (configuration.txt 2.2 and 2.3): blanks separate, `#`
 * starts a comment, `\` escapes, "…" expands variables, '…' nothing. A variable that is not known stays as written.
 * Never fails: a text that HAProxy would refuse gives the words it would have seen. Both branches of `.if` are read.
 */
export const parseLines = (text: string, env?: Environment): Generator<Line> => readLines(text, env, () => false);

/** The same without lines that are plainly those of servers, but for peers: all but a few of the largest texts. */
export const parseFrameLines = (text: string, env?: Environment): Generator<Line> =>
  readLines(text, env, (line, {kind}) => kind !== 'peers' && SERVER.test(line));

const SERVER = /^[ \t]*server[ \t]/;

function* readLines(
  text: string,
  env: Environment | undefined,
  isSkipped: (line: string, section: Section) => boolean,
): Generator<Line> {
  const given = Object.entries(env ?? {}).filter((entry): entry is [string, string] => entry[1] !== undefined);
  let variables: HaproxyEnvironment = {known: new Map(given), complete: env !== undefined};
  let section: Section = {kind: '', name: ''};
  let offset = 0;
  for (const [index, line] of text.split('\n').entries()) {
    const start = offset;
    offset += line.length + 1;
    if (isSkipped(line, section)) continue;
    const words = readWords(line, start, variables);
    const [first, second, third] = words.map(word => word.text);
    if (first === undefined) continue;
    if (SECTIONS.has(first)) section = {kind: first, name: second ?? ''};
    yield {number: index + 1, section, words, variables};
    if (section.kind === 'global' && second !== undefined) variables = nextVariables(variables, first, second, third);
  }
}
