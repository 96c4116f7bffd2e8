import {readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {isDeepStrictEqual} from 'node:util';
import {openVolume, podinfoOf} from '../kubernetes/downward.ts';
import {environmentOf} from '../kubernetes/downward-world.ts';
import {CONFIG, LABELS} from '../kubernetes/served.ts';
import {startBackends} from './backend.ts';
import {appliedHosts, type Daemon, type DaemonOptions, startDaemon} from './daemon.ts';
import {openFolder} from './folder.ts';
import {freePort} from './free-port.ts';
import {replaceFile} from './replace-file.ts';
import type {Slave} from './slave.ts';
import {waitFor} from './wait.ts';
import {fetchText, webTemplate, webTemplateAgain} from './web.ts';

/** Where a template stands: in a file, or in the pod's annotation, which a volume shows. */
export type TemplateSource = 'file' | 'annotation';

/** A daemon on loopback whose HAProxy serves one backend, `pod`, by a template that a test may rewrite. */
export interface Served extends AsyncDisposable {
  readonly daemon: Daemon;
  /** HAProxy's port. */
  readonly port: number;
  /** The backend's port, at any address of its own. */
  readonly podPort: number;
  /** The slave that pings for the backend. */
  readonly pod: Slave;
  /** The template as it is at first. */
  readonly template: string;
  /** What to start a daemon with that goes on where this one stopped. */
  readonly again: DaemonOptions;
  rewrite(template: string): Promise<void>;
  /** Makes a pass that takes a reload; the text's first line is then `# reload <n>`. */
  reload(): Promise<void>;
  /** GET through HAProxy: `pod`, or what went wrong. */
  fetch(path?: string): Promise<string>;
  /** The PID of the HAProxy that serves. */
  pid(): Promise<number>;
  /** `proxy.cfg` as it is on disk. */
  committed(): Promise<string>;
}

/** All of 127.0.0.0/8 is this machine's, and a loopback address may ping from loopback. */
export const POD_IP = '127.0.9.1';

const PING_EVERY_MS = 500;

export interface KeptTemplate extends AsyncDisposable {
  readonly options: Pick<DaemonOptions, 'template' | 'env'>;
  write(text: string): Promise<void>;
}

/** Puts a template where a daemon, started with these options, finds it. */
export async function keepTemplate(source: TemplateSource, text: string): Promise<KeptTemplate> {
  const filesOf = (template: string) => podinfoOf(LABELS, {[CONFIG]: template});
  if (source === 'annotation') {
    const volume = await openVolume(filesOf(text));
    return {
      options: {template: '', env: environmentOf(volume.path)},
      write: next => volume.write(filesOf(next)),
      [Symbol.asyncDispose]: () => volume[Symbol.asyncDispose](),
    };
  }
  const folder = await openFolder();
  const path = join(folder.path, 'proxy.j2');
  await writeFile(path, text);
  return {
    options: {template: path, env: {}},
    write: next => replaceFile(path, next),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** Resolves once the backend answers through the proxy, everything is in sync and the snapshot holds it. */
export async function startServed(env: DaemonOptions['env'] = {}, source: TemplateSource = 'file'): Promise<Served> {
  await using undo = new AsyncDisposableStack();
  const [port, podPort] = [await freePort(), await freePort()];
  const data = undo.use(await openFolder());
  const template = webTemplate(`127.0.0.1:${port}`, podPort);
  const kept = undo.use(await keepTemplate(source, template));
  undo.use(await startBackends([{name: 'pod', host: POD_IP, port: podPort}]));
  const options = {...kept.options, dataFolder: data.path, env: {...kept.options.env, ...env}};
  const daemon = undo.use(await startDaemon(options));
  const pod = daemon.slave({ip: POD_IP});
  undo.defer(pod.silence);
  pod.run(PING_EVERY_MS);
  const fetch = (url = '/') => fetchText({port, path: url});
  const isApplied = async () => isDeepStrictEqual(await appliedHosts(daemon), {web: [POD_IP]});
  await daemon.waitFor(
    async ({inSync}) => inSync && (await isApplied()) && (await fetch()) === 'pod',
    'the pod served',
  );
  // A snapshot may be a second old: who kills the daemon wants to know that the pod is in it.
  const isRemembered = async () => (await readFile(join(data.path, 'members.json'), 'utf8')).includes(POD_IP);
  await waitFor(() => isRemembered().catch(() => false), 'the pod in the snapshot');
  let reloads = 0;
  const opened = undo.move();
  return {
    daemon,
    port,
    podPort,
    pod,
    template,
    again: {...options, port: daemon.port, statusPort: daemon.statusPort},
    rewrite: kept.write,
    reload: () => kept.write(webTemplateAgain(template, ++reloads)),
    fetch,
    pid: () => daemon.waitFor(({proxy}) => proxy.state === 'RUNNING' && proxy.pid, 'a running proxy'),
    committed: () => readFile(join(data.path, 'proxy.cfg'), 'utf8'),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
