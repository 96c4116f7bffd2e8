import type {Labels, TemplateSource} from '../config/config.ts';
import {CONFIG_ANNOTATION} from '../config/parse.ts';
import {DaemonError, isSystemFault, reasonOf} from '../errors.ts';
import {type Clock, within} from '../ports/clock.ts';
import type {TemplateRead} from './read-template.ts';
import {decodeTemplate} from './utf8.ts';

const POLL_MS = 1000;

/** A disk that does not answer (NFS) keeps nobody waiting longer. */
const READ_LIMIT_MS = 5000;

export interface TemplateTextPorts {
  /** Rejects with the system's error. */
  readonly read: (path: string) => Promise<TemplateRead>;
  readonly clock: Clock;
  readonly annotations: () => Labels;
}

/** The template's text as it is now. */
export interface TemplateText {
  /** Rejects with RENDER when its file cannot be read. */
  load(): Promise<string>;
  /**
   * Calls back when the text has changed since it was last loaded, or cannot be read any more (a file is looked at every
   * second, whoever replaces it and how).
   */
  follow(onChange: () => void): () => void;
}

export function openTemplateText(source: TemplateSource, ports: TemplateTextPorts): TemplateText {
  const {clock} = ports;
  if (source.is === 'annotation') {
    const load = async (): Promise<string> => {
      const text = ports.annotations()[CONFIG_ANNOTATION];
      if (text === undefined) {
        throw new DaemonError(
          'RENDER',
          `cannot read the template: the annotation ${CONFIG_ANNOTATION} is gone; set it`,
        );
      }
      return text;
    };
    // Whoever follows the pod's annotations asks for the pass.
    return {load, follow: () => () => {}};
  }
  if (source.is === 'text') return {load: async () => source.text, follow: () => () => {}};
  const {path} = source;
  let loaded: string | undefined;
  /** One at a time: each that hangs holds a thread. */
  let reading: Promise<TemplateRead> | undefined;
  /** Who comes while one is under way gets the next: that one may have seen the file of before. */
  let next: Promise<TemplateRead> | undefined;

  const begin = (): Promise<TemplateRead> => {
    next = undefined;
    reading = ports.read(path).finally(() => {
      reading = undefined;
    });
    return reading;
  };

  const read = (): Promise<TemplateRead | undefined> => {
    if (reading !== undefined) next ??= reading.then(begin, begin);
    return within(clock, READ_LIMIT_MS, next ?? begin());
  };

  const load = async (): Promise<string> => {
    const subject = `cannot read the template ${path} (KONTROL_TEMPLATE)`;
    const refuse = (reason: string, cause?: unknown) => new DaemonError('RENDER', `${subject}: ${reason}`, {cause});
    const found = await read().catch(error => {
      if (!isSystemFault(error)) throw error;
      throw refuse(reasonOf(error), error);
    });
    if (found === undefined) throw refuse(`it cannot be read within ${READ_LIMIT_MS / 1000} s`);
    switch (found.is) {
      case 'file':
        loaded = decodeTemplate(found.bytes, subject, 'RENDER');
        return loaded;
      case 'absent':
        throw refuse('there is no such file');
      case 'other':
        throw refuse(found.reason);
    }
  };

  return {
    load,
    follow(onChange) {
      // Not what the first look finds: the file may have changed since it was loaded. Undefined: it cannot be read.
      let seen = loaded;
      let isFirst = true;
      let misses = 0;
      let closed = false;
      let cancel = () => {};
      const look = async (): Promise<void> => {
        const text = await load().catch(error => {
          // Whoever renders next is told why.
          if (!(error instanceof DaemonError)) throw error;
          return undefined;
        });
        if (closed) return;
        misses = text === undefined ? misses + 1 : 0;
        // One that is being replaced may be away for a moment.
        if (misses !== 1) {
          // What could not be read before is a change, too.
          if (text !== seen && !(isFirst && seen === undefined)) onChange();
          seen = text;
        }
        isFirst = false;
        cancel = clock.after(POLL_MS, () => void look());
      };
      void look();
      return () => {
        closed = true;
        cancel();
      };
    },
  };
}
