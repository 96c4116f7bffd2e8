import {wantText} from '../python/builtin.ts';
import {raise} from '../python/fault.ts';
import {lengthOf} from '../python/iterate.ts';
import {asMarkup} from '../python/markup.ts';
import {str} from '../python/print.ts';
import {truth} from '../python/truth.ts';
import {Markup, Undefined, type Value} from '../python/value.ts';
import {trackAll, trackWith} from './analysis.ts';
import {capturedValue, compileFilter} from './compile-call.ts';
import {compileAhead, compileExpression} from './compile-expression.ts';
import {compileFor} from './compile-for.ts';
import {compileCallBlock, compileMacro} from './compile-macro.ts';
import {compileTarget} from './compile-target.ts';
import {isConstant} from './constant.ts';
import {
  type Execute,
  enterFrame,
  type Frame,
  innerFrame,
  leaveFrame,
  located,
  peekAt,
  refuse,
  sequence,
  softFrame,
  writer,
} from './frame.ts';
import type {
  AutoescapeNode,
  BlockNode,
  FilterBlockNode,
  OtherTemplateNode,
  OutputNode,
  SetBlockNode,
  Statement,
  WithNode,
} from './nodes.ts';
import type {Activation} from './run.ts';

/** Makes a function that executes these statements in a frame. */
export const compileBody = (body: readonly Statement[], frame: Frame): Execute =>
  sequence(body.map(statement => compileStatement(statement, frame)));

function compileStatement(node: Statement, frame: Frame): Execute {
  switch (node.typename) {
    case 'Output':
      return compileOutput(node, frame);
    case 'If': {
      const soft = softFrame(frame);
      const branches = node.branches.map(
        ({cond, body}) => [compileExpression(cond, soft), compileBody(body, soft)] as const,
      );
      const otherwise = compileBody(node.else_, soft);
      return activation => {
        for (const [cond, body] of branches) if (truth(cond(activation))) return body(activation);
        otherwise(activation);
      };
    }
    case 'For':
      return compileFor(node, frame);
    case 'Macro':
      return compileMacro(node, frame);
    case 'CallBlock':
      return compileCallBlock(node, frame);
    case 'Set': {
      const assign = compileTarget(node.target, frame);
      const value = compileExpression(node.value, frame);
      return located(node, activation => assign(activation, () => value(activation)));
    }
    case 'SetBlock':
      return compileSetBlock(node, frame);
    case 'FilterBlock':
      return compileFilterBlock(node, frame);
    case 'With':
      return compileWith(node, frame);
    case 'Autoescape':
      return compileAutoescape(node, frame);
    case 'Block':
      return compileBlock(node, frame);
    case 'OtherTemplate':
      return compileOtherTemplate(node, frame);
  }
}

/** How a frame prints a value. */
function printer({escaping: {autoescape, volatile}}: Frame): (value: Value, activation: Activation) => string {
  if (volatile) return (value, {run}) => (run.autoescape ? asMarkup(value).text : str(value));
  return autoescape ? printMarkup : str;
}

const printMarkup = (value: Value): string => asMarkup(value).text;

function compileOutput(node: OutputNode, frame: Frame): Execute {
  const printUsually = printer(frame);
  return sequence(
    node.children.map((child): Execute => {
      const isText = child.typename === 'TemplateData';
      const line = child.lineno;
      const mark = (activation: Activation) => activation.output.mark(line, isText);
      if (isText) {
        const {value} = child;
        return activation => {
          if (activation.run.tracksLines) mark(activation);
          activation.output.write(value);
        };
      }
      const value = compileExpression(child, frame);
      const {autoescape, volatile} = frame.escaping;
      // Jinja2 prints a constant ahead, before it knows what a volatile `autoescape` says.
      const print = volatile && isConstant(child, true) ? (autoescape ? printMarkup : str) : printUsually;
      const ahead = compileAhead(child, frame);
      return located(child, activation => {
        const folded = ahead?.(activation);
        const text = print(folded === undefined ? value(activation) : folded, activation);
        if (activation.run.tracksLines) mark(activation);
        activation.output.write(text);
      });
    }),
  );
}

function compileSetBlock(node: SetBlockNode, frame: Frame): Execute {
  const inner = innerFrame(frame);
  trackAll(node.body, inner.symbols);
  const [enter, body, leave] = [enterFrame(inner), compileBody(node.body, inner), leaveFrame(inner)];
  const assign = compileTarget(node.target, frame);
  const filter = node.filter === null ? undefined : compileFilter(node.filter, inner, capturedValue(inner));
  return located(node, activation => {
    enter(activation);
    const written = activation.capture(body);
    assign(activation, () => {
      activation.captured = written;
      const value = filter === undefined ? written : filter(activation);
      return activation.run.autoescape ? (value instanceof Markup ? value : new Markup(str(value))) : value;
    });
    leave(activation);
  });
}

function compileFilterBlock(node: FilterBlockNode, frame: Frame): Execute {
  const inner = innerFrame(frame);
  trackAll(node.body, inner.symbols);
  trackAll([node.filter], inner.symbols);
  const [enter, body, leave] = [enterFrame(inner), compileBody(node.body, inner), leaveFrame(inner)];
  const filter = compileFilter(node.filter, inner, capturedValue(inner));
  return located(node, activation => {
    enter(activation);
    activation.captured = activation.capture(body);
    const value = wantText(filter(activation), 'what a filter block writes');
    if (activation.run.tracksLines) activation.output.mark(node.lineno, false);
    activation.output.write(value);
    leave(activation);
  });
}

function compileWith(node: WithNode, frame: Frame): Execute {
  const inner = innerFrame(frame);
  trackWith(node.targets, node.body, inner.symbols);
  const enter = enterFrame(inner);
  const assignments = node.targets.map((target, index) => {
    const value = node.values[index] ?? refuse('a with without a value', node);
    return [compileTarget(target, inner), compileExpression(value, frame)] as const;
  });
  const [body, leave] = [compileBody(node.body, inner), leaveFrame(inner)];
  return located(node, activation => {
    enter(activation);
    for (const [assign, value] of assignments) assign(activation, () => value(activation));
    body(activation);
    leave(activation);
  });
}

function compileAutoescape(node: AutoescapeNode, outer: Frame): Execute {
  const frame = innerFrame(outer);
  trackAll([node.value, ...node.body], frame.symbols);
  const enter = enterFrame(frame);
  const setting = compileExpression(node.value, frame);
  const saved = {...frame.escaping};
  if (node.value.typename === 'Literal') frame.escaping.autoescape = truth(node.value.value);
  else frame.escaping.volatile = true;
  const body = compileBody(node.body, frame);
  Object.assign(frame.escaping, saved);
  const leave = leaveFrame(frame);
  return activation => {
    enter(activation);
    const {autoescape} = activation.run;
    activation.run.autoescape = truth(setting(activation));
    body(activation);
    activation.run.autoescape = autoescape;
    leave(activation);
  };
}

function compileBlock(node: BlockNode, frame: Frame): Execute {
  const {name, required} = node;
  const locals = node.scoped
    ? [...frame.symbols.storesInReach()].map(([local, slot]) => [local, peekAt(frame.symbols.scope, slot)] as const)
    : undefined;
  return located(node, activation => {
    const {context, output} = activation;
    if (required) raise('RuntimeError', `Required block '${name}' not found`);
    const given = new Map<string, Value>();
    for (const [local, peek] of locals ?? []) {
      const value = peek(activation);
      if (value !== undefined) given.set(local, value);
    }
    context.blocks.get(name)?.(locals === undefined ? context : context.derive(given), output);
  });
}

/** There is no loader: `include`, `import` and `extends` fail as they do in Jinja2 without one, and say what to do. */
function compileOtherTemplate(node: OtherTemplateNode, frame: Frame): Execute {
  if (node.tag === 'extends' && !frame.isTop) refuse('cannot use extend from a non top-level scope', node);
  const template = compileExpression(node.template, frame);
  for (const name of node.names) writer(frame, frame.symbols.ref(name));
  return located(node, activation => {
    const wanted = template(activation);
    if (wanted instanceof Undefined) raise('UndefinedError', wanted.reason);
    // An empty list of candidates is missing without anybody having looked for it.
    const isNothing = typeof wanted !== 'string' && lengthOf(wanted) === 0;
    if (node.tag === 'include' && node.ignoreMissing && isNothing) return;
    raise('TypeError', `cannot ${node.tag} another template: an annotation is one template, so write its text here`);
  });
}
