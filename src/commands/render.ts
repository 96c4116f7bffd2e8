import {loadRenderSettings} from '../config/load.ts';
import {DaemonError} from '../errors.ts';
import {createRenderer} from '../template/renderer.ts';
import {TemplateRefusal} from '../template/template-refusal.ts';
import type {CommandMain} from './call.ts';
import {loadHosts, loadTemplates, renderInputOf} from './template-arguments.ts';

/** `haproxy-kontrol render`: prints the configuration that the daemon would render. Rejects with RENDER or USAGE. */
export const render: CommandMain<'render'> = async given => {
  const [template, ...others] = await loadTemplates(given);
  const hosts = await loadHosts(given);
  const {env, renderTimeoutMs} = loadRenderSettings();
  if (hosts === undefined) {
    throw new DaemonError('USAGE', 'no hosts: give --hosts FILE or --hosts \'{"web": ["10.0.0.1"]}\'');
  }
  if (template === undefined || others.length > 0) {
    const names = [template, ...others].map(one => one?.from);
    throw new DaemonError('USAGE', `several objects have a template: choose with --name ${names.join(' or ')}`);
  }
  using renderer = createRenderer({timeoutMs: renderTimeoutMs});
  const text = await renderer.render(renderInputOf(template, hosts, env), AbortSignal.any([])).catch(error => {
    throw error instanceof TemplateRefusal ? error.at(template) : error;
  });
  given.print(text);
  return 0;
};
