import type {TemplateSource} from '../../config/config.ts';
import {CONFIG_ANNOTATION} from '../../config/parse.ts';
import {DaemonError, type ErrorCode, reasonOf, rethrowBug} from '../../errors.ts';
import {systemFiles as files} from '../../ports/files.ts';
import type {Log} from '../../ports/log.ts';
import {tellsOfWriteFault} from '../../ports/write-fault.ts';
import type {Generations} from '../../reload/generations.ts';

/** What makes the configuration. */
export interface Maker {
  readonly template: TemplateSource;
  /** Blocks of a manifest of 2017 do: what they fail of was not fatal then. */
  readonly isOf2017: boolean;
}

/**
 * A boot whose first pass fails starts from the last good configuration when there is one. Without one it waits, not
 * ready, for a template or for pods with which it works: a restart would cure nothing. What a restart may cure (a port
 * that is taken) is fatal.
 */
export async function startFromDisk(
  fault: unknown,
  maker: Maker,
  generations: Pick<Generations, 'committedPath' | 'status'>,
  applyText: (text: string) => Promise<void>,
  log: Log,
): Promise<void> {
  const text = await files.readText(generations.committedPath).catch(() => undefined);
  const isServed = generations.status.state === 'RUNNING';
  if (text === undefined) {
    if (!isServed) waitOrThrow(fault, maker, 'there is no last good proxy.cfg', log);
    return;
  }
  log.warn({reason: reasonOf(fault)}, 'the first pass failed: starting from the last good proxy.cfg');
  try {
    await applyText(text);
  } catch (err) {
    rethrowBug(err);
    log.error({err}, 'the last good proxy.cfg cannot be started either');
    if (!isServed) waitOrThrow(fault, maker, 'the last good proxy.cfg cannot be started either', log);
  }
}

function waitOrThrow(found: unknown, {template, isOf2017}: Maker, why: string, log: Log): void {
  const fault = withAdvice(found, template, why);
  const awaited: readonly ErrorCode[] = isOf2017 ? ['RENDER', 'VALIDATE', 'LIFECYCLE'] : ['RENDER', 'VALIDATE'];
  if (!(fault instanceof DaemonError) || !awaited.includes(fault.code)) throw fault;
  const what = fault.code === 'LIFECYCLE' ? 'blocks that serve' : 'a template that works';
  log.error({reason: fault.message, detail: fault.detail}, `nothing to serve: waiting, not ready, for ${what}`);
}

const placeOf = (template: TemplateSource): string => {
  switch (template.is) {
    case 'annotation':
      return `annotation ${CONFIG_ANNOTATION}`;
    case 'text':
      return template.from;
    case 'file':
      return template.path;
  }
};

/** What an operator can do about a first pass that failed with nothing to fall back on. */
function withAdvice(fault: unknown, template: TemplateSource, why: string): unknown {
  if (!(fault instanceof DaemonError)) return fault;
  const {code, message, detail} = fault;
  if (code !== 'RENDER' && code !== 'VALIDATE' && code !== 'APPLY') return fault;
  const mend = `mend the template (${placeOf(template)})`;
  if (tellsOfWriteFault(message)) return fault;
  const advice = code === 'APPLY' ? `free what it needs or ${mend}` : mend;
  return new DaemonError(code, `${message}; ${advice}: ${why}`, {cause: fault, detail});
}
