import type {TemplateSource} from '../../config/config.ts';
import {CONFIG_ANNOTATION} from '../../config/parse.ts';
import {DaemonError, reasonOf} from '../../errors.ts';
import {systemFiles as files} from '../../ports/files.ts';
import type {Log} from '../../ports/log.ts';
import type {Generations} from '../../reload/generations.ts';

/** A boot whose first pass fails starts from the last good configuration when there is one; its own fault is fatal else. */
export async function startFromDisk(
  fault: unknown,
  template: TemplateSource,
  generations: Generations,
  applyText: (text: string) => Promise<void>,
  log: Log,
): Promise<void> {
  const text = await files.readText(generations.committedPath).catch(() => undefined);
  const isServed = generations.status.state === 'RUNNING';
  if (text === undefined) {
    if (!isServed) throw withAdvice(fault, template, 'there is no last good proxy.cfg');
    return;
  }
  log.warn({reason: reasonOf(fault)}, 'the first pass failed: starting from the last good proxy.cfg');
  try {
    await applyText(text);
  } catch (err) {
    log.error({err}, 'the last good proxy.cfg cannot be started either');
    if (!isServed) throw withAdvice(fault, template, 'the last good proxy.cfg cannot be started either');
  }
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
  const advice = code === 'APPLY' ? `free what it needs or ${mend}` : mend;
  return new DaemonError(code, `${message}; ${advice}: ${why}`, {cause: fault, detail});
}
