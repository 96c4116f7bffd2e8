import {parseFrameLines} from './lines.ts';

/** Whether a text has servers' states loaded from a file when HAProxy starts, and from which, if it says so. */
export interface StateFile {
  readonly isWanted: boolean;
  /** The one file for all backends, `server-state-base` included; undefined when the text names none. */
  readonly path: string | undefined;
}

/** Reads `load-server-state-from-file global` and the `server-state-*` of `global` (configuration.txt 3.1 and 4.2). */
export function parseStateFile(text: string): StateFile {
  let isWanted = false;
  let base = '';
  let file: string | undefined;
  for (const {section, words} of parseFrameLines(text)) {
    const [first, second] = words.map(word => word.text);
    if (first === 'load-server-state-from-file' && second === 'global') isWanted = true;
    if (section.kind !== 'global') continue;
    if (first === 'server-state-base') base = second ?? '';
    if (first === 'server-state-file') file = second;
  }
  const path = file === undefined || file.startsWith('/') || base === '' ? file : `${base}/${file}`;
  return {isWanted, path};
}
