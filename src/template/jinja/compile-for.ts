import {iterate} from '../python/iterate.ts';
import {str} from '../python/print.ts';
import {streamOf} from '../python/stream.ts';
import {truth} from '../python/truth.ts';
import {Markup, Tuple, type Value} from '../python/value.ts';
import {trackFor} from './analysis.ts';
import {compileExpression} from './compile-expression.ts';
import {compileBody} from './compile-statement.ts';
import {compileStore} from './compile-target.ts';
import {
  type Evaluate,
  type Execute,
  enterFrame,
  type Frame,
  functionFrame,
  innerFrame,
  leaveFrame,
  located,
  peekAt,
  refuse,
  writer,
} from './frame.ts';
import {Loop, type Recurse} from './loop.ts';
import type {ForNode, Target} from './nodes.ts';
import {Activation, TemplateOutput} from './run.ts';
import {FunctionScope, Symbols} from './symbols.ts';
import {findAssignment, findBlocks, findUndeclared} from './walk.ts';

/** Runs a loop over items; `recurse` renders its body again, for `loop(…)`. */
type RunLoop = (activation: Activation, items: Value, depth0: number, recurse?: Recurse) => void;

/** A `for`, with its filter, its `else` and its recursion. */
export function compileFor(node: ForNode, frame: Frame): Execute {
  const assigned = findAssignment(node, 'loop');
  if (assigned !== undefined) refuse("Can't assign to special loop variable in for-loop target", assigned);
  const scope = node.recursive ? new FunctionScope(frame.symbols.scope) : frame.symbols.scope;
  const within = (): Frame => ({...innerFrame(frame), symbols: new Symbols(scope, frame.symbols)});
  const filter = compileTest(node, frame);
  const run = compileRun(node, within(), within());
  const items = compileExpression(node.arr, frame);
  const filtered = (activation: Activation, all: Value): Value =>
    filter === undefined ? all : filter(activation, all);
  if (!node.recursive) {
    return located(node, activation => run(activation, filtered(activation, items(activation)), 0));
  }

  const {autoescape, volatile} = frame.escaping;
  return located(node, activation => {
    const recurse: Recurse = (inner, depth0) => {
      activation.run.step();
      const output = new TemplateOutput();
      run(new Activation(activation.context, output, activation), filtered(activation, inner), depth0, recurse);
      return (volatile ? activation.run.autoescape : autoescape) ? new Markup(output.text) : output.text;
    };
    const text = str(recurse(items(activation), 0));
    if (activation.run.tracksLines) activation.output.mark(node.lineno, false);
    activation.output.write(text);
  });
}

function compileRun(node: ForNode, frame: Frame, elseFrame: Frame): RunLoop {
  const isExtended =
    node.recursive || findUndeclared(node.body, ['loop']).has('loop') || findBlocks([node]).some(block => block.scoped);
  const loopSlot = isExtended ? frame.symbols.declareParameter('loop') : undefined;
  trackFor(node, 'body', frame.symbols);
  trackFor(node, 'else', elseFrame.symbols);
  const store = compileStore(node.target, frame);
  const [enter, body, leave] = [enterFrame(frame), compileBody(node.body, frame), leaveFrame(frame)];
  const [enterElse, otherwise, leaveElse] = [
    enterFrame(elseFrame),
    compileBody(node.else_, elseFrame),
    leaveFrame(elseFrame),
  ];
  const hasElse = node.else_.length > 0;
  const storeLoop = loopSlot === undefined ? undefined : writer(frame, loopSlot);

  return (activation, items, depth0, recurse) => {
    let isEmpty = true;
    const round = (item: Value): void => {
      activation.run.step();
      store(activation, item);
      enter(activation);
      body(activation);
      isEmpty = false;
    };
    if (storeLoop === undefined) for (const item of iterate(items)) round(item);
    else {
      const loop = new Loop(items, depth0, recurse);
      storeLoop(activation, undefined);
      for (let item = loop.next(); item !== undefined; item = loop.next()) {
        storeLoop(activation, loop);
        round(item);
      }
    }
    leave(activation);
    if (!isEmpty || !hasElse) return;
    enterElse(activation);
    otherwise(activation);
    leaveElse(activation);
  };
}

/** The `if` of a `for`: passes an item on while the loop runs, so that it sees what the body has changed. */
function compileTest(node: ForNode, frame: Frame): ((activation: Activation, items: Value) => Value) | undefined {
  if (node.test === null) return undefined;
  const inner = functionFrame(frame);
  trackFor(node, 'test', inner.symbols);
  const enter = enterFrame(inner);
  const store = compileStore(node.target, inner);
  const restore = compileRestore(node.target, inner);
  const test = compileExpression(node.test, inner);
  function* pass(activation: Activation, items: Iterable<Value>): Generator<Value> {
    const own = new Activation(activation.context, activation.output, activation);
    enter(own);
    for (const item of items) {
      activation.run.step();
      store(own, item);
      if (truth(test(own))) yield restore(own);
    }
  }
  return (activation, items) => streamOf('generator', pass(activation, lazily(items)));
}

/** What is no iterable raises when the loop begins, as in a generator. */
function* lazily(items: Value): Generator<Value> {
  yield* iterate(items);
}

/** Reads a target's names back: the loop gets a tuple of them. */
function compileRestore(target: Target, frame: Frame): Evaluate {
  if (target.typename === 'Symbol') {
    const peek = peekAt(frame.symbols.scope, frame.symbols.ref(target.value));
    return activation => peek(activation) ?? null;
  }
  const parts = target.typename === 'Targets' ? target.children.map(child => compileRestore(child, frame)) : [];
  return activation => new Tuple(parts.map(part => part(activation)));
}
