import nunjucks from 'nunjucks';
import {DaemonError, reasonOf} from '../errors.ts';
import type {TemplateInput} from './input.ts';

/** Renders a template. Rejects with RENDER, with what Nunjucks said; the text is as Jinja2 would write it. */
export interface Renderer {
  render(input: TemplateInput, signal: AbortSignal): Promise<string>;
}

/** Nunjucks in this process, without a loader: `include` and `import` fail. One template is kept compiled. */
export function createRenderer(): Renderer {
  const environment = new nunjucks.Environment(null, {autoescape: false});
  let compiled: {source: string; template: nunjucks.Template} | undefined;

  const compile = (source: string): nunjucks.Template => {
    if (compiled?.source !== source) {
      compiled = {source, template: new nunjucks.Template(asJinjaReads(source), environment, 'template', true)};
    }
    return compiled.template;
  };

  return {
    async render({template, variables}) {
      try {
        return compile(template).render({...variables, hosts: keyed(variables.hosts)});
      } catch (error) {
        throw new DaemonError('RENDER', `cannot render the template: ${oneLine(reasonOf(error))}`, {cause: error});
      }
    },
  };
}

/** Jinja2 reads `\r\n` as `\n` and drops one final newline of the source. */
const asJinjaReads = (source: string): string => source.replace(/\r\n?/g, '\n').replace(/\n$/, '');

/** Python iterates a dict by its keys; Nunjucks iterates what has an iterator. Keys keep their order. */
const keyed = (map: ReadonlyMap<string, unknown>): object =>
  Object.assign(Object.create({[Symbol.iterator]: () => map.keys()}), Object.fromEntries(map));

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();
