import {mkdir, mkdtemp, readlink, rename, rm, symlink, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

type Labels = Readonly<Record<string, string>>;

/** A line as the kubelet writes it: the value quoted by Go. */
const lineOf = ([key, value]: [string, string]): string =>
  `${key}="${value.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n').replace(/\t/g, '\\t')}"`;

/** A volume as the kubelet mounts it: files are links through `..data`, which is swapped in one step. */
export interface Volume extends AsyncDisposable {
  readonly path: string;
  /** Swaps in new files, the old ones are gone afterwards. */
  write(files: Readonly<Record<string, string>>): Promise<void>;
}

let generation = 0;

export async function openVolume(files: Readonly<Record<string, string>>): Promise<Volume> {
  const path = await mkdtemp(join(tmpdir(), 'kontrol-volume-'));
  const write = async (next: Readonly<Record<string, string>>) => {
    const folder = `..generation_${++generation}`;
    const previous = await readlink(join(path, '..data')).catch(() => undefined);
    await mkdir(join(path, folder));
    for (const [name, text] of Object.entries(next)) {
      await mkdir(join(path, folder, name, '..'), {recursive: true});
      await writeFile(join(path, folder, name), text);
      const [top = name] = name.split('/');
      await symlink(join('..data', top), join(path, top)).catch(() => {});
    }
    await symlink(folder, join(path, '..data_tmp'));
    await rename(join(path, '..data_tmp'), join(path, '..data'));
    if (previous !== undefined) await rm(join(path, previous), {recursive: true});
  };
  await write(files);
  return {path, write, [Symbol.asyncDispose]: () => rm(path, {recursive: true, force: true})};
}

/** The files `labels` and `annotations` of a downward-API volume. */
export const podinfoOf = (labels: Labels, annotations: Labels): Record<string, string> => ({
  labels: Object.entries(labels).map(lineOf).join('\n'),
  annotations: Object.entries(annotations).map(lineOf).join('\n'),
});
