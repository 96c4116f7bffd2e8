import {execFile} from 'node:child_process';
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import type {Place} from '../support/place.ts';
import {endProcessesOf} from '../support/processes.ts';

const run = promisify(execFile);

/**
 * What the pod did in 2017 at a reload (docs/contract-2017.md#reload): drop SYN packets, wait a second, `-sf`, undrop.
 */
const RELOAD = `
iptables -w -I INPUT -p tcp --dport 80 --syn -j DROP
sleep 1
"$0" -p "$1/proxy.pid" -f "$1/proxy.cfg" -D -sf $(cat "$1/proxy.pid") 2>> "$1/proxy.out"
iptables -w -D INPUT -p tcp --dport 80 --syn -j DROP`;

/** The wrapper's way of running HAProxy, without the rest of the old stack. */
export interface Wrapper extends AsyncDisposable {
  reload(text: string): Promise<void>;
}

export async function startWrapper(haproxy: string, text: string, place: Place): Promise<Wrapper> {
  const folder = await mkdtemp(join(tmpdir(), 'kontrol-2017-'));
  await writeFile(join(folder, 'proxy.pid'), '');
  const shell = async (script: string) => {
    const [file = '', ...args] = place.exec(['sh', '-c', script, haproxy, folder]);
    await run(file, args);
  };
  await writeFile(join(folder, 'proxy.cfg'), text);
  await shell('"$0" -p "$1/proxy.pid" -f "$1/proxy.cfg" -D 2>> "$1/proxy.out"');
  await readFile(join(folder, 'proxy.pid'));
  return {
    async reload(next) {
      await writeFile(join(folder, 'proxy.cfg'), next);
      await shell(RELOAD);
    },
    async [Symbol.asyncDispose]() {
      await endProcessesOf(folder);
      await rm(folder, {recursive: true, force: true});
    },
  };
}
