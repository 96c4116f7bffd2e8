import {getSegments} from './exchange.ts';
import {machine, type Place} from './place.ts';

/** A template that balances every host of every app behind `bind` (the address of a `bind` line). */
export const webTemplate = (bind: string, serverPort: number): string => `
frontend proxy
  mode http
  bind ${bind}
  timeout client 15s
  default_backend web

backend web
  mode http
  balance roundrobin
  timeout connect 2s
  timeout server 15s
{%- for key in hosts %}{% for ip in hosts[key] %}
  server {{key}}-{{loop.index}} {{ip}}:${serverPort}
{%- endfor %}{% endfor %}
`;

/** The same with another time-out, which no runtime command can set: applying it takes a reload. Its first line names `n`. */
export const webTemplateAgain = (template: string, n: number): string =>
  `# reload ${n}\n${template.replace(/timeout client \d+s/, `timeout client ${15 + n}s`)}`;

interface Fetch {
  readonly port: number;
  readonly host?: string;
  readonly path?: string;
  readonly place?: Place;
  readonly timeoutMs?: number;
}

/** One GET on a new connection: the body of a 200 without its line end, `status 503`, or how it failed (`refused`). */
export async function fetchText({
  port,
  host = '127.0.0.1',
  path = '/',
  place = machine,
  timeoutMs = 5000,
}: Fetch): Promise<string> {
  const outcome = await place.exchange({host, port, segments: getSegments(path, host), timeoutMs});
  if (outcome.is === 'failed') return outcome.kind;
  const {status, body} = outcome.answer;
  return status === 200 ? body.trimEnd() : `status ${status}`;
}
