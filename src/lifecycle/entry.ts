import {type Document, isMap, isNode, isScalar, LineCounter, parseDocument, visit} from 'yaml';
import {DaemonError} from '../errors.ts';

/** A mapping of a YAML file, with the place of its keys for whoever has to complain. */
export interface YamlMapping {
  readonly value: Readonly<Record<string, unknown>>;
  /** Throws a `LIFECYCLE` error that names file, line and key. Without a key it is about the mapping as a whole. */
  refuse(key: string | undefined, reason: string): never;
  /** `file: line n: key: reason`, for what is only strange. */
  describe(key: string, reason: string): string;
  /** The mappings in a list under `key`; refuses what is none, `what` says what each should be. */
  list(key: string, what: string): YamlMapping[];
}

/** Complains about the keys of a mapping that are not among the known ones. */
export type KeyCheck = (entry: YamlMapping, known: readonly string[], what: string) => void;

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** YAML 1.1, as the old automaton read it: `yes` and `on` are true, `<<` merges. `path` is only for messages. */
export function parseEntry(text: string, path: string): YamlMapping {
  const lines = new LineCounter();
  const document = parseDocument(text, {lineCounter: lines, prettyErrors: false, version: '1.1'});
  const at = (offset: number | undefined): string =>
    `${path}: line ${offset === undefined ? 1 : lines.linePos(offset).line}`;
  const fail = (offset: number | undefined, reason: string): never => {
    throw new DaemonError('LIFECYCLE', `cannot read ${at(offset)}: ${reason}`);
  };
  const syntaxFault = document.errors[0];
  if (syntaxFault !== undefined) fail(syntaxFault.pos[0], syntaxFault.message);
  const strangeKey = findStrangeKey(document);
  if (strangeKey !== undefined) fail(strangeKey.offset, 'a key is a word, not a list or a mapping');
  let root: unknown;
  try {
    root = document.toJS();
  } catch (error) {
    fail(undefined, error instanceof Error ? error.message : String(error));
  }

  /** Where a key stands, or what it is part of when it does not. */
  const offsetOf = (keys: readonly (string | number)[]): number | undefined => {
    const parent = document.getIn(keys.slice(0, -1), true);
    const key = keys.at(-1);
    if (isMap(parent)) {
      const pair = parent.items.find(item => isScalar(item.key) && item.key.value === key);
      if (isScalar(pair?.key)) return pair.key.range?.[0];
      return parent.range?.[0];
    }
    const node: unknown = document.getIn(keys, true);
    return isRecord(node) && Array.isArray(node.range) ? node.range[0] : undefined;
  };

  const entryAt = (keys: readonly (string | number)[], value: Record<string, unknown>): YamlMapping => ({
    value,
    refuse: (key, reason) =>
      fail(offsetOf(key === undefined ? keys : [...keys, key]), key === undefined ? reason : `${key}: ${reason}`),
    describe: (key, reason) => `${at(offsetOf([...keys, key]))}: ${key}: ${reason}`,
    list(key, what) {
      const listed = value[key];
      if (!Array.isArray(listed)) return this.refuse(key, `expected a list of ${what}s`);
      return listed.map((item: unknown, index) => {
        const place = [...keys, key, index];
        return isRecord(item)
          ? entryAt(place, item)
          : fail(offsetOf(place), `${key}[${index}]: expected a ${what}, a mapping of keys`);
      });
    },
  });

  return isRecord(root) ? entryAt([], root) : fail(undefined, 'expected the keys initial, terminal and states');
}

/**
 * A key that is a list or a mapping means nothing here, and nested in each other they take the library more than the
 * square of their number to write out.
 */
function findStrangeKey(document: Document.Parsed): {offset: number | undefined} | undefined {
  let found: {offset: number | undefined} | undefined;
  visit(document, {
    Pair(_, {key}) {
      if (key === null || isScalar(key)) return undefined;
      found = {offset: isNode(key) ? key.range?.[0] : undefined};
      return visit.BREAK;
    },
  });
  return found;
}

/** A key without a value counts as absent, as it did in 2017. */
export const withoutNulls = (value: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));

export const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(entry => typeof entry === 'string');
