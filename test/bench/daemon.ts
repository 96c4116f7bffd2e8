import {readFileSync} from 'node:fs';
import {type Daemon, type DaemonOptions, startDaemon} from '../support/daemon.ts';
import {freePort} from '../support/free-port.ts';
import {machine} from '../support/place.ts';
import {waitFor} from '../support/wait.ts';
import {counted} from './figure.ts';
import {runPingLoad} from './ping-load.ts';

export interface BenchDaemonOptions extends Omit<DaemonOptions, 'template' | 'port'> {
  /** Lines of `global`. */
  readonly global?: string;
  /** Where HAProxy listens; a free port when absent. */
  readonly proxyPort?: number;
  /** Where the members do; `proxyPort` when absent. */
  readonly memberPort?: number;
  /** The end of each server line. */
  readonly serverOptions?: string;
}

/** A line for `global` that makes every change of the members a reload, also where HAProxy could be told of it. */
export const RELOADING = 'description {{hosts.web|length}} members';

/** The two kinds of passes, each with the ways that show it was that. */
export const KINDS = [
  {kind: 'run time', global: '', isMeant: (way: string) => way === 'runtime'},
  {kind: 'reload', global: RELOADING, isMeant: (way: string) => way !== 'runtime'},
] as const;

/** A typical template of 2017. */
export const benchTemplate = ({
  place = machine,
  global = '',
  proxyPort,
  memberPort = proxyPort,
  serverOptions = '',
}: BenchDaemonOptions & {proxyPort: number}): string => `
global
  ${global}
defaults
  mode http
  option http-server-close
  timeout connect 2s
  timeout client 15s
  timeout server 15s
frontend proxy
  bind ${place.ip}:${proxyPort}
  default_backend web
backend web
  balance roundrobin
{%- for key in hosts %}{% for ip in hosts[key] %}
  server {{key}}-{{loop.index}} {{ip}}:${memberPort} ${serverOptions}
{%- endfor %}{% endfor %}
`;

/** Members stay, and changes do not wait. */
export const BENCH_SETTINGS = {KONTROL_DAMPER: '0', KONTROL_TTL: '600', KONTROL_WARMUP: '0'} as const;

/** A daemon as a pod runs it, but for the damper, which is off. Does not wait. */
export async function spawnBenchDaemon(options: BenchDaemonOptions = {}): Promise<Daemon> {
  const proxyPort = options.proxyPort ?? (await freePort());
  return startDaemon({
    ...options,
    template: benchTemplate({...options, proxyPort}),
    env: {...BENCH_SETTINGS, ...options.env},
  });
}

/** The same, in sync when this resolves. */
export async function startBenchDaemon(options?: BenchDaemonOptions): Promise<Daemon> {
  const daemon = await spawnBenchDaemon(options);
  await daemon.waitFor(status => status.inSync, 'a daemon in sync');
  return daemon;
}

/** The same with so many members (10.0.0.1 and on), all served. */
export async function startCrowdedDaemon(members: number, options?: BenchDaemonOptions): Promise<Daemon> {
  await using undo = new AsyncDisposableStack();
  const daemon = undo.use(await startBenchDaemon(options));
  const pace = {is: 'closed', inFlight: 32, connections: 'new'} as const;
  await runPingLoad({port: daemon.port, slaves: members, count: members, pace});
  await hostsReach(daemon, members, {inSync: true});
  undo.move();
  return daemon;
}

/** What looks at a daemon takes from what it measures: 10,000 hosts are 160 kB of status. */
const LOOK_MS = 100;
const PATIENCE_MS = 90_000;

/** Waits until the hosts map holds so many, and with `inSync` until HAProxy serves them. Looks 10 times a second. */
export async function hostsReach(daemon: Daemon, count: number, {inSync}: {readonly inSync: boolean}): Promise<void> {
  const isReached = async () => {
    const status = await daemon.status();
    return status?.hosts.web?.length === count && (!inSync || status.inSync);
  };
  await waitFor(isReached, counted(count, 'host'), {timeoutMs: PATIENCE_MS, everyMs: LOOK_MS});
}

/** The memory of a process in MiB, as the kernel counts it. */
export function residentMiB(pid: number): number {
  const [, kib = 'NaN'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}

const TICKS_PER_SECOND = 100;

/** The CPU time of a process so far, user and system, in ms. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}
