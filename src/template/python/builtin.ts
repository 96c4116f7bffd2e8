import {raise} from './fault.ts';
import {asInt, type Int} from './integer.ts';
import {bindArguments, parseSignature, type Signature} from './signature.ts';
import {typeName} from './type-name.ts';
import {type Keywords, type Thing, textOf, Undefined, type Value} from './value.ts';

/** A method's work: itself, its parameters in order, then what `*args` and `**kwargs` took. */
export type MethodWork<Self> = (
  self: Self,
  values: readonly Value[],
  more: readonly Value[],
  keywords: Keywords,
) => Value;

/** The methods of one Python type by name. */
export type Methods<Self> = ReadonlyMap<string, (self: Self) => Thing>;

/** A table of methods from `name: [signature, work]`; signatures as `parseSignature` reads them. */
export function methodTable<Self>(
  type: string,
  table: Readonly<Record<string, readonly [signature: string, work: MethodWork<Self>]>>,
): Methods<Self> {
  const entries = Object.entries(table).map(([name, [text, work]]) => {
    const signature = parseSignature(text);
    const bind = (self: Self): Thing => boundMethod(`${type}.${name}`, signature, self, work);
    return [name, bind] as const;
  });
  return new Map(entries);
}

function boundMethod<Self>(name: string, signature: Signature, self: Self, work: MethodWork<Self>): Thing {
  return {
    typeName: 'builtin_function_or_method',
    call(args, keywords) {
      const bound = bindArguments(name, signature, args, keywords);
      return work(self, bound.values, bound.more, bound.keywords);
    },
    text: () => `<built-in method ${name}>`,
  };
}

/** A function of the template's globals; a class among them prints as one. */
export function callable(
  name: string,
  text: string,
  work: (values: readonly Value[], more: readonly Value[], keywords: Keywords) => Value,
  printed = `<function ${name}>`,
): Thing {
  const signature = parseSignature(text);
  return {
    typeName: 'function',
    call(args, keywords) {
      const bound = bindArguments(name, signature, args, keywords);
      return work(bound.values, bound.more, bound.keywords);
    },
    text: () => printed,
  };
}

/** Calls a value. Raises TypeError when it is not callable, UndefinedError when it is not defined. */
export function call(value: Value, args: readonly Value[], keywords: Keywords): Value {
  if (value instanceof Undefined) raise('UndefinedError', value.reason);
  if (isCallable(value)) return value.call(args, keywords);
  return raise('TypeError', `'${typeName(value)}' object is not callable`);
}

export const isCallable = (value: Value): value is Thing & {call: NonNullable<Thing['call']>} =>
  typeof value === 'object' && value !== null && 'call' in value && value.call !== undefined;

/** An argument that must be text. Raises TypeError else. */
export function wantText(value: Value | undefined, what = 'argument'): string {
  if (value instanceof Undefined) raise('TypeError', `${what} must be str, not Undefined: ${value.reason}`);
  return textOf(value ?? null) ?? raise('TypeError', `${what} must be str, not ${typeName(value ?? null)}`);
}

/** An argument that must be an integer. Raises TypeError else. */
export const wantInt = (value: Value | undefined): Int =>
  asInt(value ?? null) ?? raise('TypeError', `'${typeName(value ?? null)}' object cannot be interpreted as an integer`);

/** An integer argument that counts or places something: clamped to what JavaScript counts with. */
export const wantCount = (value: Value | undefined): number => {
  const int = wantInt(value);
  if (typeof int === 'number') return int;
  return int > 0n ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER;
};
