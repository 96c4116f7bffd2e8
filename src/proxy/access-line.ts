import {parseEncodedFields} from './encoded-line.ts';

/** Fields named as in HAProxy's manual (configuration.txt 8.2); a value that HAProxy does not know (`-1`, `-`) is null. */
export type AccessFields = Readonly<Record<string, string | number | boolean | null>>;

/**
 * Which of HAProxy's formats a line is in; `encoded` is a `log-format` that names its fields (`%{+json}o`, `%{+cbor}o`,
 * 3.0+), `other` any other of the user's own, or a notice such as `Proxy web started.`
 */
export type AccessFormat = 'http' | 'https' | 'tcp' | 'default' | 'error' | 'encoded' | 'other';

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

/**
 * `option httplog`; captured headers in braces are there when any are captured. HAProxy writes `"` in a request as `#22`,
 * so that the first one ends it; a `log-format` may go on after it. A line that was cut has none.
 */
const HTTP = new RegExp(
  String.raw`^${CLIENT} ${DATE} ${ROUTE} (?<TR>-?\d+)/(?<Tw>-?\d+)/(?<Tc>-?\d+)/(?<Tr>-?\d+)/(?<Ta>\+?-?\d+) ` +
    String.raw`(?<status_code>-?\d+) (?<bytes_read>\+?\d+) (?<captured_request_cookie>\S+) ` +
    String.raw`(?<captured_response_cookie>\S+) (?<termination_state>\S{4}) ${COUNTS} ` +
    String.raw`(?:\{(?<captured_request_headers>[^}]*)\} (?:\{(?<captured_response_headers>[^}]*)\} )?)?` +
    '"(?<http_request>[^"]*)(?:"(?<after_request>.*))?$',
  's',
);

/** What `option httpslog` (2.5+) has after the request: configuration.txt 8.2.4. */
const TLS =
  /^ (?<fc_err>\d+|-)\/(?<ssl_fc_err>[0-9A-F]+|-)\/(?<ssl_c_err>\d+|-)\/(?<ssl_c_ca_err>\d+|-)\/(?<ssl_fc_is_resumed>[01]|-) (?<ssl_fc_sni>[^\s/]+)\/(?<ssl_version>[^\s/]+)\/(?<ssl_ciphers>[^\s/]+)$/;

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
  retries srv_queue backend_queue fc_err ssl_c_err ssl_c_ca_err`.split(/\s+/),
);
const OPTIONAL = new Set(
  `captured_request_cookie captured_response_cookie ssl_fc_err ssl_fc_sni ssl_version ssl_ciphers`.split(' '),
);

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

/** An HTTP line whose end may be that of `option httpslog`. */
function httpLine({after_request: after = '', ...groups}: Readonly<Record<string, string | undefined>>): AccessLine {
  const tls = TLS.exec(after)?.groups;
  if (tls === undefined)
    return {format: 'http', fields: fieldsOf({...groups, after_request: after.trim() || undefined})};
  const {ssl_fc_is_resumed: resumed, ...rest} = tls;
  const fields = fieldsOf({...groups, ...rest});
  return {format: 'https', fields: {...fields, ssl_fc_is_resumed: resumed === '-' ? null : resumed === '1'}};
}

/** Reads the message of a log line in one of HAProxy's own formats; any other becomes `{message}`. Never throws. */
export function parseAccessLine(message: string): AccessLine {
  const encoded = parseEncodedFields(message);
  if (encoded !== undefined) return {format: 'encoded', fields: encoded};
  for (const [format, pattern] of FORMATS) {
    const groups = pattern.exec(message)?.groups;
    if (groups !== undefined) return format === 'http' ? httpLine(groups) : {format, fields: fieldsOf(groups)};
  }
  return {format: 'other', fields: {message}};
}
