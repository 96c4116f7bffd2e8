import {hideTemplateSecrets} from '../../proxy/template-secrets.ts';
import type {TemplateInput} from '../../template/input.ts';
import type {IsolatedRenderer} from '../../template/renderer.ts';
import {TemplateRefusal} from '../../template/template-refusal.ts';

/**
 * The same renderer, whose refusals quote a template without its secrets. Here, since an excerpt is cut: half of a
 * secret would not be known for one by whoever writes it down. Whoever calls a command has the template anyway.
 */
export function createDiscreetRenderer(renderer: IsolatedRenderer): IsolatedRenderer {
  const discreet =
    ({template}: TemplateInput) =>
    (fault: unknown): never => {
      throw fault instanceof TemplateRefusal ? fault.quoting(hideTemplateSecrets(template)) : fault;
    };
  return {
    render: (input, signal) => renderer.render(input, signal).catch(discreet(input)),
    trace: (input, signal) => renderer.trace(input, signal).catch(discreet(input)),
    prepare: renderer.prepare,
    get pid() {
      return renderer.pid;
    },
    [Symbol.dispose]: () => renderer[Symbol.dispose](),
  };
}
