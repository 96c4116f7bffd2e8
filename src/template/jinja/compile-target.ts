import {Fault, raise} from '../python/fault.ts';
import {iterate} from '../python/iterate.ts';
import {typeName} from '../python/type-name.ts';
import type {Value} from '../python/value.ts';
import {type Frame, peekAt, writer} from './frame.ts';
import {Namespace} from './namespace.ts';
import type {Target} from './nodes.ts';
import type {Activation} from './run.ts';

/** Assigns what `evaluate` gives; a namespace is looked for before that. */
export type Assign = (activation: Activation, evaluate: () => Value) => void;

/** Makes the assignment to a target. At the top of a template it is exported to the context too. */
export function compileTarget(target: Target, frame: Frame): Assign {
  if (target.typename !== 'NamespaceTarget') {
    const store = compileStore(target, frame);
    return (activation, evaluate) => store(activation, evaluate());
  }
  const peek = peekAt(frame.symbols.scope, frame.symbols.ref(target.name));
  return (activation, evaluate) => {
    const namespace = peek(activation);
    if (!(namespace instanceof Namespace)) raise('RuntimeError', 'cannot assign attribute on non-namespace object');
    namespace.set(target.attribute, evaluate());
  };
}

/** Stores one value: in a name, or unpacked in several. Raises ValueError when it has too few or too many elements. */
export function compileStore(target: Target, frame: Frame): (activation: Activation, value: Value) => void {
  if (target.typename === 'Symbol') {
    const {value: name} = target;
    const write = writer(frame, frame.symbols.ref(name));
    if (!frame.isTop) return write;
    return (activation, value) => {
      write(activation, value);
      activation.context.export(name, value);
    };
  }
  if (target.typename !== 'Targets') throw new Fault('SyntaxError', 'cannot assign to an attribute here', target);
  const stores = target.children.map(child => compileStore(child, frame));
  return (activation, value) => {
    const values = unpack(value, stores.length);
    for (const [index, store] of stores.entries()) store(activation, values[index] ?? null);
  };
}

function unpack(value: Value, count: number): Value[] {
  const values: Value[] = [];
  for (const item of unpackable(value)) {
    values.push(item);
    if (values.length > count) raise('ValueError', `too many values to unpack (expected ${count})`);
  }
  if (values.length < count)
    raise('ValueError', `not enough values to unpack (expected ${count}, got ${values.length})`);
  return values;
}

function unpackable(value: Value): Iterable<Value> {
  try {
    return iterate(value);
  } catch (error) {
    if (!(error instanceof Fault) || error.kind !== 'TypeError') throw error;
    return raise('TypeError', `cannot unpack non-iterable ${typeName(value)} object`);
  }
}
