import {dirname} from 'node:path';
import type {Labels} from '../config/config.ts';
import {isSystemFault, reasonOf} from '../errors.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {deriveTags, OPENTSDB_ANNOTATION, parseEndpoint, renderTelegraf} from './configuration.ts';

/** What telegraf's configuration is made from, as it is now. */
export interface TelegrafInput {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly nodeLabels: Labels;
}

/** The job that runs it. */
export interface TelegrafJob {
  readonly isDown: boolean;
  start(): Promise<{readonly ok: boolean; readonly text: string}>;
  stop(): Promise<unknown>;
  restart(): Promise<{readonly ok: boolean; readonly text: string}>;
}

export interface TelegrafPorts {
  readonly files: Pick<Files, 'makeFolder' | 'readText' | 'replace'>;
  readonly log: Log;
  readonly path: string;
  readonly input: () => TelegrafInput;
  /** Undefined when the manifest has no such job. */
  readonly job: TelegrafJob | undefined;
}

const MODE = 0o640;

/**
 * The built-in action `telegraf`: writes its configuration when it has changed, and has the job run with it; without an
 * endpoint it is off. Metrics are no reason to fail a state: what goes wrong is a warning, each said once until it
 * changes. Does not wait until the job has come up. Never rejects.
 */
export function createTelegraf({files, log, path, input, job}: TelegrafPorts): () => Promise<void> {
  let said: string | undefined;
  const say = (level: 'info' | 'warn', reason: string, message: string): void => {
    if (said !== reason) log[level]({path, reason}, message);
    said = reason;
  };

  const isChanged = async (text: string): Promise<boolean> => {
    if ((await files.readText(path)) === text) return false;
    await files.makeFolder(dirname(path));
    await files.replace(path, text, MODE);
    return true;
  };

  const run = async (verb: 'start' | 'restart', running: TelegrafJob): Promise<void> => {
    const {ok, text} = await running[verb]();
    if (!ok) log.warn({job: 'telegraf', reason: text}, 'telegraf does not run');
  };

  return async () => {
    const {annotations, labels, nodeLabels} = input();
    const endpoint = parseEndpoint(annotations[OPENTSDB_ANNOTATION]);
    if (endpoint.is === 'off') {
      const isAbsent = annotations[OPENTSDB_ANNOTATION] === undefined;
      say(isAbsent ? 'info' : 'warn', endpoint.why, 'telegraf is off');
      if (job !== undefined && !job.isDown) await job.stop();
      return;
    }
    const text = renderTelegraf(deriveTags(nodeLabels, labels), endpoint);
    let changed: boolean;
    try {
      changed = await isChanged(text);
    } catch (error) {
      if (!isSystemFault(error)) throw error;
      say('warn', `cannot write ${path} (KONTROL_TELEGRAF_CONF): ${reasonOf(error)}`, 'telegraf is off');
      return;
    }
    if (job === undefined) return say('warn', 'lifecycle.yml has no job "telegraf"', 'telegraf is off');
    said = undefined;
    if (job.isDown) void run('start', job);
    else if (changed) void run('restart', job);
  };
}
