import type {Clock} from '../ports/clock.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';

/** An older pass's template that is rendered instead of today's, with today's hosts (docs/operating.md#rollback). */
export interface Hold {
  /** The pass it comes from. */
  readonly pass: number;
  readonly template: string;
  /** Epoch ms. */
  readonly sinceAt: number;
}

/** The hold of a rollback. It survives a restart: a daemon that dies may not undo what an operator did. */
export interface TemplateHold {
  readonly current: Hold | undefined;
  /** Holds from now on; rejects when it cannot be written down, and then holds nothing new. */
  hold(pass: number, template: string): Promise<void>;
  /** Back to today's template; false when nothing was held. */
  release(): Promise<boolean>;
  /** Puts an earlier hold (or none) back, for a rollback whose pass failed. */
  restore(hold: Hold | undefined): Promise<void>;
}

/** Templates may hold passwords. */
const FILE_MODE = 0o600;

const parseHold = (text: string): Hold | undefined => {
  try {
    const value = JSON.parse(text) as Hold;
    const isSound =
      Number.isSafeInteger(value.pass) && Number.isSafeInteger(value.sinceAt) && typeof value.template === 'string';
    return isSound ? {pass: value.pass, template: value.template, sinceAt: value.sinceAt} : undefined;
  } catch {
    return undefined;
  }
};

/** Opens the hold that an earlier daemon left in the file `path`, if any; an unreadable one is a warning. */
export async function openTemplateHold(
  {files, clock, log}: {files: Pick<Files, 'readText' | 'replace' | 'remove'>; clock: Clock; log: Log},
  path: string,
): Promise<TemplateHold> {
  const text = await files.readText(path).catch(() => undefined);
  let current = text === undefined ? undefined : parseHold(text);
  if (text !== undefined && current === undefined) log.warn({reason: 'its file was altered'}, 'rollback not restored');
  if (current !== undefined)
    log.warn({pass: current.pass}, 'a rollback is held: the template of an older pass is used');

  const put = async (hold: Hold | undefined): Promise<void> => {
    if (hold === undefined) await files.remove(path);
    else await files.replace(path, JSON.stringify(hold), FILE_MODE);
    current = hold;
  };

  return {
    get current() {
      return current;
    },
    hold: (pass, template) => put({pass, template, sinceAt: clock.epochMs()}),
    async release() {
      if (current === undefined) return false;
      await put(undefined);
      return true;
    },
    restore: put,
  };
}
