import {createHash} from 'node:crypto';
import type {Files} from '../ports/files.ts';
import {findNamedFiles} from '../proxy/named-files.ts';

/** The files that a HAProxy has read for its text, as they were then, by path. */
export type FilesRead = ReadonlyMap<string, {stamp: string; readonly digest: string}>;

type Reading = Pick<Files, 'readStamp' | 'readText'>;

const ABSENT = 'absent';

/** HAProxy may read what we may not: that is as good as absent. */
const stampOf = async (path: string, files: Reading): Promise<string> =>
  (await files.readStamp(path).catch(() => undefined)) ?? ABSENT;

const digestOf = async (path: string, files: Reading): Promise<string> => {
  const text = await files.readText(path).catch(() => undefined);
  return text === undefined ? ABSENT : createHash('sha256').update(text).digest('base64');
};

/** Notes how the files that a text names are right now, as HAProxy is about to read them. Never rejects. */
export async function noteFiles(text: string, files: Reading): Promise<FilesRead> {
  const noted = new Map<string, {stamp: string; readonly digest: string}>();
  for (const path of findNamedFiles(text))
    noted.set(path, {stamp: await stampOf(path, files), digest: await digestOf(path, files)});
  return noted;
}

/** Those that have other content now; one that was only written again has not. Never rejects. */
export async function findChangedFiles(read: FilesRead, files: Reading): Promise<string[]> {
  const changed: string[] = [];
  for (const [path, noted] of read) {
    const stamp = await stampOf(path, files);
    if (stamp === noted.stamp) continue;
    if ((await digestOf(path, files)) === noted.digest) noted.stamp = stamp;
    else changed.push(path);
  }
  return changed;
}
