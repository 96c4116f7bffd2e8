import type {Labels, TemplateSource} from '../config/config.ts';
import {CONFIG_ANNOTATION} from '../config/parse.ts';
import {DaemonError, isSystemFault, reasonOf} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import type {Files} from '../ports/files.ts';
import {decodeTemplate} from './utf8.ts';

const POLL_MS = 1000;

/** The template's text as it is now. */
export interface TemplateText {
  /** Rejects with RENDER when its file cannot be read. */
  load(): Promise<string>;
  /** Calls back when the text has changed since it was last loaded (a file is looked at every second, whoever replaces it and how). */
  follow(onChange: () => void): () => void;
}

export function openTemplateText(
  source: TemplateSource,
  ports: {files: Pick<Files, 'readBytes'>; clock: Clock; annotations: () => Labels},
): TemplateText {
  const {files, clock} = ports;
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

  const load = async (): Promise<string> => {
    const subject = `cannot read the template ${path} (KONTROL_TEMPLATE)`;
    const bytes = await files.readBytes(path).catch(cause => {
      if (!isSystemFault(cause)) throw cause;
      throw new DaemonError('RENDER', `${subject}: ${reasonOf(cause)}`, {cause});
    });
    if (bytes === undefined) throw new DaemonError('RENDER', `${subject}: there is no such file`);
    const text = decodeTemplate(bytes, subject, 'RENDER');
    loaded = text;
    return text;
  };

  return {
    load,
    follow(onChange) {
      // Not what the first look finds: the file may have changed since it was loaded.
      let seen = loaded;
      let isFirst = true;
      let closed = false;
      let cancel = () => {};
      const look = async (): Promise<void> => {
        const text = await load().catch(error => {
          // Whoever renders next is told why.
          if (!(error instanceof DaemonError)) throw error;
          return undefined;
        });
        if (closed) return;
        // A file that was not there before is a change, too.
        if (text !== undefined && text !== seen && !(isFirst && seen === undefined)) onChange();
        isFirst = false;
        seen = text ?? seen;
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
