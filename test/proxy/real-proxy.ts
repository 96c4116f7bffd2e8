import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {systemSpawn} from '../../src/ports/spawn.ts';
import {ask} from '../../src/proxy/runtime.ts';
import {haproxyBinary} from '../support/parts.ts';
import {waitFor} from '../support/wait.ts';

/** A real HAProxy in a network namespace of its own, so that a test may bind what it likes. */
export interface RealProxy extends AsyncDisposable {
  readonly pid: number;
  readonly socket: string;
  /** Every line it wrote so far. */
  readonly lines: readonly string[];
}

/** Starts it on `text`, in which `{folder}` is a folder for its sockets, and waits until it serves. Needs `netns`. */
export async function startProxy(text: string, args: readonly string[] = []): Promise<RealProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'kontrol-proxy-'));
  const socket = join(folder, 'runtime.sock');
  const configuration = join(folder, 'proxy.cfg');
  await writeFile(configuration, text.replaceAll('{folder}', folder));
  await writeFile(join(folder, 'control.cfg'), `global\n    stats socket ${socket} level admin\n`);
  const lines: string[] = [];
  const child = await systemSpawn.start(
    {
      file: 'unshare',
      args: [
        ...['--net', 'sh', '-c', 'ip link set lo up && exec "$0" "$@"'],
        ...[haproxyBinary, '-db', '-f', configuration, '-f', join(folder, 'control.cfg'), ...args],
      ],
    },
    line => lines.push(line),
  );
  const stop = async () => {
    child.kill('SIGKILL');
    await child.exited;
    await rm(folder, {recursive: true});
  };
  try {
    const isServing = () => ask(socket, 'show info', {timeoutMs: 1000}).catch(() => undefined);
    await waitFor(isServing, 'an answer of HAProxy', {evidence: () => lines.join('\n')});
  } catch (error) {
    await stop();
    throw error;
  }
  return {pid: child.pid, socket, lines, [Symbol.asyncDispose]: stop};
}
