import {atOnce, STEP, type Steps} from '../steps.ts';
import {parseLines} from './lines.ts';
import {parseServerLine, type ServerLine} from './server-line.ts';
import type {Word} from './words.ts';

/** The words of a line. */
export type Words = readonly string[];

/** What a text means, as far as two texts are compared: its lines without blanks and comments, servers apart. */
export interface Outline {
  /** Every line but those of servers, each as its words. */
  readonly frame: readonly FrameLine[];
  readonly backends: readonly Backend[];
  /** It says `.if`: which of its lines hold is not followed here. */
  readonly hasConditions: boolean;
}

export interface FrameLine {
  readonly section: string;
  readonly words: Words;
}

/** A `backend` or `listen` section with its servers. */
export interface Backend {
  readonly name: string;
  readonly servers: readonly ServerLine[];
  /** Its `server-template` lines, which are among the frame's as well. */
  readonly templates: readonly ServerTemplate[];
  /** Lines in effect from the `defaults` that hold for it, the farthest first. */
  readonly inherited: readonly Words[];
  /** Its own lines but those of its servers. */
  readonly own: readonly Words[];
}

/** Several servers in one line: how many, or from which number to which, and what each is but for its name's number. */
export interface ServerTemplate {
  readonly range: string;
  readonly line: ServerLine;
}

/** What a section hands down to those that follow it. */
interface Settings {
  readonly inherited: readonly Words[];
  readonly own: Words[];
  defaultServer: Words;
}

const NOTHING: Settings = {inherited: [], own: [], defaultServer: []};

const isUnder = ({inherited, own, defaultServer}: Settings): Settings => ({
  inherited: own.length === 0 ? inherited : [...inherited, ...own],
  own: [],
  defaultServer,
});

const HOLDERS = new Set(['backend', 'listen']);

/** `from NAME` (2.4+) comes after the section's own name, if it has one. */
const parentName = (words: Words): string | undefined => {
  const index = words.lastIndexOf('from');
  return index < 1 ? undefined : words[index + 1];
};

/** Quotes decide whether `$X` is a variable, whose value is not known here: such a word is what is written. */
const meaningOf = ({text, start, end}: Word, source: string): string =>
  text.includes('$') ? source.slice(start, end) : text;

const readTemplate = ([first = '', prefix = '', range = '', ...rest]: Words, defaults: Words): ServerTemplate => ({
  range,
  line: parseServerLine([first, prefix, ...rest], defaults),
});

/** Reads a text for comparison. A `server` line elsewhere (peers, rings) is a line like any other. */
export const parseOutline = (text: string): Outline => atOnce(readOutline(text));

/** The same, in steps. */
export function* readOutline(text: string): Steps<Outline> {
  const frame: FrameLine[] = [];
  const backends: (Backend & {readonly servers: ServerLine[]; readonly templates: ServerTemplate[]})[] = [];
  const named = new Map<string, Settings>();
  let defaults = NOTHING;
  let settings = isUnder(NOTHING);
  let hasConditions = false;
  let section: unknown;
  let label = '';
  let current: (typeof backends)[number] | undefined;
  for (const line of parseLines(text)) {
    if (line.number % STEP === 0) yield;
    const words = line.words.map(word => meaningOf(word, text));
    const [first = '', ...rest] = words;
    const {kind, name} = line.section;
    if (line.section !== section) {
      section = line.section;
      label = `${kind} ${name}`.trim();
      current = undefined;
      const parent = parentName(words);
      const upper = parent === undefined ? undefined : named.get(parent);
      settings = isUnder(upper ?? (kind === 'defaults' ? NOTHING : defaults));
      if (kind === 'defaults') {
        defaults = settings;
        if (name !== '' && name !== 'from') named.set(name, settings);
      }
      if (HOLDERS.has(kind)) {
        current = {name, servers: [], templates: [], inherited: settings.inherited, own: settings.own};
        backends.push(current);
      }
    } else if (current !== undefined && first === 'server') {
      current.servers.push(parseServerLine(words, settings.defaultServer));
      continue;
    } else {
      if (first === 'server-template') current?.templates.push(readTemplate(words, settings.defaultServer));
      settings.own.push(words);
      if (first === 'default-server') settings.defaultServer = [...settings.defaultServer, ...rest];
    }
    hasConditions ||= first.startsWith('.');
    frame.push({section: label, words});
  }
  return {frame, backends, hasConditions};
}

/** Reads as `readOutline` does, and remembers the last: a text that is compared with the one before is the one before soon. */
export function createOutlineReader(): typeof readOutline {
  let last: {readonly text: string; readonly outline: Outline} | undefined;
  return function* read(text) {
    if (last?.text !== text) last = {text, outline: yield* readOutline(text)};
    return last.outline;
  };
}
