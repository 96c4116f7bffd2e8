import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {DaemonError} from '../errors.ts';
import {systemSpawn as spawn} from '../ports/spawn.ts';
import {checkCandidate} from '../proxy/check.ts';
import {withoutIgnoredKeywords} from '../proxy/ignored-keywords.ts';
import {deriveLogTarget, SYSLOG_PORT} from '../proxy/log-targets.ts';
import {createRenderer} from '../template/renderer.ts';
import {traceMessages} from '../template/trace-messages.ts';
import type {CommandMain} from './call.ts';
import {loadTemplateArguments} from './template-arguments.ts';

/**
 * `haproxy-kontrol check`: renders with the given hosts, or with samples, and has HAProxy check the result; its messages
 * name the template's lines where they can be told. Rejects with RENDER, VALIDATE, HAPROXY or USAGE.
 */
export const check: CommandMain<'check'> = async given => {
  const {input, name, timeoutMs, haproxy} = await loadTemplateArguments(given, {samples: true});
  const never = AbortSignal.any([]);
  using renderer = createRenderer({timeoutMs});
  const {text, lineOf} = await renderer.trace(input, never);
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'proxy.cfg');
  await writeFile(file, withoutIgnoredKeywords(text));
  // As in the daemon, whose port any will do for.
  const logFile = join(folder.path, 'log.cfg');
  await writeFile(logFile, deriveLogTarget(SYSLOG_PORT));
  const lines = text.split('\n');
  const showLine = (line: number) => lines[line - 1]?.trim() ?? '';
  const traced = (messages: string): string => traceMessages(messages, {file, name, lineOf, showLine});
  const checked = {text, files: [logFile, file], configuration: file};
  const warnings = await checkCandidate({spawn, haproxy}, checked, never).catch(error => {
    if (!(error instanceof DaemonError)) throw error;
    throw new DaemonError(error.code, traced(error.message), {
      cause: error,
      detail: error.detail && traced(error.detail),
    });
  });
  for (const warning of warnings) given.warn(`warning: ${traced(warning)}\n`);
  const count = text.split('\n').length - 1;
  given.print(`${name}: valid (${count} lines, ${warnings.length} warnings)\n`);
  return 0;
};

async function temporaryFolder(): Promise<{readonly path: string} & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'kontrol-check-'));
  return {path, [Symbol.asyncDispose]: () => rm(path, {recursive: true, force: true})};
}
