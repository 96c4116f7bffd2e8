import {createRenderer} from '../template/renderer.ts';
import type {CommandMain} from './call.ts';
import {loadTemplateArguments} from './template-arguments.ts';

/** `haproxy-kontrol render`: prints the configuration that the daemon would render. Rejects with RENDER or USAGE. */
export const render: CommandMain<'render'> = async given => {
  const {input, timeoutMs} = await loadTemplateArguments(given, {samples: false});
  using renderer = createRenderer({timeoutMs});
  given.print(await renderer.render(input, AbortSignal.any([])));
  return 0;
};
