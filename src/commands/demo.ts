import {createWriteStream} from 'node:fs';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join, relative} from 'node:path';
import {fileURLToPath} from 'node:url';
import {type DemoPod, openDemoBackend} from '../demo/backend.ts';
import {startDemoDaemon} from '../demo/daemon.ts';
import {describeDemo} from '../demo/guide.ts';
import {choosePort} from '../demo/ports.ts';
import {DaemonError} from '../errors.ts';
import {PACKAGE_ROOT} from '../package-root.ts';
import {systemClock as clock} from '../ports/clock.ts';
import {openLog} from '../ports/log.ts';
import {systemSpawn as spawn} from '../ports/spawn.ts';
import {sendPing} from '../slave/send.ts';
import type {CommandMain} from './call.ts';

const TTL_MS = 5000;

const POD_IPS = ['127.0.0.11', '127.0.0.12', '127.0.0.13'] as const;

/** The shape of the template that most deployments of 2017 have. */
const deriveTemplate = (webPort: number, podPort: number): string => `
defaults
  mode            http
  timeout connect 2s
  timeout client  15s
  timeout server  15s

frontend proxy
  bind            *:${webPort}
  default_backend http

backend http
  balance roundrobin
  option  redispatch
  {%- for key in hosts %}
  {%- for ip in hosts[key] %}
  server {{key}}-{{loop.index}} {{ip}}:${podPort} check
  {%- endfor %}
  {%- endfor %}
`;

interface Ports {
  readonly web: number;
  readonly master: number;
  readonly status: number;
  readonly pod: number;
}

const quoteForShell = (word: string): string => (/^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** The usual ports, but where one is taken. Settings of the caller's own, `KONTROL_HAPROXY` say, stay in force. */
const deriveEnvironment = (folder: string, {web, master, status, pod}: Ports): Record<string, string> => ({
  KONTROL_MODE: 'master',
  KONTROL_LABELS: '{"app":"haproxy","role":"balancer"}',
  KONTROL_ANNOTATIONS: '{}',
  KONTROL_DATA: folder,
  KONTROL_SOCKET: join(folder, 'control.sock'),
  KONTROL_PORT: String(master),
  KONTROL_STATUS_PORT: String(status),
  KONTROL_TEMPLATE: deriveTemplate(web, pod),
  KONTROL_TTL: String(TTL_MS / 1000),
  KONTROL_DAMPER: '0.5',
  KONTROL_WARMUP: '0',
  KONTROL_LINGER: '0',
  KONTROL_GRACE: '5',
});

/**
 * `haproxy-kontrol demo`: the daemon with three backends on loopback that ping it as slaves, until Ctrl-C. Everything
 * lives in a temporary folder and on free ports. Resolves with the exit code; rejects with what kept it from serving.
 */
export const demo: CommandMain<'demo'> = async ({print, gone}) => {
  const interrupted = new AbortController();
  const interruption = new Promise<void>(resolve => {
    const interrupt = () => {
      interrupted.abort();
      resolve();
    };
    // Every one of them, not the first alone: under npm a Ctrl-C comes twice, and the default is to end at once.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
    gone.addEventListener('abort', interrupt, {once: true});
  });
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'kontrol-demo-'));
  stack.defer(() => rm(folder, {recursive: true, force: true}));
  const logFile = join(folder, 'kontrol.log');
  const log = createWriteStream(logFile).on('error', () => {});
  stack.defer(() => log.close());

  const ports: Ports = {
    web: await choosePort('0.0.0.0', 8080),
    master: await choosePort('::', 8000),
    status: await choosePort('::', 8001),
    pod: await choosePort(POD_IPS[0], 9000),
  };
  const main = fileURLToPath(new URL('dist/main.js', PACKAGE_ROOT));
  const daemon = await startDemoDaemon(
    {main, env: deriveEnvironment(folder, ports), statusPort: ports.status},
    {spawn, clock, onLine: line => log.write(`${line}\n`)},
  );
  stack.use(daemon);

  const pods = POD_IPS.map((ip, index): DemoPod => ({name: `web-${index + 1}`, ip, port: ports.pod}));
  const silent = openLog('info', {write: () => {}}).log;
  const slavePorts = {
    master: {host: '127.0.0.1', port: ports.master},
    ttlMs: TTL_MS,
    send: sendPing,
    clock,
    log: silent,
  };
  for (const pod of pods) stack.use(await openDemoBackend(pod, slavePorts));

  try {
    await daemon.untilServing(pods.length, interrupted.signal);
  } catch (error) {
    if (interrupted.signal.aborted) return 0;
    throw error;
  }
  const program = [process.execPath, main]
    .map(path => relative(process.cwd(), path))
    .map(quoteForShell)
    .join(' ');
  print(describeDemo({...ports, pods, logFile, ttlMs: TTL_MS, program}));
  const lastWords = await Promise.race([interruption, daemon.ended]);
  if (lastWords !== undefined) throw new DaemonError('PROXY', `cannot go on: the daemon ended: ${lastWords}`);
  print('\nstopping: the backends say down, HAProxy drains\n');
  return 0;
};
