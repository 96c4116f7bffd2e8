import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {type KeptTemplate, openTemplateFile, type TemplateFiles} from './kept-template.ts';

/** A rollback: an older pass's template is rendered instead of today's, with today's hosts, until it is released. */
export interface Rollback {
  /** Survives a restart: a daemon that dies may not undo what an operator did. */
  readonly current: KeptTemplate | undefined;
  /** From now on; rejects when it cannot be written down, and then nothing has changed. */
  begin(pass: number, template: string): Promise<void>;
  /** Back to today's template; false when it was that already. */
  release(): Promise<boolean>;
  /** Puts an earlier one (or none) back, when the pass failed. */
  restore(earlier: KeptTemplate | undefined): Promise<void>;
}

/** Opens the one that an earlier daemon left in the file `path`, if any; an unreadable one is a warning. */
export async function openRollback(
  {files, clock, log}: {files: TemplateFiles; clock: Clock; log: Log},
  path: string,
): Promise<Rollback> {
  const file = await openTemplateFile(files, path);
  if (file.isDamaged) log.warn({reason: 'its file was altered'}, 'rollback not restored');
  if (file.current !== undefined)
    log.warn({pass: file.current.pass}, 'a rollback is held: the template of an older pass is used');

  return {
    get current() {
      return file.current;
    },
    begin: (pass, template) => file.put({pass, template, sinceAt: clock.epochMs()}),
    async release() {
      if (file.current === undefined) return false;
      await file.put(undefined);
      return true;
    },
    restore: file.put,
  };
}
