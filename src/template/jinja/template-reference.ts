import {raise} from '../python/fault.ts';
import {repr} from '../python/print.ts';
import {Markup, type Thing, Undefined, type Value} from '../python/value.ts';
import {type BlockBody, type TemplateContext, TemplateOutput} from './run.ts';

/** Jinja2's `self`: the template's blocks, to be rendered again. */
export const templateReference = (context: TemplateContext): Thing => ({
  typeName: 'TemplateReference',
  item: key => {
    const body = typeof key === 'string' ? context.blocks.get(key) : undefined;
    return body === undefined ? raiseless(key) : blockReference(String(key), body, context);
  },
  text: () => '<TemplateReference None>',
});

/** A block that there is not is undefined. */
const raiseless = (key: Value): Value => new Undefined(`'self' has no block ${repr(key)}`);

const blockReference = (name: string, body: BlockBody, context: TemplateContext): Thing => ({
  typeName: 'BlockReference',
  call(args, keywords) {
    if (args.length + keywords.size > 0) raise('TypeError', `block ${name} takes no arguments`);
    context.run.step();
    const output = new TemplateOutput();
    body(context, output);
    return context.run.autoescape ? new Markup(output.text) : output.text;
  },
  attribute: attribute => {
    if (attribute === 'name') return name;
    return attribute === 'super' ? noParent(name) : undefined;
  },
  text: () => `<BlockReference ${name}>`,
});

/** `super()`: there is no parent template, ever. */
export const noParent = (name: string): Undefined => new Undefined(`there is no parent block called '${name}'.`);
