import {createRenderer} from '../template/renderer.ts';
import {reportFailure} from './failure.ts';
import {loadTemplateArguments} from './template-arguments.ts';

/**
 * `haproxy-kontrol render --template FILE|--manifest YAML --hosts FILE|JSON`: prints the configuration that the daemon
 * would render. Resolves with the exit code: RENDER's with the template's place on stderr, USAGE's for bad arguments.
 */
export async function render(args: string[]): Promise<number> {
  try {
    const {input, timeoutMs} = await loadTemplateArguments(args, {samples: false});
    using renderer = createRenderer({timeoutMs});
    process.stdout.write(await renderer.render(input, AbortSignal.any([])));
    return 0;
  } catch (error) {
    return reportFailure(error);
  }
}
