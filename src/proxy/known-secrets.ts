import {createHider} from './hide-secrets.ts';
import {secretsOf} from './redact.ts';
import {secretsOfTemplate} from './template-secrets.ts';

/** So many texts are remembered: what HAProxy writes of one may come when others have been tried since. */
const MAX_TEXTS = 16;

/** The secrets of the last configurations and templates, for whoever is about to say something of them. */
export interface KnownSecrets {
  learn(configuration: string): void;
  learnTemplate(template: string): void;
  /** What is said, with `***` for every secret in it. */
  hide(said: string): string;
  /** The same for every string in a value of JSON but for names; all else stays. */
  hideInValue(value: Json): Json;
  /** The same for a line of JSON: names, numbers and the constant message stay, so that it is JSON still. */
  hideInLine(line: string): string;
}

type Json = null | boolean | number | string | readonly Json[] | {readonly [name: string]: Json};

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

/** Members of a log line that we write ourselves. */
const OURS = ['level', 'time', 'room', 'msg'];

export function createKnownSecrets(): KnownSecrets {
  /** The newest last. */
  const learnt = new Map<string, ReadonlySet<string>>();
  let hide: ((said: string) => string) | undefined;

  const learn = (text: string, read: (text: string) => ReadonlySet<string>): void => {
    const secrets = learnt.get(text) ?? read(text);
    const isKnown = learnt.delete(text);
    learnt.set(text, secrets);
    if (isKnown) return;
    for (const oldest of [...learnt.keys()].slice(0, -MAX_TEXTS)) learnt.delete(oldest);
    hide = undefined;
  };

  const hideNow = (said: string): string => {
    hide ??= createHider(new Set([...learnt.values()].flatMap(secrets => [...secrets])));
    return hide(said);
  };

  const hideIn = (value: Json): Json => {
    if (typeof value === 'string') return hideNow(value);
    if (typeof value !== 'object' || value === null) return value;
    if (isList(value)) return value.map(hideIn);
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, hideIn(inner)]));
  };

  return {
    learn: configuration => learn(configuration, secretsOf),
    learnTemplate: template => learn(template, secretsOfTemplate),
    hide: hideNow,
    hideInValue: hideIn,
    hideInLine(line) {
      // A line that HAProxy quotes is found in the text itself.
      if (hideNow(line) === line && !line.includes('  ')) return line;
      const fields: Readonly<Record<string, Json>> = JSON.parse(line);
      const shown = Object.entries(fields).map(([name, value]) => [name, OURS.includes(name) ? value : hideIn(value)]);
      return `${JSON.stringify(Object.fromEntries(shown))}\n`;
    },
  };
}
