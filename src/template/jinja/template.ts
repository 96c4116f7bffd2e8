import {orElse, type Value} from '../python/value.ts';
import {trackAll} from './analysis.ts';
import {compileBody} from './compile-statement.ts';
import {type Escaping, type Execute, enterFrame, type Frame, faultOf, refuse, writer} from './frame.ts';
import {createGlobals} from './globals.ts';
import type {BlockNode, Statement} from './nodes.ts';
import {Activation, type BlockBody, type LineMark, type Run, TemplateContext, TemplateOutput} from './run.ts';
import {parseTemplate} from './statement-parser.ts';
import {FunctionScope, Symbols} from './symbols.ts';
import {noParent, templateReference} from './template-reference.ts';
import {normalizeSource} from './tokenizer.ts';
import {findBlocks, findUndeclared} from './walk.ts';

/** What a render gives: the text, and where in the template it came from when the run tracks that. */
export interface Rendered {
  readonly text: string;
  readonly marks: readonly LineMark[];
}

/** A compiled template: immutable, and good for any number of renders. */
export interface Template {
  /** Looks a variable up by name when the template wants it. Raises Faults. */
  render(run: Run, resolve: (name: string) => Value | undefined): Rendered;
}

/**
 * Compiles a template to closures: no source text is generated, so no name or string of a template can become code.
 * Semantics are those of Jinja2 3.1's default `Environment`. Throws SyntaxError Faults with their place.
 */
export function compileTemplate(source: string): Template {
  const {root, blocks} = withoutOverflow(() => {
    const body = parseTemplate(normalizeSource(source));
    const escaping: Escaping = {autoescape: false, volatile: false};
    return {root: compileRoot(body, escaping), blocks: compileBlocks(findBlocks(body), escaping)};
  });
  return {
    render(run, resolve) {
      const globals = createGlobals(run);
      const context = new TemplateContext(run, blocks, name => orElse(resolve(name), () => globals.get(name)));
      const output = new TemplateOutput();
      withoutOverflow(() => root(new Activation(context, output)));
      return {text: output.text, marks: output.marks};
    },
  };
}

function withoutOverflow<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw faultOf(error);
  }
}

const frameFor = (escaping: Escaping, isTop: boolean): Frame => ({
  symbols: new Symbols(new FunctionScope()),
  escaping,
  isTop,
  isSoft: false,
});

function compileRoot(body: readonly Statement[], escaping: Escaping): Execute {
  const frame = frameFor(escaping, true);
  const storeSelf = findUndeclared(body, ['self']).has('self')
    ? writer(frame, frame.symbols.declareParameter('self'))
    : undefined;
  trackAll(body, frame.symbols);
  const [enter, execute] = [enterFrame(frame), compileBody(body, frame)];
  return activation => {
    storeSelf?.(activation, templateReference(activation.context));
    enter(activation);
    execute(activation);
  };
}

/** Each block is a function of a context; it sees what the template's top level exports, and no local variables. */
function compileBlocks(nodes: readonly BlockNode[], escaping: Escaping): ReadonlyMap<string, BlockBody> {
  const blocks = new Map<string, BlockBody>();
  for (const node of nodes) {
    if (blocks.has(node.name)) refuse(`block '${node.name}' defined twice`, node);
    blocks.set(node.name, compileBlockBody(node, escaping));
  }
  return blocks;
}

function compileBlockBody({name, body}: BlockNode, escaping: Escaping): BlockBody {
  const frame = frameFor(escaping, false);
  const special = findUndeclared(body, ['self', 'super']);
  const declare = (given: string) =>
    special.has(given) ? writer(frame, frame.symbols.declareParameter(given)) : undefined;
  const [storeSelf, storeSuper] = [declare('self'), declare('super')];
  trackAll(body, frame.symbols);
  const [enter, execute] = [enterFrame(frame), compileBody(body, frame)];
  return (context, output) => {
    const activation = new Activation(context, output);
    storeSelf?.(activation, templateReference(context));
    storeSuper?.(activation, noParent(name));
    enter(activation);
    execute(activation);
  };
}
