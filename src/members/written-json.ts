/**
 * JSON as it was written, which JavaScript's values do not keep: a number is its source text (`1.0`, `1e3`, more digits
 * than a double has), an object a Map in the order of its keys (`"10"` stays where it stood). Of keys that come twice
 * the last value counts, at the first one's place, as in Python.
 */
export type Written = string | boolean | null | WrittenNumber | readonly Written[] | ReadonlyMap<string, Written>;

export interface WrittenNumber {
  readonly source: string;
}

export const isList = (written: Written): written is readonly Written[] => Array.isArray(written);

export const isObject = (written: Written): written is ReadonlyMap<string, Written> => written instanceof Map;

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|true|false|null|[[\]{}]/g;

const WORDS: Readonly<Record<string, boolean | null>> = {true: true, false: false, null: null};

/** A list or an object that is not closed yet. */
type Open =
  | {readonly is: 'list'; readonly items: Written[]}
  | {readonly is: 'object'; readonly entries: Map<string, Written>; key: string | undefined};

/** Reads a text that `JSON.parse` accepts; however deep it nests, it takes no stack. */
export function readWritten(text: string): Written {
  const open: Open[] = [];
  let whole: Written = null;
  const put = (value: Written): void => {
    const within = open.at(-1);
    if (within === undefined) whole = value;
    else if (within.is === 'list') within.items.push(value);
    else if (within.key !== undefined) {
      within.entries.set(within.key, value);
      within.key = undefined;
    } else if (typeof value === 'string') within.key = value;
  };
  for (const [token] of text.matchAll(TOKEN)) {
    const first = token.charAt(0);
    if (first === '{') open.push({is: 'object', entries: new Map(), key: undefined});
    else if (first === '[') open.push({is: 'list', items: []});
    else if (first === '}' || first === ']') {
      const closed = open.pop();
      if (closed !== undefined) put(closed.is === 'list' ? closed.items : closed.entries);
    } else if (first === '"') put(JSON.parse(token));
    else put(WORDS[token] ?? (token === 'null' ? null : {source: token}));
  }
  return whole;
}
