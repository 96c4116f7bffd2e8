import {rename, writeFile} from 'node:fs/promises';

/** Gives a file another content at once, as an editor does: a daemon that follows it never reads half of it. */
export async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.next`, text);
  await rename(`${path}.next`, path);
}
