/** Fields named as in HAProxy's manual (configuration.txt 8.2); a value that HAProxy does not know (`-1`, `-`) is null. */
export type AccessFields = Readonly<Record<string, string | number | boolean | null>>;

/** Which of HAProxy's formats a line is in; `other` is a custom `log-format`, or a notice such as `Proxy web started.` */
export type AccessFormat = 'http' | 'tcp' | 'default' | 'error' | 'other';

export interface AccessLine {
  readonly format: AccessFormat;
  readonly fields: AccessFields;
}

const CLIENT = String.raw`(?<client_ip>[0-9A-Fa-f.:]+|unix):(?<client_port>\d+)`;
const DATE = String.raw`\[(?<date>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d(?:\.\d{3})?)\]`;
const ROUTE = String.raw`(?<frontend_name>\S+) (?<backend_name>[^\s/]+)/(?<server_name>\S+)`;
const COUNTS =
  String.raw`(?<actconn>\d+)/(?<feconn>\d+)/(?<beconn>\d+)/(?<srv_conn>\d+)/(?<retries>\+?\d+) ` +
  String.raw`(?<srv_queue>\d+)/(?<backend_queue>\d+)`;

/** `option httplog`; captured headers in braces are there when any are captured. */
const HTTP = new RegExp(
  String.raw`^${CLIENT} ${DATE} ${ROUTE} (?<TR>-?\d+)/(?<Tw>-?\d+)/(?<Tc>-?\d+)/(?<Tr>-?\d+)/(?<Ta>\+?-?\d+) ` +
    String.raw`(?<status_code>-?\d+) (?<bytes_read>\+?\d+) (?<captured_request_cookie>\S+) ` +
    String.raw`(?<captured_response_cookie>\S+) (?<termination_state>\S{4}) ${COUNTS} ` +
    String.raw`(?:\{(?<captured_request_headers>[^}]*)\} (?:\{(?<captured_response_headers>[^}]*)\} )?)?` +
    '"(?<http_request>.*?)"?$',
  's',
);

/** `option tcplog`. */
const TCP = new RegExp(
  String.raw`^${CLIENT} ${DATE} ${ROUTE} (?<Tw>-?\d+)/(?<Tc>-?\d+)/(?<Tt>\+?-?\d+) (?<bytes_read>\+?\d+) ` +
    String.raw`(?<termination_state>\S{2}) ${COUNTS}$`,
);

/** No log option at all. */
const DEFAULT =
  /^Connect from (?<source_ip>\S+):(?<source_port>\d+) to (?<destination_ip>\S+):(?<destination_port>\d+) \((?<frontend_name>\S+)\/(?<mode>HTTP|TCP)\)$/;

/** A connection that ended before a session began (8.2.5): a failed TLS handshake or PROXY header. */
const ERROR = new RegExp(
  String.raw`^${CLIENT} ${DATE} (?<frontend_name>[^\s/]+)/(?<bind_name>\S+): (?<error>.+)$`,
  's',
);

const FORMATS: readonly (readonly [AccessFormat, RegExp])[] = [
  ['http', HTTP],
  ['tcp', TCP],
  ['default', DEFAULT],
  ['error', ERROR],
];

const NUMBERS = new Set(
  `client_port source_port destination_port TR Tw Tc Tr Ta Tt status_code bytes_read actconn feconn beconn srv_conn
  retries srv_queue backend_queue`.split(/\s+/),
);
const OPTIONAL = new Set(['captured_request_cookie', 'captured_response_cookie']);

/** `GET /a?b HTTP/1.1`, also when the line was cut; `<BADREQ>` has no parts. */
const REQUEST = /^(?<http_method>[!#$%&'*+.^_`|~0-9A-Za-z-]+) (?<http_uri>\S+)(?: (?<http_version>HTTP\/\d\S*))?$/;

/** `+` before a number says that it was logged before the end (`option logasap`), or that a session was redispatched. */
function parseValue(name: string, text: string): string | number | null {
  if (!NUMBERS.has(name)) return OPTIONAL.has(name) && text === '-' ? null : text;
  return text.startsWith('-') ? null : Number(text);
}

function fieldsOf(groups: Readonly<Record<string, string | undefined>>): AccessFields {
  const fields: Record<string, string | number | boolean | null> = {};
  const request = groups.http_request === undefined ? undefined : REQUEST.exec(groups.http_request)?.groups;
  for (const [name, text] of Object.entries({...groups, ...request})) {
    if (text === undefined) continue;
    fields[name === 'date' ? 'request_date' : name] = parseValue(name, text);
  }
  if (groups.retries?.startsWith('+')) fields.redispatched = true;
  if (groups.bytes_read?.startsWith('+')) fields.logasap = true;
  return fields;
}

/** Reads the message of a log line in one of HAProxy's own formats; any other becomes `{message}`. Never throws. */
export function parseAccessLine(message: string): AccessLine {
  for (const [format, pattern] of FORMATS) {
    const groups = pattern.exec(message)?.groups;
    if (groups !== undefined) return {format, fields: fieldsOf(groups)};
  }
  return {format: 'other', fields: {message}};
}
