import type {Answer} from '../support/answer.ts';
import {getSegments} from '../support/exchange.ts';
import type {TwoNamespaces} from '../support/namespaces.ts';
import {createSlave, type Slave} from '../support/slave.ts';
import type {Status} from '../support/status.ts';
import {waitFor} from '../support/wait.ts';
import {podman, tryPodman} from './podman.ts';

export interface ContainerOptions {
  readonly image: string;
  readonly net: TwoNamespaces;
  /** Settings beside or instead of the defaults below. */
  readonly env?: Readonly<Record<string, string>>;
  /** Options of `podman run`; CONFINED is how a careful cluster would run it. */
  readonly options: readonly string[];
}

/** A container of the daemon, in a pod's network. Disposing removes it, whatever state it is in. */
export interface Container extends AsyncDisposable {
  readonly id: string;
  get(path: string): Promise<Answer | undefined>;
  /** Polls `/status` until `condition` gives something truthy, and returns that. */
  waitFor<T>(
    condition: (status: Status) => T,
    what: string,
    timeoutMs?: number,
  ): Promise<Exclude<T, false | undefined | null | 0 | ''>>;
  /** Runs a program inside; its standard output. Rejects when it fails. */
  exec(...argv: string[]): Promise<string>;
  slave(ip: string): Slave;
  /** Waits until it has ended; its exit code. */
  exitCode(): Promise<number>;
  logs(): Promise<string>;
}

/** A read-only root, no capability, no way to gain one, two writable places: nothing that the daemon needs is missing. */
export const CONFINED = [
  '--read-only',
  '--read-only-tmpfs=false',
  '--cap-drop=ALL',
  '--security-opt=no-new-privileges',
  '--tmpfs=/data:rw,mode=1777',
  '--tmpfs=/tmp:rw,mode=1777',
];

/** The template of a container that is given none: every pod on port 80. */
export const TEMPLATE = `
frontend proxy
  mode http
  bind *:80
  timeout client 15s
  default_backend web

backend web
  mode http
  timeout connect 2s
  timeout server 15s
{%- for key in hosts %}{% for ip in hosts[key] %}
  server {{key}}-{{loop.index}} {{ip}}:80
{%- endfor %}{% endfor %}
`;

const DEFAULTS = {
  KONTROL_MODE: 'master',
  KONTROL_LABELS: JSON.stringify({app: 'haproxy', role: 'balancer'}),
  KONTROL_TEMPLATE: TEMPLATE,
  KONTROL_TTL: '20',
  KONTROL_WARMUP: '0',
  KONTROL_DAMPER: '0.1',
  KONTROL_LINGER: '0.5',
  KONTROL_GRACE: '20',
};

const STARTS_WITHIN_MS = 30_000;

/** Starts a container in the proxy's namespace. It does not wait until the daemon serves. */
export async function startContainer({image, net, env = {}, options}: ContainerOptions): Promise<Container> {
  const settings = Object.entries({...DEFAULTS, ...env}).map(([name, value]) => `--env=${name}=${value}`);
  const id = await podman(
    'run',
    '--detach',
    `--network=ns:/run/netns/${net.proxy.namespace}`,
    ...settings,
    ...options,
    image,
  );
  const get = async (path: string): Promise<Answer | undefined> => {
    const segments = getSegments(path, 'localhost');
    const outcome = await net.proxy.exchange({host: '127.0.0.1', port: 8001, segments, timeoutMs: 2000});
    return outcome.is === 'answered' ? outcome.answer : undefined;
  };
  const logs = async () => {
    const {stdout, stderr} = await tryPodman('logs', '--tail=30', id);
    return `${stdout}${stderr}`;
  };
  return {
    id,
    get,
    logs,
    async waitFor(condition, what, timeoutMs = STARTS_WITHIN_MS) {
      try {
        return await waitFor(
          async () => {
            const answer = await get('/status');
            return answer?.status === 200 ? condition(JSON.parse(answer.body) as Status) : undefined;
          },
          what,
          {timeoutMs},
        );
      } catch (cause) {
        throw new Error(`cannot see ${what} of ${image}\n${await logs()}`, {cause});
      }
    },
    exec: (...argv) => podman('exec', id, ...argv),
    slave: ip => createSlave({master: {host: net.proxy.ip, port: 8000}, ip, place: net.client, localAddress: ip}),
    exitCode: async () => Number(await podman('wait', id)),
    async [Symbol.asyncDispose]() {
      await tryPodman('rm', '--force', '--time=0', id);
    },
  };
}
