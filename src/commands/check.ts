import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {DaemonError} from '../errors.ts';
import {systemSpawn as spawn} from '../ports/spawn.ts';
import {checkCandidate} from '../proxy/check.ts';
import {createRenderer} from '../template/renderer.ts';
import {traceMessages} from '../template/trace-messages.ts';
import {reportFailure} from './failure.ts';
import {loadTemplateArguments} from './template-arguments.ts';

/**
 * `haproxy-kontrol check --template FILE|--manifest YAML [--hosts FILE|JSON]`: renders with the given hosts, or with
 * samples, and has HAProxy check the result; its messages name the template's lines where they can be told. Resolves
 * with the exit code of the phase that failed: RENDER, VALIDATE, HAPROXY, USAGE; 0 when all is well.
 */
export async function check(args: string[]): Promise<number> {
  try {
    const {input, name, timeoutMs, haproxy} = await loadTemplateArguments(args, {samples: true});
    const never = AbortSignal.any([]);
    using renderer = createRenderer({timeoutMs});
    const {text, lineOf} = await renderer.trace(input, never);
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'proxy.cfg');
    await writeFile(file, text);
    const traced = (messages: string): string => traceMessages(messages, {file, name, text, lineOf});
    const warnings = await checkCandidate({spawn, haproxy}, {text, files: [file]}, never).catch(error => {
      if (!(error instanceof DaemonError)) throw error;
      throw new DaemonError(error.code, traced(error.message), {
        cause: error,
        detail: error.detail && traced(error.detail),
      });
    });
    for (const warning of warnings) process.stderr.write(`warning: ${traced(warning)}\n`);
    const count = text.split('\n').length - 1;
    process.stdout.write(`${name}: valid (${count} lines, ${warnings.length} warnings)\n`);
    return 0;
  } catch (error) {
    return reportFailure(error);
  }
}

async function temporaryFolder(): Promise<{readonly path: string} & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'kontrol-check-'));
  return {path, [Symbol.asyncDispose]: () => rm(path, {recursive: true, force: true})};
}
