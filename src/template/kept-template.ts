import type {Files} from '../ports/files.ts';

/** A template that is remembered across restarts, with the pass that it comes from. */
export interface KeptTemplate {
  readonly pass: number;
  readonly template: string;
  /** Epoch ms: since when it is kept. */
  readonly sinceAt: number;
}

/** One template in a file of its own. */
export interface TemplateFile {
  readonly current: KeptTemplate | undefined;
  /** The file was there, and altered or cut. */
  readonly isDamaged: boolean;
  /** Keeps this one, or none, from now on. Rejects with the system's error, and then keeps what it kept. */
  put(kept: KeptTemplate | undefined): Promise<void>;
}

/** Templates may hold passwords. */
const FILE_MODE = 0o600;

const parseKept = (text: string): KeptTemplate | undefined => {
  try {
    const value = JSON.parse(text) as KeptTemplate;
    const isSound =
      Number.isSafeInteger(value.pass) && Number.isSafeInteger(value.sinceAt) && typeof value.template === 'string';
    return isSound ? {pass: value.pass, template: value.template, sinceAt: value.sinceAt} : undefined;
  } catch {
    return undefined;
  }
};

/** Opens what an earlier daemon kept at `path`; a file that cannot be read is one that is not there. */
export async function openTemplateFile(
  files: Pick<Files, 'readText' | 'replace' | 'remove'>,
  path: string,
): Promise<TemplateFile> {
  const text = await files.readText(path).catch(() => undefined);
  let current = text === undefined ? undefined : parseKept(text);
  const isDamaged = text !== undefined && current === undefined;
  return {
    get current() {
      return current;
    },
    isDamaged,
    async put(kept) {
      if (kept === undefined) await files.remove(path);
      else await files.replace(path, JSON.stringify(kept), FILE_MODE);
      current = kept;
    },
  };
}
