import type {Files} from '../ports/files.ts';

/** A template that is remembered across restarts, with the pass that it comes from. */
export interface KeptTemplate {
  readonly pass: number;
  readonly template: string;
  /** Epoch ms: since when it is kept. */
  readonly sinceAt: number;
  /** The other replica whose pass it is; absent for our own. */
  readonly replica?: string;
}

/** What a template's file takes of them. */
export type TemplateFiles = Pick<Files, 'readText' | 'readStamp' | 'replace' | 'remove'>;

/** One template in a file of its own. */
export interface TemplateFile {
  readonly current: KeptTemplate | undefined;
  /** The file was there, and altered or cut. */
  readonly isDamaged: boolean;
  /** Keeps this one, or none, from now on; written again where somebody removed the file. Rejects with the system's error, and then keeps what it kept. */
  put(kept: KeptTemplate | undefined): Promise<void>;
}

/** Templates may hold passwords. */
const FILE_MODE = 0o600;

const parseKept = (text: string): KeptTemplate | undefined => {
  try {
    const value = JSON.parse(text) as KeptTemplate;
    const isSound =
      Number.isSafeInteger(value.pass) && Number.isSafeInteger(value.sinceAt) && typeof value.template === 'string';
    if (!isSound) return undefined;
    const {pass, template, sinceAt, replica} = value;
    return {pass, template, sinceAt, ...(typeof replica === 'string' && {replica})};
  } catch {
    return undefined;
  }
};

/** Opens what an earlier daemon kept at `path`; a file that cannot be read is one that is not there. */
export async function openTemplateFile(files: TemplateFiles, path: string): Promise<TemplateFile> {
  const text = await files.readText(path).catch(() => undefined);
  let current = text === undefined ? undefined : parseKept(text);
  const isDamaged = text !== undefined && current === undefined;
  return {
    get current() {
      return current;
    },
    isDamaged,
    async put(kept) {
      if (kept !== undefined && kept === current && (await files.readStamp(path)) !== undefined) return;
      if (kept === undefined) await files.remove(path);
      else await files.replace(path, JSON.stringify(kept), FILE_MODE);
      current = kept;
    },
  };
}
