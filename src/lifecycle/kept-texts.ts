import {createHash} from 'node:crypto';
import type {Files} from '../ports/files.ts';
import type {TextRef} from './history.ts';

/** Texts by their SHA-256, one file each: a configuration that came out equal a hundred times is kept once. */
export interface KeptTexts {
  /** Writes a text down unless it is there. Rejects with the system's error. */
  keep(text: string): Promise<TextRef>;
  /** Whether it was there when it was last looked for. */
  has(digest: string): boolean;
  /** Undefined when it is not kept (any more), or was altered. */
  load(digest: string): Promise<string | undefined>;
  /** Removes all but these. */
  sweep(kept: ReadonlySet<string>): Promise<void>;
}

/** They hold passwords, as `proxy.cfg` does. */
const FILE_MODE = 0o600;

const NAME = /^([0-9a-f]{64})\.txt$/;

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The folder must exist. */
export async function openKeptTexts(files: Files, folder: string): Promise<KeptTexts> {
  const pathOf = (digest: string): string => `${folder}/${digest}.txt`;
  const digestIn = (name: string): string[] => NAME.exec(name)?.slice(1) ?? [];
  const listed = async () => new Set((await files.list(folder)).flatMap(digestIn));
  let present = await listed();
  return {
    async keep(text) {
      const ref = {digest: digestOf(text), bytes: Buffer.byteLength(text)};
      const isThere = present.has(ref.digest) && (await files.readStamp(pathOf(ref.digest))) !== undefined;
      if (!isThere) await files.replace(pathOf(ref.digest), text, FILE_MODE);
      present.add(ref.digest);
      return ref;
    },
    has: digest => present.has(digest),
    async load(digest) {
      if (!present.has(digest)) return undefined;
      const text = await files.readText(pathOf(digest));
      if (text !== undefined && digestOf(text) === digest) return text;
      present.delete(digest);
      return undefined;
    },
    async sweep(kept) {
      present = await listed();
      for (const digest of [...present].filter(one => !kept.has(one))) {
        present.delete(digest);
        await files.remove(pathOf(digest));
      }
    },
  };
}
