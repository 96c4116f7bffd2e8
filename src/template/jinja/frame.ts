import {Fault} from '../python/fault.ts';
import {Undefined, type Value} from '../python/value.ts';
import type {At} from './nodes.ts';
import type {Activation} from './run.ts';
import {FunctionScope, type Slot, type SlotStart, Symbols} from './symbols.ts';

export type Evaluate = (activation: Activation) => Value;
export type Execute = (activation: Activation) => void;

/** Jinja2's compile-time `eval_ctx`: whether text is escaped; volatile once only the render knows. */
export interface Escaping {
  autoescape: boolean;
  volatile: boolean;
}

/** Jinja2's compile-time `Frame`: where a statement stands, which decides what its names mean. */
export interface Frame {
  readonly symbols: Symbols;
  readonly escaping: Escaping;
  /** At the top of the template, or in an `if` there: assignments are exported to the context. */
  readonly isTop: boolean;
  /** In an `if` or an inline one: an unknown filter raises only when it is reached. */
  readonly isSoft: boolean;
  /** In an expression that is evaluated as Jinja2's optimizer would, ahead of the render. */
  readonly isAhead?: boolean;
}

export const innerFrame = (frame: Frame): Frame => ({
  symbols: new Symbols(frame.symbols.scope, frame.symbols),
  escaping: frame.escaping,
  isTop: false,
  isSoft: false,
});

/** The frame of a function within this one. */
export const functionFrame = (frame: Frame, scope = new FunctionScope(frame.symbols.scope)): Frame => ({
  ...innerFrame(frame),
  symbols: new Symbols(scope, frame.symbols),
});

export const softFrame = (frame: Frame): Frame => ({...frame, isSoft: true});

/** Where a slot lies, seen from a function. */
function activationOf(scope: FunctionScope, slot: Slot): (activation: Activation) => Activation {
  const hops = scope.hopsTo(slot);
  if (hops === 0) return activation => activation;
  return activation => {
    let found = activation;
    for (let hop = 0; hop < hops && found.parent !== undefined; hop++) found = found.parent;
    return found;
  };
}

/** Reads a variable that may not have a value yet. */
export function peekAt(scope: FunctionScope, slot: Slot): (activation: Activation) => Value | undefined {
  const {index} = slot;
  if (scope === slot.scope) return activation => activation.slots[index];
  const find = activationOf(scope, slot);
  return activation => find(activation).slots[index];
}

/** Reads a name; an Undefined when it has no value. */
export function reader(frame: Frame, name: string): Evaluate {
  const slot = frame.symbols.ref(name);
  const reason = `'${name}' is undefined`;
  const peek = peekAt(frame.symbols.scope, slot);
  return activation => {
    const value = peek(activation);
    return value === undefined ? new Undefined(reason) : value;
  };
}

export function writer(frame: Frame, slot: Slot): (activation: Activation, value: Value | undefined) => void {
  const {index} = slot;
  if (frame.symbols.scope === slot.scope) {
    return (activation, value) => {
      activation.slots[index] = value;
    };
  }
  const find = activationOf(frame.symbols.scope, slot);
  return (activation, value) => {
    find(activation).slots[index] = value;
  };
}

/** Gives the frame's variables their first values. To be made once the frame is analysed. */
export function enterFrame({symbols}: Frame): Execute {
  const steps: Execute[] = [];
  for (const [{index}, load] of symbols.loads) {
    if (load.is === 'param') continue;
    const first = firstValue(symbols, load);
    steps.push(activation => {
      activation.slots[index] = first(activation);
    });
  }
  return sequence(steps);
}

function firstValue(
  {scope}: Symbols,
  load: Exclude<SlotStart, {is: 'param'}>,
): (activation: Activation) => Value | undefined {
  switch (load.is) {
    case 'undefined':
      return () => undefined;
    case 'resolve': {
      const {name} = load;
      return activation => activation.context.resolve(name);
    }
    case 'alias':
      return peekAt(scope, load.slot);
  }
}

/** Takes the frame's variables their values, so that the next frame at this level does not see them. */
export function leaveFrame({symbols}: Frame): Execute {
  const indices = [...symbols.loads.keys()].map(slot => slot.index);
  return activation => {
    for (const index of indices) activation.slots[index] = undefined;
  };
}

/** One after another. */
export function sequence(steps: readonly Execute[]): Execute {
  const [first, second] = steps;
  if (first === undefined) return () => {};
  if (steps.length === 1) return first;
  if (steps.length === 2 && second !== undefined) {
    return activation => {
      first(activation);
      second(activation);
    };
  }
  return activation => {
    for (const step of steps) step(activation);
  };
}

/** The same work; what it raises gets a place, unless it has one. */
export function located<T>(at: At, work: (activation: Activation) => T): (activation: Activation) => T {
  return activation => {
    try {
      return work(activation);
    } catch (error) {
      const fault = faultOf(error);
      if (fault instanceof Fault) fault.at ??= {lineno: at.lineno, colno: at.colno};
      throw fault;
    }
  };
}

/** What JavaScript refuses as too deep or too long is a fault of the template; anything else stays what it is. */
export function faultOf(error: unknown): unknown {
  if (!(error instanceof RangeError)) return error;
  const isDepth = error.message.includes('call stack');
  return new Fault(
    isDepth ? 'RuntimeError' : 'LimitError',
    isDepth ? 'maximum recursion depth exceeded' : error.message,
  );
}

/** Refuses at compile time what Jinja2 refuses then. */
export function refuse(message: string, at: At): never {
  throw new Fault('SyntaxError', message, {lineno: at.lineno, colno: at.colno});
}
