import {wantText} from '../python/builtin.ts';
import {Undefined} from '../python/value.ts';
import {trackMacro} from './analysis.ts';
import {compileCall, compileExpression} from './compile-expression.ts';
import {compileBody} from './compile-statement.ts';
import {type Evaluate, type Execute, enterFrame, type Frame, functionFrame, located, refuse, writer} from './frame.ts';
import {Macro, type MacroShape} from './macro.ts';
import type {CallBlockNode, Expression, MacroNode, SymbolNode} from './nodes.ts';
import {Activation, TemplateOutput} from './run.ts';
import {findUndeclared} from './walk.ts';

/** A `macro`: its name is a variable like any other. */
export function compileMacro(node: MacroNode, frame: Frame): Execute {
  const make = compileMacroValue(node, node.name, frame);
  const write = writer(frame, frame.symbols.ref(node.name));
  return activation => {
    const macro = make(activation);
    if (frame.isTop) activation.context.export(node.name, macro);
    write(activation, macro);
  };
}

/** A `call`: calls a macro that may call the block's body back. */
export function compileCallBlock(node: CallBlockNode, frame: Frame): Execute {
  const call = compileCall(node.call, frame, compileMacroValue(node, null, frame));
  return located(node, activation => {
    const text = wantText(call(activation), 'what a call block calls');
    if (activation.run.tracksLines) activation.output.mark(node.lineno, false);
    activation.output.write(text);
  });
}

function compileMacroValue(node: MacroNode | CallBlockNode, name: string | null, outer: Frame): Evaluate {
  const frame = functionFrame(outer);
  const {names} = node.parameters;
  checkNames(names);
  trackMacro(node, frame.symbols);
  const slots = names.map(parameter => writer(frame, frame.symbols.ref(parameter.value)));
  const parameters = names.map(parameter => parameter.value);
  const special = findUndeclared(node.body, ['caller', 'kwargs', 'varargs']);
  const declare = (special: string) => writer(frame, frame.symbols.declareParameter(special));
  const takesCaller = special.has('caller');
  const isExplicit = parameters.includes('caller');
  if (takesCaller && isExplicit && defaultOf(node, parameters.indexOf('caller')) === undefined) {
    refuse('the special "caller" argument must be omitted or be given a default', node);
  }
  const storeCaller = takesCaller && !isExplicit ? declare('caller') : undefined;
  const storeKeywords = special.has('kwargs') && !parameters.includes('kwargs') ? declare('kwargs') : undefined;
  const storeMore = special.has('varargs') && !parameters.includes('varargs') ? declare('varargs') : undefined;
  trackMacro(node, frame.symbols);

  const shape: MacroShape = {
    name,
    parameters,
    catchesKeywords: storeKeywords !== undefined,
    catchesMore: storeMore !== undefined,
    takesCaller,
  };
  const enter = enterFrame(frame);
  const fallbacks = parameters.map((parameter, index): Evaluate => {
    const fallback = defaultOf(node, index);
    if (fallback !== undefined) return compileExpression(fallback, frame);
    return () => new Undefined(`parameter '${parameter}' was not provided`);
  });
  const body = compileBody(node.body, frame);

  return definedIn =>
    new Macro(shape, definedIn.run, args => {
      const activation = new Activation(definedIn.context, new TemplateOutput(), definedIn);
      for (const [index, store] of slots.entries()) store(activation, args.values[index]);
      storeCaller?.(activation, args.caller);
      storeKeywords?.(activation, args.keywords);
      storeMore?.(activation, args.more);
      enter(activation);
      for (const [index, fallback] of fallbacks.entries()) {
        if (args.values[index] === undefined) slots[index]?.(activation, fallback(activation));
      }
      body(activation);
      return activation.output.text;
    });
}

function defaultOf({parameters: {names, defaults}}: MacroNode | CallBlockNode, index: number): Expression | undefined {
  return defaults[index - (names.length - defaults.length)];
}

function checkNames(names: readonly SymbolNode[]): void {
  for (const [index, name] of names.entries()) {
    if (names.findIndex(other => other.value === name.value) !== index)
      refuse(`duplicate argument '${name.value}'`, name);
  }
}
