import type {Labels} from '../config/config.ts';

export const OPENTSDB_ANNOTATION = 'kontrol.unity3d.com/opentsdb';

const OPENTSDB_PORT = 4242;
const STATSD_ADDRESS = '127.0.0.1:8125';
const HAPROXY_STATS = 'http://127.0.0.1:1936/haproxy?stats';

/** Where telegraf sends to, or why it is off. */
export type Endpoint =
  | {readonly is: 'on'; readonly host: string; readonly port: number}
  | {readonly is: 'off'; readonly why: string};

/** A host, `[v6]` included, that may have a scheme before it and a port behind. */
const ENDPOINT = /^(?:tcp:\/\/)?(?<host>\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]+)(?::(?<port>\d{1,5}))?\/?$/;

/**
 * Reads the annotation `kontrol.unity3d.com/opentsdb` (docs/contract-2017.md#configuration): a host, port 4242 unless
 * it names one.
 */
export function parseEndpoint(annotation: string | undefined): Endpoint {
  const given = annotation?.trim() ?? '';
  if (given === '') return {is: 'off', why: `there is no annotation ${OPENTSDB_ANNOTATION}`};
  const {host, port = OPENTSDB_PORT} = ENDPOINT.exec(given)?.groups ?? {};
  if (host === undefined || Number(port) > 65_535 || Number(port) === 0) {
    return {is: 'off', why: `annotation ${OPENTSDB_ANNOTATION} ${JSON.stringify(given)} is not a host or host:port`};
  }
  return {is: 'on', host, port: Number(port)};
}

/** Whether a label tags the metrics: docs/contract-2017.md#telegraf. */
const isTag = (key: string): boolean =>
  key === 'app' || key === 'role' || key.includes('unity3d.com') || key.endsWith('/hostname');

/** The tags, by name: the part of a label's key behind its last `/`. A pod's label wins over its node's. */
export function deriveTags(nodeLabels: Labels, podLabels: Labels): Map<string, string> {
  const tags = new Map<string, string>();
  for (const labels of [nodeLabels, podLabels]) {
    for (const [key, value] of Object.entries(labels).sort()) {
      const name = key.slice(key.lastIndexOf('/') + 1);
      if (isTag(key) && name !== '') tags.set(name, value);
    }
  }
  return new Map([...tags].sort());
}

const ESCAPES: Readonly<Record<string, string>> = {'"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t'};

/**
 * A TOML basic string (TOML 1.0, "String"): whatever the value holds, it stays one value. `$` is escaped too, since
 * telegraf puts its environment into the text before it parses it.
 */
export const tomlString = (text: string): string =>
  `"${text.toWellFormed().replace(/["\\$\p{Cc}]/gu, character => {
    const code = character.charCodeAt(0).toString(16).padStart(4, '0');
    return ESCAPES[character] ?? `\\u${code}`;
  })}"`;

const tomlKey = (name: string): string => (/^[0-9A-Za-z_-]+$/.test(name) ? name : tomlString(name));

/** `telegraf.conf`, whole: equal input gives equal text, and nothing of an earlier one is kept. */
export function renderTelegraf(tags: ReadonlyMap<string, string>, {host, port}: Endpoint & {is: 'on'}): string {
  return `# written by haproxy-kontrol: changes are lost; set KONTROL_TELEGRAF_CONF to write it elsewhere
[global_tags]
${[...tags].map(([name, value]) => `  ${tomlKey(name)} = ${tomlString(value)}\n`).join('')}
[agent]
  interval = "10s"

[[outputs.opentsdb]]
  host = ${tomlString(`tcp://${host}`)}
  port = ${port}

[[inputs.statsd]]
  service_address = ${tomlString(STATSD_ADDRESS)}

[[inputs.haproxy]]
  servers = [${tomlString(HAPROXY_STATS)}]
`;
}
