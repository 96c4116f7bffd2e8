import {
  add,
  concatenated,
  divide,
  floorDivide,
  modulo,
  multiply,
  power,
  signed,
  subtract,
} from '../python/arithmetic.ts';
import {call} from '../python/builtin.ts';
import {contains, equal, ordered} from '../python/compare.ts';
import {Dict} from '../python/dict.ts';
import {attempt, Fault, raise} from '../python/fault.ts';
import {joinMarkup} from '../python/markup.ts';
import {str} from '../python/print.ts';
import {type Slice, sliceOf} from '../python/slice.ts';
import {lookUpAttribute, lookUpItem} from '../python/subscript.ts';
import {truth} from '../python/truth.ts';
import {Markup, Tuple, textOf, Undefined, type Value} from '../python/value.ts';
import {compileArguments, compileFilter, compileTest} from './compile-call.ts';
import {isConstant, isFoldable, mayFold} from './constant.ts';
import {type Evaluate, type Frame, located, reader, softFrame} from './frame.ts';
import type {
  BinaryName,
  CallNode,
  CompareName,
  CompareNode,
  ConcatNode,
  Expression,
  InlineIfNode,
  ItemNode,
} from './nodes.ts';
import type {Activation} from './run.ts';

const BINARY: Readonly<Record<BinaryName, (a: Value, b: Value) => Value>> = {
  Add: add,
  Sub: subtract,
  Mul: multiply,
  Div: divide,
  FloorDiv: floorDivide,
  Mod: modulo,
  Pow: power,
};

const COMPARE: Readonly<Record<CompareName, (a: Value, b: Value) => boolean>> = {
  '==': equal,
  '!=': (a, b) => !equal(a, b),
  '<': (a, b) => ordered(a, b, '<'),
  '<=': (a, b) => ordered(a, b, '<='),
  '>': (a, b) => ordered(a, b, '>'),
  '>=': (a, b) => ordered(a, b, '>='),
  in: (a, b) => contains(b, a),
  'not in': (a, b) => !contains(b, a),
};

/** Makes a function that evaluates an expression in a frame: closures over closures, never source text. */
export function compileExpression(node: Expression, frame: Frame): Evaluate {
  if (frame.isAhead || !mayFold(node, frame.escaping.volatile)) return compileNode(node, frame);
  const ahead = compileNode(node, {...frame, isAhead: true});
  const later = compileNode(node, frame);
  return activation => {
    const value = attemptAny(() => ahead(activation));
    return value !== undefined && isFoldable(value) ? value : later(activation);
  };
}

/** What Jinja2's optimizer makes of an output's expression, whatever comes out of it; undefined when it raises. */
export function compileAhead(
  node: Expression,
  frame: Frame,
): ((activation: Activation) => Value | undefined) | undefined {
  if (!mayFold(node, frame.escaping.volatile)) return undefined;
  const ahead = compileNode(node, {...frame, isAhead: true});
  return activation => attemptAny(() => ahead(activation));
}

function attemptAny(work: () => Value): Value | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return undefined;
  }
}

function compileNode(node: Expression, frame: Frame): Evaluate {
  const compile = (child: Expression): Evaluate => compileExpression(child, frame);
  switch (node.typename) {
    case 'Literal': {
      const {value} = node;
      return () => value;
    }
    case 'Symbol':
      return reader(frame, node.value);
    case 'Group': {
      const items = node.children.map(compile);
      return activation => new Tuple(items.map(item => item(activation)));
    }
    case 'Array': {
      const items = node.children.map(compile);
      return activation => items.map(item => item(activation));
    }
    case 'Dict': {
      const pairs = node.children.map(pair => [compile(pair.key), compile(pair.value)] as const);
      return located(
        node,
        activation => new Dict(pairs.map(([key, value]) => [key(activation), value(activation)] as const)),
      );
    }
    case 'Attribute': {
      const [target, {name}] = [compile(node.target), node];
      return located(node, activation => lookUpAttribute(target(activation), name));
    }
    case 'LookupVal':
      return compileItem(node, frame);
    case 'FunCall':
      return compileCall(node, frame);
    case 'Filter':
      return compileFilter(node, frame);
    case 'Is':
      return compileTest(node, frame);
    case 'Not': {
      const target = compile(node.target);
      return activation => !truth(target(activation));
    }
    case 'Neg':
    case 'Pos': {
      const target = compile(node.target);
      const sign = node.typename === 'Neg' ? '-' : '+';
      return located(node, activation => signed(target(activation), sign));
    }
    case 'And': {
      const [left, right] = [compile(node.left), compile(node.right)];
      return activation => {
        const value = left(activation);
        return truth(value) ? right(activation) : value;
      };
    }
    case 'Or': {
      const [left, right] = [compile(node.left), compile(node.right)];
      return activation => {
        const value = left(activation);
        return truth(value) ? value : right(activation);
      };
    }
    case 'Concat':
      return compileConcatenation(node, frame);
    case 'Compare':
      return compileCompare(node, frame);
    case 'InlineIf':
      return compileInlineIf(node, softFrame(frame));
    default: {
      const [left, right, apply] = [compile(node.left), compile(node.right), BINARY[node.typename]];
      return located(node, activation => apply(left(activation), right(activation)));
    }
  }
}

function compileItem(node: ItemNode, frame: Frame): Evaluate {
  const target = compileExpression(node.target, frame);
  const {val} = node;
  if (val.typename !== 'Slice') {
    const key = compileExpression(val, frame);
    return located(node, activation => lookUpItem(target(activation), key(activation)));
  }
  const part = (child: Expression | null): Evaluate => (child === null ? () => null : compileExpression(child, frame));
  const [start, stop, step] = [part(val.start), part(val.stop), part(val.step)];
  const slice = (activation: Activation): Slice => ({
    start: start(activation),
    stop: stop(activation),
    step: step(activation),
  });
  if (!frame.isAhead) return located(node, activation => sliceOf(target(activation), slice(activation)));
  // The optimizer looks a slice up like an element, which may not be there.
  return activation => {
    const [value, bounds] = [target(activation), slice(activation)];
    return attempt(
      ['TypeError'],
      () => sliceOf(value, bounds),
      () => new Undefined('the value cannot be sliced'),
    );
  };
}

/** A call; `caller` evaluates the macro that a call block hands over. */
export function compileCall(node: CallNode, frame: Frame, caller?: Evaluate): Evaluate {
  const callee = compileExpression(node.name, frame);
  const bind = compileArguments(node.args, frame);
  if (caller !== undefined && node.args.keywords.some(([name]) => name === 'caller')) {
    raise('SyntaxError', 'keyword argument repeated: caller');
  }
  return located(node, activation => {
    activation.run.step();
    const target = callee(activation);
    const {args, keywords} = bind(activation);
    if (caller === undefined) return call(target, args, keywords);
    if (keywords.has('caller')) raise('TypeError', "got multiple values for keyword argument 'caller'");
    return call(target, args, new Map([...keywords, ['caller', caller(activation)]]));
  });
}

function compileConcatenation(node: ConcatNode, frame: Frame): Evaluate {
  const parts = node.parts.map(part => compileExpression(part, frame));
  const {autoescape, volatile} = frame.escaping;
  if (!autoescape || volatile || isConstant(node, volatile)) {
    return activation => concatenated(parts.map(part => str(part(activation))));
  }
  return activation => {
    const values = parts.map(part => part(activation));
    if (values.some(value => value instanceof Markup)) {
      return joinMarkup(values.map(value => (textOf(value) === undefined ? str(value) : value)));
    }
    return concatenated(values.map(str));
  };
}

function compileCompare(node: CompareNode, frame: Frame): Evaluate {
  const first = compileExpression(node.expr, frame);
  const ops = node.ops.map(op => [COMPARE[op.type], compileExpression(op.expr, frame)] as const);
  const [only] = ops;
  if (ops.length === 1 && only !== undefined) {
    const [test, right] = only;
    return located(node, activation => test(first(activation), right(activation)));
  }
  return located(node, activation => {
    let left = first(activation);
    for (const [test, operand] of ops) {
      const right = operand(activation);
      if (!test(left, right)) return false;
      left = right;
    }
    return true;
  });
}

function compileInlineIf(node: InlineIfNode, frame: Frame): Evaluate {
  const [cond, body] = [compileExpression(node.cond, frame), compileExpression(node.body, frame)];
  const reason = `the inline if-expression on line ${node.lineno + 1} evaluated to false and no else section was defined.`;
  // The optimizer leaves what may be undefined to the render.
  const missing = frame.isAhead ? () => raise('RuntimeError', reason) : () => new Undefined(reason);
  const otherwise = node.else_ === null ? missing : compileExpression(node.else_, frame);
  return activation => (truth(cond(activation)) ? body(activation) : otherwise(activation));
}
