import {isSystemFault, reasonOf} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {parseDownward} from './downward-text.ts';
import type {ToldFacts} from './facts.ts';

/** The kubelet itself takes a minute and more to bring a change here; looking is two small reads. */
const POLL_MS = 1000;

class TornFile extends Error {}

/** A mounted downward-API volume with the files `labels` and `annotations`, either of which may be absent. */
export interface DownwardVolume {
  /** What the volume tells now; undefined when it says nothing that can be read. */
  load(): Promise<ToldFacts | undefined>;
  /** Calls back after each change that can be read, until the returned function is called. */
  follow(onChange: (told: ToldFacts) => void): () => void;
}

/**
 * Opens the volume in `folder`. The kubelet swaps a symbolic link, so both files change in one step; a look that falls
 * in between, or a file that is torn, changes nothing: the next look, a second later, sees it right.
 */
export function openDownwardVolume(
  folder: string,
  {files, clock, log}: {files: Pick<Files, 'readText'>; clock: Clock; log: Log},
): DownwardVolume {
  let unreadable: string | undefined;

  const read = async (name: 'labels' | 'annotations') => {
    const text = await files.readText(`${folder}/${name}`);
    if (text === undefined) return undefined;
    const parsed = parseDownward(text);
    if (parsed === undefined) throw new TornFile(`${folder}/${name} is not as the kubelet writes it`);
    return parsed;
  };

  const load = async (): Promise<ToldFacts | undefined> => {
    try {
      const [labels, annotations] = [await read('labels'), await read('annotations')];
      unreadable = undefined;
      if (labels === undefined && annotations === undefined) return undefined;
      return {...(labels && {labels}), ...(annotations && {annotations})};
    } catch (error) {
      if (!isSystemFault(error) && !(error instanceof TornFile)) throw error;
      if (unreadable !== reasonOf(error))
        log.warn({reason: reasonOf(error)}, 'downward volume unreadable: keeping what it said');
      unreadable = reasonOf(error);
      return undefined;
    }
  };

  return {
    load,
    follow(onChange) {
      let seen: string | undefined;
      let closed = false;
      let cancel = () => {};
      const look = async () => {
        const told = await load();
        if (closed) return;
        const text = told && JSON.stringify(told);
        if (told !== undefined && text !== seen) onChange(told);
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
