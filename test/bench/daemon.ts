import {readFileSync} from 'node:fs';
import {type Daemon, startDaemon} from '../support/daemon.ts';

/** A typical template of 2017. The bind address is on loopback: benches run on the machine itself. */
const templateOn = (port: number): string => `
defaults
  mode http
  timeout connect 2s
  timeout client 15s
  timeout server 15s
frontend web
  bind 127.0.0.1:${port}
  default_backend web
backend web
  balance roundrobin
{%- for key in hosts %}{% for ip in hosts[key] %}
  server {{key}}-{{loop.index}} {{ip}}:${port}
{%- endfor %}{% endfor %}
`;

/** A daemon as a pod runs it, but for the damper, which is off; it is in sync when this resolves. */
export async function startBenchDaemon(port: number, env: Readonly<Record<string, string>> = {}): Promise<Daemon> {
  const daemon = await startDaemon({
    template: templateOn(port),
    env: {KONTROL_DAMPER: '0', KONTROL_TTL: '600', KONTROL_WARMUP: '0', ...env},
  });
  await daemon.waitFor(status => status.inSync, 'a daemon in sync');
  return daemon;
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
