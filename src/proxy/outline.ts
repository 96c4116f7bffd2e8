import {atOnce, STEP, type Steps} from '../steps.ts';
import {parseLines} from './lines.ts';
import {parseServerLine, type ServerLine} from './server-line.ts';

/** What a text means, as far as two texts are compared: its lines without blanks and comments, servers apart. */
export interface Outline {
  /** Every line but those of servers, each as its words. */
  readonly frame: readonly FrameLine[];
  readonly backends: readonly Backend[];
}

export interface FrameLine {
  readonly section: string;
  readonly words: readonly string[];
}

/** A `backend` or `listen` section with its servers. */
export interface Backend {
  readonly name: string;
  readonly servers: readonly ServerLine[];
  /** First words of all lines in effect: its own, and of the `defaults` that hold for it. */
  readonly keywords: ReadonlySet<string>;
  /** The algorithm in effect, HAProxy's default where none is set, with its arguments: `hash`, `uri`, `random(2)`. */
  readonly balance: string;
  /** `hash-type` in effect. */
  readonly hashType: readonly string[];
  /** It takes its defaults by name (2.4+): what holds for it is not followed here. */
  readonly namedDefaults: boolean;
}

interface Settings {
  readonly keywords: Set<string>;
  balance: string;
  hashType: readonly string[];
  defaultServer: readonly string[];
}

const freshSettings = (): Settings => ({
  keywords: new Set(),
  balance: 'roundrobin',
  hashType: [],
  defaultServer: [],
});

const copyOf = (settings: Settings): Settings => ({...settings, keywords: new Set(settings.keywords)});

const HOLDERS = new Set(['backend', 'listen']);

/** Reads a text for comparison. A `server` line elsewhere (peers, rings) is a line like any other. */
export const parseOutline = (text: string): Outline => atOnce(readOutline(text));

/** The same, in steps. */
export function* readOutline(text: string): Steps<Outline> {
  const frame: FrameLine[] = [];
  const backends: (Backend & {readonly servers: ServerLine[]})[] = [];
  let defaults = freshSettings();
  let settings = freshSettings();
  let namedDefaults = false;
  let section: unknown;
  let current: (typeof backends)[number] | undefined;
  for (const line of parseLines(text)) {
    if (line.number % STEP === 0) yield;
    const words = line.words.map(word => word.text);
    const [first = '', ...rest] = words;
    const {kind, name} = line.section;
    if (line.section !== section) {
      section = line.section;
      current = undefined;
      if (kind === 'defaults') {
        defaults = freshSettings();
        settings = defaults;
        namedDefaults ||= rest.length > 0;
      } else {
        settings = copyOf(defaults);
      }
      if (HOLDERS.has(kind)) {
        const fixed = settings;
        current = {
          name,
          servers: [],
          keywords: fixed.keywords,
          get balance() {
            return fixed.balance;
          },
          get hashType() {
            return fixed.hashType;
          },
          namedDefaults: namedDefaults || rest.includes('from'),
        };
        backends.push(current);
      }
    } else {
      settings.keywords.add(first);
      if (first === 'balance') settings.balance = rest[0] ?? settings.balance;
      if (first === 'hash-type') settings.hashType = rest;
      if (first === 'default-server') settings.defaultServer = [...settings.defaultServer, ...rest];
    }
    if (current !== undefined && first === 'server') {
      current.servers.push(parseServerLine(line, settings.defaultServer));
      continue;
    }
    frame.push({section: `${kind} ${name}`.trim(), words});
  }
  return {frame, backends};
}
