import {type CborValue, decodeCborMap} from './cbor.ts';
import {escapeControls} from './syslog.ts';

/** What the daemon itself says of a line: a field of the user's that is named so gets `log_` before its name. */
const OURS = new Set(['level', 'time', 'room', 'pid', 'severity', 'format']);

/** HAProxy 3.0 and 3.4 leave control characters in JSON as they are; `escapeControls` made them `\\x1B`, which is none. */
const repairJson = (text: string): string =>
  text.replace(/\\(?:\\|x([0-9A-F]{2}))/g, (found, hex?: string) => (hex === undefined ? found : `\\u00${hex}`));

function parseJsonObject(text: string): ReadonlyMap<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(repairJson(text));
    return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : undefined;
  } catch {
    return undefined;
  }
}

function readEntries(message: string): ReadonlyMap<string, unknown> | undefined {
  if (message.startsWith('{')) return parseJsonObject(message);
  return /^BF(?:[0-9A-F]{2})+$/.test(message) ? decodeCborMap(Buffer.from(message, 'hex')) : undefined;
}

const parseField = (value: unknown): CborValue => {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  return escapeControls(typeof value === 'string' ? value : JSON.stringify(value));
};

/**
 * The fields of a line that HAProxy 3.0+ encodes by itself (`log-format "%{+json}o %(status)ST"`, or `+cbor`), under the
 * names that the format gives them; undefined when it is none. Source: configuration.txt 8.2.6. Never throws.
 */
export function parseEncodedFields(message: string): Readonly<Record<string, CborValue>> | undefined {
  const entries = readEntries(message);
  if (entries === undefined) return undefined;
  return Object.fromEntries(
    Array.from(entries, ([name, value]) => [escapeControls(OURS.has(name) ? `log_${name}` : name), parseField(value)]),
  );
}
