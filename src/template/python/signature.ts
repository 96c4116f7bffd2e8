import {raise} from './fault.ts';
import {Float, type Keywords, NO_KEYWORDS, type Value} from './value.ts';

interface Parameter {
  readonly name: string;
  readonly fallback: Value | undefined;
  readonly positionalOnly: boolean;
}

/** A builtin's parameters, parsed from Python's own notation. */
export interface Signature {
  readonly parameters: readonly Parameter[];
  readonly takesMore: boolean;
  readonly takesKeywords: boolean;
}

const CONSTANTS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['None', null],
  ['True', true],
  ['False', false],
]);

function parseDefault(text: string): Value {
  const constant = CONSTANTS.get(text);
  if (constant !== undefined) return constant;
  if (text.startsWith("'")) return text.slice(1, -1);
  return text.includes('.') ? new Float(Number(text)) : Number(text);
}

/** Reads `"s width=4 / first=False *args **kwargs"`: names, defaults, `/` after those that have no name for the caller. */
export function parseSignature(text: string): Signature {
  const words = text.split(' ').filter(word => word !== '');
  const slash = words.indexOf('/');
  const named = words.filter(word => !word.startsWith('*') && word !== '/');
  return {
    parameters: named.map((word, index) => {
      const [name = '', fallback] = word.split('=');
      return {
        name,
        fallback: fallback === undefined ? undefined : parseDefault(fallback),
        positionalOnly: index < slash,
      };
    }),
    takesMore: words.some(word => /^\*[a-z]/.test(word)),
    takesKeywords: words.some(word => word.startsWith('**')),
  };
}

/** What a call gives each parameter. `more` and `keywords` hold what `*args` and `**kwargs` took. */
export interface Bound {
  readonly values: readonly Value[];
  readonly more: readonly Value[];
  readonly keywords: Keywords;
}

/** Binds a call's arguments as Python does. Raises TypeError for one too many, one missing, one unknown. */
export function bindArguments(
  name: string,
  {parameters, takesMore, takesKeywords}: Signature,
  args: readonly Value[],
  keywords: Keywords,
): Bound {
  if (args.length > parameters.length && !takesMore) {
    raise('TypeError', `${name}() takes at most ${parameters.length} arguments (${args.length} given)`);
  }
  const values: Value[] = [];
  let used = 0;
  for (const [index, {name: parameter, fallback, positionalOnly}] of parameters.entries()) {
    const keyword = keywords.size === 0 || positionalOnly ? undefined : keywords.get(parameter);
    if (keyword !== undefined) used++;
    if (index < args.length) {
      if (keyword !== undefined) raise('TypeError', `${name}() got multiple values for argument '${parameter}'`);
      values.push(args[index] ?? null);
    } else {
      const value = keyword === undefined ? fallback : keyword;
      if (value === undefined) raise('TypeError', `${name}() missing required argument '${parameter}'`);
      values.push(value);
    }
  }
  const more = args.slice(parameters.length);
  if (used === keywords.size && !takesKeywords) return {values, more, keywords: NO_KEYWORDS};
  const known = new Set(parameters.filter(parameter => !parameter.positionalOnly).map(parameter => parameter.name));
  const left = new Map([...keywords].filter(([keyword]) => !known.has(keyword)));
  if (left.size > 0 && !takesKeywords) {
    raise('TypeError', `${name}() got an unexpected keyword argument '${[...left.keys()][0]}'`);
  }
  return {values, more, keywords: left};
}
