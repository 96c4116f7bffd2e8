import {readFile} from 'node:fs/promises';
import {type Daemon, type DaemonOptions, startDaemon} from '../support/daemon.ts';
import {getSegments} from '../support/exchange.ts';
import {freePort} from '../support/free-port.ts';
import {machine} from '../support/place.ts';
import {type PodFolder, shell} from '../support/pod.ts';

/** An app named `broken` makes a configuration that HAProxy refuses. */
const templateFor = (webPort: number, podPort: number): string => `
defaults
  mode http
  timeout connect 2s
  timeout client 15s
  timeout server 15s
frontend f
  bind 127.0.0.1:${webPort}
  default_backend b
backend b
  balance roundrobin
{%- for key in hosts %}{% for ip in hosts[key] %}
  {% if key == 'broken' %}nonsense{% else %}server {{key}}-{{loop.index}} {{ip}}:${podPort}{% endif %}
{%- endfor %}{% endfor %}
`;

/** A manifest whose `configure` has these lines, and these states more. */
export const manifestWith = (configure: string, more = ''): string => `
initial: setup
terminal: stop
states:
  - tag: setup
    next: [configure]
  - tag: configure
    next: [configure, '*']
${configure}
${more}
  - tag: stop
    run: [drain]
`;

export const RUN = '    run: [render, validate, apply]\n';

export interface Bench {
  readonly daemon: Daemon;
  readonly webPort: number;
  readonly podPort: number;
  readonly socket: string;
  /** One command by socat, with a patience of 60 s. */
  say(command: string | Buffer): Promise<string>;
  ctl(args: string): ReturnType<typeof shell>;
}

/** A daemon that serves its first pass, with the shim on PATH and its template a loop over hosts. */
export async function startBench(folder: PodFolder, manifest?: string, env: DaemonOptions['env'] = {}): Promise<Bench> {
  const [webPort, podPort] = [await freePort(), await freePort()];
  const daemon = await startDaemon({
    template: templateFor(webPort, podPort),
    env: {
      ...folder.env,
      POD: folder.path,
      KONTROL_TELEGRAF_CONF: folder.file('telegraf.conf'),
      ...(manifest !== undefined && {KONTROL_LIFECYCLE: await folder.write('lifecycle.yml', manifest)}),
      ...env,
    },
  });
  const socket = `${daemon.dataFolder}/sock`;
  await daemon.waitFor(({inSync}) => inSync, 'the first pass', 30_000);
  return {
    daemon,
    webPort,
    podPort,
    socket,
    say: async command => (await shell(`socat -t 60 - ${socket}`, {}, command)).stdout,
    ctl: args => shell(`haproxy-kontrol ctl ${args}`, {...folder.env, KONTROL_SOCKET: socket}),
  };
}

/** The status of a request through the proxy, or how it failed. */
export async function answerOf(webPort: number): Promise<string> {
  const segments = getSegments('/', 'x');
  const outcome = await machine.exchange({host: '127.0.0.1', port: webPort, segments, timeoutMs: 3000});
  return outcome.is === 'answered' ? String(outcome.answer.status) : outcome.kind;
}

/** The lines of a file that a script appends to; none while there is no file. */
export const linesOf = async (path: string): Promise<string[]> =>
  (await readFile(path, 'utf8').catch(() => '')).split('\n').filter(line => line !== '');
