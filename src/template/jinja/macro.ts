import {Dict} from '../python/dict.ts';
import {raise} from '../python/fault.ts';
import {quoted} from '../python/print.ts';
import {type Keywords, Markup, type Thing, Tuple, Undefined, type Value} from '../python/value.ts';
import type {Run} from './run.ts';

/** What a macro's compiled body needs to know of its definition. */
export interface MacroShape {
  /** Null for a call block's caller. */
  readonly name: string | null;
  readonly parameters: readonly string[];
  readonly catchesKeywords: boolean;
  readonly catchesMore: boolean;
  readonly takesCaller: boolean;
}

/** A call's arguments, bound; undefined where none was given. */
export interface MacroArguments {
  readonly values: readonly (Value | undefined)[];
  readonly caller: Value;
  readonly keywords: Value;
  readonly more: Value;
}

/** Jinja2's `Macro`: binds arguments as it does, prints what `body` writes. */
export class Macro implements Thing {
  readonly typeName = 'Macro';
  readonly #shape: MacroShape;
  readonly #run: Run;
  readonly #body: (args: MacroArguments) => string;

  constructor(shape: MacroShape, run: Run, body: (args: MacroArguments) => string) {
    this.#shape = shape;
    this.#run = run;
    this.#body = body;
  }

  call(args: readonly Value[], keywords: Keywords): Value {
    this.#run.step();
    const {autoescape} = this.#run;
    const text = this.#body(this.#bind(args, new Map(keywords)));
    return autoescape ? new Markup(text) : text;
  }

  #bind(args: readonly Value[], left: Map<string, Value>): MacroArguments {
    const {name, parameters, catchesKeywords, catchesMore, takesCaller} = this.#shape;
    const values: (Value | undefined)[] = args.slice(0, parameters.length);
    let foundCaller = values.length === parameters.length && parameters.includes('caller');
    for (const parameter of parameters.slice(values.length)) {
      values.push(left.get(parameter));
      left.delete(parameter);
      if (parameter === 'caller') foundCaller = true;
    }
    let caller: Value = null;
    if (takesCaller && !foundCaller) {
      caller = left.get('caller') ?? new Undefined('No caller defined');
      left.delete('caller');
    }
    const label = name === null ? 'None' : quoted(name);
    if (!catchesKeywords && left.size > 0) {
      const [first = ''] = left.keys();
      raise('TypeError', `macro ${label} takes no keyword argument ${quoted(first)}`);
    }
    if (!catchesMore && args.length > parameters.length) {
      raise('TypeError', `macro ${label} takes not more than ${parameters.length} argument(s)`);
    }
    return {values, caller, keywords: new Dict(left), more: new Tuple(args.slice(parameters.length))};
  }

  attribute(name: string): Value | undefined {
    const {parameters} = this.#shape;
    switch (name) {
      case 'name':
        return this.#shape.name;
      case 'arguments':
        return new Tuple(parameters);
      case 'catch_kwargs':
        return this.#shape.catchesKeywords;
      case 'catch_varargs':
        return this.#shape.catchesMore;
      case 'caller':
        return this.#shape.takesCaller;
      case 'explicit_caller':
        return parameters.includes('caller');
      default:
        return undefined;
    }
  }

  text(): string {
    const {name} = this.#shape;
    return `<Macro ${name === null ? 'anonymous' : quoted(name)}>`;
  }
}
