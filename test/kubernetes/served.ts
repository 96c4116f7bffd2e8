import type {Daemon} from '../support/daemon.ts';
import {waitFor} from '../support/wait.ts';
import {nameShownAt} from './tls-client.ts';

export const CONFIG = 'haproxy.unity3d.com/config';
export const TLS = 'haproxy.unity3d.com/tls';
export const MASTER = 'kontrol.unity3d.com/master';
export const SERVICES = 'haproxy.unity3d.com/services';
export const LABELS = {app: 'haproxy', role: 'balancer'};

/** Conditions come true within seconds; a machine that is busy with other things takes longer. */
export const PATIENCE_MS = 180_000;

const DEFAULTS = `
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
`;

/** A template whose answer names the version of it. */
export const templateOf = (port: number, version: string): string => `${DEFAULTS}
frontend web
  bind 127.0.0.1:${port}
  http-request redirect location /${version}
`;

/** A template that serves TLS; `crt` is what stands behind that word. */
export const tlsTemplateOf = (port: number, crt: string): string => `${DEFAULTS}
frontend web
  bind 127.0.0.1:${port} ssl crt ${crt}
  http-request redirect location /tls
`;

/** What the proxy's answer names; undefined while nothing answers. */
export async function locationAt(port: number): Promise<string | null | undefined> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/`, {redirect: 'manual', signal: AbortSignal.timeout(2000)});
    return answer.headers.get('location');
  } catch {
    return undefined;
  }
}

/** The daemon's last lines, for a person who must see why a wait was in vain. */
export const evidenceOf = (daemon: Daemon) => () =>
  daemon.logs
    .slice(-15)
    .map(line => JSON.stringify(line))
    .join('\n');

/** Waits for what the outside sees. */
export const see = (daemon: Daemon, condition: () => Promise<boolean>, what: string) =>
  waitFor(condition, what, {timeoutMs: PATIENCE_MS, evidence: evidenceOf(daemon)});

export const seeServed = (port: number, version: string, daemon: Daemon) =>
  see(daemon, async () => (await locationAt(port)) === `/${version}`, `${version} served`);

export const seeCertificate = (port: number, name: string, daemon: Daemon) =>
  see(daemon, async () => (await nameShownAt(port)) === name, `a handshake with ${name}`);
