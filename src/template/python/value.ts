import type {Dict} from './dict.ts';

/**
 * What a template computes with. Python's `None`, `bool`, `str` and `list` are JavaScript's; an `int` is a `number`
 * while that is exact and a `bigint` beyond (`integer.ts` keeps it so); all else is a class of ours. JavaScript's own
 * properties are never looked up by a template's names: attributes come from the tables in `attributes.ts`.
 */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Value[]
  | Float
  | Markup
  | Tuple
  | Dict
  | Undefined
  | Thing;

/** Keyword arguments by name, in the order given. */
export type Keywords = ReadonlyMap<string, Value>;
export const NO_KEYWORDS: Keywords = new Map();

/** Any other Python object: functions, views, iterators, macros, loops. What a field's absence refuses, Python refuses. */
export interface Thing {
  /** Python's name of the type, as its messages have it. */
  readonly typeName: string;
  attribute?(name: string): Value | undefined;
  call?(args: readonly Value[], keywords: Keywords): Value;
  iterate?(): Iterator<Value>;
  length?(): number;
  /** Element by key; undefined where Python raises IndexError, KeyError or TypeError. */
  item?(key: Value): Value | undefined;
  contains?(value: Value): boolean;
  equals?(other: Value): boolean | undefined;
  text(): string;
}

/** A Python `float`, apart from `int` because `3.0` prints as `3.0`. */
export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** A `str` that is HTML already (markupsafe): what joins it is escaped. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A Python `tuple`; with `names`, a named one (`groupby`). */
export class Tuple {
  readonly items: readonly Value[];
  readonly names: readonly string[];
  constructor(items: readonly Value[], names: readonly string[] = []) {
    this.items = items;
    this.names = names;
  }
}

/** Jinja2's undefined: prints as nothing, is empty and false, and raises with `reason` when it is used. */
export class Undefined {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

/** A value, or what stands in for an absent one: None (`null`) is a value, so `??` would not do. */
export const orElse = <T extends Value | undefined>(value: Value | undefined, absent: () => T): Value | T =>
  value === undefined ? absent() : value;

/** Text of a `str` or `Markup`; undefined for all else. */
export const textOf = (value: Value): string | undefined =>
  typeof value === 'string' ? value : value instanceof Markup ? value.text : undefined;
