import {Fault, raise} from '../python/fault.ts';
import {iterate} from '../python/iterate.ts';
import {typeName} from '../python/type-name.ts';
import type {Value} from '../python/value.ts';
import {type Frame, peekAt, writer} from './frame.ts';
import {Namespace} from './namespace.ts';
import type {NamespaceTarget, Target} from './nodes.ts';
import type {Activation} from './run.ts';

/** Assigns what `evaluate` gives; a namespace is looked for before that. */
export type Assign = (activation: Activation, evaluate: () => Value) => void;

/** Makes the assignment to a target. At the top of a template it is exported to the context too. */
export function compileTarget(target: Target, frame: Frame): Assign {
  const checks = namespacesIn(target).map(one => namespaceReader(one, frame));
  const store = compileStore(target, frame);
  return (activation, evaluate) => {
    for (const check of checks) check(activation);
    store(activation, evaluate());
  };
}

const namespacesIn = (target: Target): NamespaceTarget[] => {
  if (target.typename === 'NamespaceTarget') return [target];
  return target.typename === 'Targets' ? target.children.flatMap(namespacesIn) : [];
};

function namespaceReader({name}: NamespaceTarget, frame: Frame): (activation: Activation) => Namespace {
  const peek = peekAt(frame.symbols.scope, frame.symbols.ref(name));
  return activation => {
    const namespace = peek(activation);
    if (namespace instanceof Namespace) return namespace;
    return raise('RuntimeError', 'cannot assign attribute on non-namespace object');
  };
}

/**
 * Stores one value: in a name, in a namespace, or unpacked in several. Raises ValueError when it has too few or too many
 * elements.
 */
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
  if (target.typename === 'NamespaceTarget') {
    const read = namespaceReader(target, frame);
    return (activation, value) => read(activation).set(target.attribute, value);
  }
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
