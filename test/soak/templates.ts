import {GUEST_IP} from './cast.ts';
import {NOTES_TEMPLATE, type Note, notesText, parseNotes} from './notes.ts';

/** The hosts of a configuration: addresses by app, in their order. */
export type Hosts = Readonly<Record<string, readonly string[]>>;

/** The port that all backends listen on, and the proxy too, in a namespace of its own. */
export const WEB_PORT = 80;

/** What all templates of a run have in common. */
export interface Form {
  /** HAProxy is 1.7. */
  readonly isOld: boolean;
  /** Servers are called by their place, so that there can be spare ones. */
  readonly hasSpares: boolean;
}

/** Two in three differ in what a running HAProxy can be told; each third one takes a reload. */
const settingsOf = (n: number) => ({weight: 1 + (n % 3), maxConn: 2000 + (Math.floor(n / 3) % 5), isWide: n % 9 >= 6});

/** Spare servers are taken once or again and again, in turn (docs/reload.md#spare-servers). */
const closesServers = (n: number, {hasSpares}: Form): string =>
  hasSpares && n % 12 < 6 ? '  option http-server-close\n' : '';

/** HAProxy 2.x closes idle connections when it is told to go, unless told not to; 1.7 does not know the option. */
const keepsIdle = (isOld: boolean): string => (isOld ? '' : '  option idle-close-on-response\n');

const headOf = (n: number, form: Form): string => {
  const {maxConn, isWide} = settingsOf(n);
  return (
    `# template ${n}\nglobal\n  maxconn ${maxConn}\ndefaults\n  mode http\n  timeout connect 2s\n  timeout client 15s\n` +
    `  timeout server 15s\n${keepsIdle(form.isOld)}${closesServers(n, form)}frontend proxy\n  bind *:${WEB_PORT}\n` +
    `${isWide ? '  bind *:8181\n' : ''}  default_backend web\nbackend web\n`
  );
};

/** A template that renders, is valid and can be started: number `n` of them. */
export const goodTemplate = (n: number, form: Form): string => {
  const {weight} = settingsOf(n);
  const name = form.hasSpares ? '{{ app }}-{{ loop.index }}' : "{{ ip.replace('.', '-') }}";
  return (
    `${headOf(n, form)}{% for ip in hosts.web|default([]) %}  server web-{{ loop.index }} {{ ip }}:${WEB_PORT} weight ${weight}\n` +
    `{% endfor %}{% for app in hosts if app != 'web' %}backend {{ app }}\n` +
    `{% for ip in hosts[app] %}  server ${name} {{ ip }}:${WEB_PORT} weight ${weight}\n` +
    `{% endfor %}{% endfor %}${NOTES_TEMPLATE}`
  );
};

/** What that template comes out as: written apart from every template engine. */
export function goodText(n: number, hosts: Hosts, form: Form, notes: readonly Note[] = []): string {
  const {weight} = settingsOf(n);
  const lines = (hosts.web ?? []).map((ip, index) => `  server web-${index + 1} ${ip}:${WEB_PORT} weight ${weight}\n`);
  for (const app of Object.keys(hosts).sort()) {
    if (app === 'web') continue;
    lines.push(`backend ${app}\n`);
    for (const [index, ip] of (hosts[app] ?? []).entries()) {
      const name = form.hasSpares ? `${app}-${index + 1}` : ip.replaceAll('.', '-');
      lines.push(`  server ${name} ${ip}:${WEB_PORT} weight ${weight}\n`);
    }
  }
  return headOf(n, form) + lines.join('') + notesText(notes);
}

/** Templates that must not be served, by what is wrong with them; each holds a good one. */
export const SPOILT = {
  syntax: (good: string) => `${good}{% for %}\n`,
  attribute: (good: string) => `${good}{{ hosts.web.first.second }}\n`,
  keyword: (good: string) => `${good}  no-such-keyword\n`,
  nothing: () => '# nobody listens\n',
  guest: (good: string) =>
    `${good}{% for ip in hosts.api|default([]) if ip == '${GUEST_IP}' %}  no-such-keyword\n{% endfor %}`,
  loop: (good: string) => `${good}{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}\n`,
  // A string only repeated takes next to nothing until somebody looks at its letters.
  memory: (good: string) =>
    `${good}{% set x = [] %}{% for i in range(100000) %}{% set _ = x.append((('a%d' % i) * 3000)|upper) %}{% endfor %}\n`,
  escape: (good: string) => `${good}{{ hosts.constructor.constructor('return process')().exit(1) }}\n`,
  takenPort: (good: string) => good.replace(`  bind *:${WEB_PORT}\n`, `  bind *:${WEB_PORT}\n  bind *:8000\n`),
} as const satisfies Record<string, (good: string) => string>;

export type Spoilt = keyof typeof SPOILT;

/** One server as a configuration, or a running HAProxy, has it. */
export interface Server {
  readonly backend: string;
  readonly name: string;
  readonly ip: string;
  readonly weight: number;
}

/** What a served configuration says: which template it comes from, its servers, and what pods said in their payload. */
export interface Served {
  readonly n: number;
  readonly servers: readonly Server[];
  readonly notes: readonly Note[];
}

/** Reads a text that came of a good template; undefined for any other. */
export function parseServed(text: string): Served | undefined {
  const n = /^# template (\d+)\n/.exec(text)?.[1];
  if (n === undefined) return undefined;
  const servers: Server[] = [];
  let backend = '';
  for (const line of text.split('\n')) {
    backend = /^backend (\S+)$/.exec(line)?.[1] ?? backend;
    const [, name, ip, weight] = /^ {2}server (\S+) ([0-9.]+):\d+ weight (\d+)$/.exec(line) ?? [];
    if (name !== undefined && ip !== undefined) servers.push({backend, name, ip, weight: Number(weight)});
  }
  return {n: Number(n), servers, notes: parseNotes(text)};
}

/** The hosts map behind a configuration's servers. */
export function hostsOf({servers}: Pick<Served, 'servers'>): Hosts {
  const byApp = Map.groupBy(servers, server => server.backend);
  return Object.fromEntries([...byApp].map(([app, own]) => [app, own.map(({ip}) => ip)]));
}
