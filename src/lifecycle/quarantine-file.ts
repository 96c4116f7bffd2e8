import type {Files} from '../ports/files.ts';
import type {Pod} from '../template/input.ts';
import type {Suspect} from './suspects.ts';

/** A member in quarantine, as the next daemon has to know it. */
export interface KeptEntry {
  readonly suspect: Suspect;
  /** Of the template that it is in quarantine for. */
  readonly digest: string;
  readonly reason: string;
  /** Epoch ms. */
  readonly sinceAt: number;
  readonly tries: number;
  /** HAProxy's check passes with it, and a start does not. */
  readonly stopsStarts: boolean;
}

/** Who is in quarantine, in a file: a restart need not fail with them first, nor forget what they said when they worked. */
export interface QuarantineFile {
  /** What an earlier daemon left. */
  readonly kept: readonly KeptEntry[];
  /** Rejects with the system's error. Writes nothing that is there already. */
  put(entries: readonly KeptEntry[]): Promise<void>;
}

/** Payloads may hold passwords. */
const FILE_MODE = 0o600;

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

const isPod = (value: unknown): value is Pod => {
  if (!isFields(value)) return false;
  const {app, id, ip, key, role, seq} = value;
  return [app, id, ip, key, role].every(text => typeof text === 'string') && (seq ?? 0) === Number(seq ?? 0);
};

function entryOf(value: unknown): KeptEntry[] {
  if (!isFields(value) || !isFields(value.suspect)) return [];
  const {digest, reason, sinceAt, tries, stopsStarts = false} = value;
  const {pod, before} = value.suspect;
  if (!isPod(pod) || (before !== undefined && !isPod(before))) return [];
  if (typeof digest !== 'string' || typeof reason !== 'string') return [];
  if (typeof sinceAt !== 'number' || typeof tries !== 'number') return [];
  if (typeof stopsStarts !== 'boolean') return [];
  return [{suspect: {pod, before}, digest, reason, sinceAt, tries, stopsStarts}];
}

/** Nobody, where a text says nothing of the kind. */
export const parseEntries = (text: string): KeptEntry[] => {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.flatMap(entryOf) : [];
  } catch {
    return [];
  }
};

export const formatEntries = (entries: readonly KeptEntry[]): string => JSON.stringify(entries);

/** Opens what an earlier daemon left at `path`; what cannot be read is not there, and found anew. */
export async function openQuarantineFile(
  files: Pick<Files, 'readText' | 'readStamp' | 'replace' | 'remove'>,
  path: string,
): Promise<QuarantineFile> {
  let written = (await files.readText(path).catch(() => undefined)) ?? '';
  return {
    kept: parseEntries(written),
    async put(entries) {
      const text = entries.length === 0 ? '' : formatEntries(entries);
      if (text === written && (text === '' || (await files.readStamp(path)) !== undefined)) return;
      if (text === '') await files.remove(path);
      else await files.replace(path, text, FILE_MODE);
      written = text;
    },
  };
}
