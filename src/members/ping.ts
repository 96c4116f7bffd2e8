import {canonicalIp, isLoopback, unreachableReason} from './address.ts';
import {deriveKey} from './base62.ts';
import {FieldFault, jsonKindOf, type PingField, quote} from './field-fault.ts';
import type {Ping} from './member.ts';
import {parsePayload, payloadTextOf} from './payload.ts';
import type {AddressRule} from './special-addresses.ts';

/** `keyMatches` is false when `key` is not the one that belongs to `ip`: worth a log line, no reason to refuse. */
export type ParsedPing =
  | {readonly is: 'ping'; readonly ping: Ping; readonly keyMatches: boolean}
  | {readonly is: 'fault'; readonly field: PingField; readonly reason: string};

/** The fields of a JSON object, none of them trusted yet. */
export type Fields = Readonly<Record<string, unknown>>;

interface TextRule {
  readonly pattern: RegExp;
  readonly maxLength: number;
  readonly wanted: string;
}

const NAME = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const LETTERS_AND_DIGITS = /^[0-9A-Za-z]+$/;

const LABEL_VALUE: TextRule = {pattern: NAME, maxLength: 63, wanted: 'a label value of 1 to 63 characters'};
const POD_NAME: TextRule = {pattern: NAME, maxLength: 253, wanted: 'a pod name of 1 to 253 characters'};
const KEY: TextRule = {pattern: LETTERS_AND_DIGITS, maxLength: 32, wanted: '1 to 32 letters and digits'};
const NONCE: TextRule = {pattern: LETTERS_AND_DIGITS, maxLength: 64, wanted: '1 to 64 letters and digits'};

function requireText(fields: Fields, field: PingField, wanted: string): string {
  const value = fields[field];
  if (value === undefined || value === null) throw new FieldFault(field, `is missing: ${wanted} required`);
  if (value === '') throw new FieldFault(field, `is empty: ${wanted} required`);
  if (typeof value !== 'string') throw new FieldFault(field, `is ${jsonKindOf(value)}: ${wanted} required`);
  return value;
}

function parseText(fields: Fields, field: PingField, {pattern, maxLength, wanted}: TextRule): string {
  const value = requireText(fields, field, wanted);
  if (value.length > maxLength || !pattern.test(value)) throw new FieldFault(field, `${quote(value)} is not ${wanted}`);
  return value;
}

function parseIp(fields: Fields): string {
  const text = requireText(fields, 'ip', 'an IP address');
  const ip = canonicalIp(text);
  if (ip === undefined) throw new FieldFault('ip', `${quote(text)} is not an IP address`);
  const reason = unreachableReason(ip);
  if (reason !== undefined) throw new FieldFault('ip', `${quote(text)} is ${reason}`);
  return ip;
}

function parseDown({down = false}: Fields): boolean {
  if (typeof down !== 'boolean') throw new FieldFault('down', `is ${jsonKindOf(down)}: true or false required`);
  return down;
}

/** Takes the fields of a keepalive; unknown ones are ignored. Throws FieldFault. */
const parseFields = (fields: Fields): Ping => ({
  app: parseText(fields, 'app', LABEL_VALUE),
  id: parseText(fields, 'id', POD_NAME),
  ip: parseIp(fields),
  key: parseText(fields, 'key', KEY),
  role: parseText(fields, 'role', LABEL_VALUE),
  nonce: fields.nonce === undefined || fields.nonce === null ? undefined : parseText(fields, 'nonce', NONCE),
  payload: parsePayload(fields.payload === undefined ? '' : fields.payload),
  down: parseDown(fields),
});

/** Takes the fields of a member that was written down. Throws FieldFault, or a SyntaxError for a text that is no JSON. */
export function parseStored(fields: Fields): Ping {
  const {payloadText: text} = fields;
  if (typeof text !== 'string') return parseFields(fields);
  return withPayloadText(parseFields({...fields, payload: JSON.parse(text)}), text);
}

function withPayloadText(ping: Ping, text: string, at?: string): Ping {
  const payloadText = payloadTextOf(text, ping.payload, at);
  return payloadText === undefined ? ping : {...ping, payloadText};
}

/** Whether a parsed JSON value is an object. */
export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const utf8 = new TextDecoder('utf-8', {fatal: true});

function decodeText(body: Uint8Array): string {
  try {
    return utf8.decode(body);
  } catch {
    throw new FieldFault('body', 'is not UTF-8');
  }
}

function decodeFields(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new FieldFault('body', text.trim() === '' ? 'is empty: a JSON object required' : 'is not JSON');
  }
  if (!isFields(value)) throw new FieldFault('body', `is ${jsonKindOf(value)}: a JSON object required`);
  return value;
}

/**
 * Parses the body of `PUT /ping` (docs/contract-2017.md#keepalive); never throws. A fault names the first field that is
 * wrong and says why on one line, long values cut. `remoteAddress` is where the ping came from: only a loopback source
 * may claim a loopback address. `refuseAddress` says of others why no pod can have them.
 */
export function parsePing(
  body: Uint8Array,
  {remoteAddress}: {readonly remoteAddress: string},
  refuseAddress: AddressRule,
): ParsedPing {
  try {
    const text = decodeText(body);
    const ping = withPayloadText(parseFields(decodeFields(text)), text, 'payload');
    if (isLoopback(ping.ip) && !isLoopback(canonicalIp(remoteAddress) ?? '')) {
      throw new FieldFault('ip', `${quote(ping.ip)} is a loopback address: accepted from loopback only`);
    }
    const reason = refuseAddress(ping.ip);
    if (reason !== undefined) throw new FieldFault('ip', `${quote(ping.ip)} is ${reason}`);
    return {is: 'ping', ping, keyMatches: ping.key === deriveKey(ping.ip)};
  } catch (error) {
    if (!(error instanceof FieldFault)) throw error;
    return {is: 'fault', field: error.field, reason: error.message};
  }
}

/** What is remembered of bodies: those without a large payload, of some 10,000 slaves. */
const KNOWN = {bodyBytes: 1024, allBytes: 4 << 20} as const;

/**
 * Parses pings as `parsePing` does, all with the same rule of who may have which address. A slave says the same time and
 * again, so that what its bytes mean is remembered, within a bound.
 */
export function createPingParser(
  refuseAddress: AddressRule,
): (body: Uint8Array, source: {readonly remoteAddress: string}) => ParsedPing {
  const known = new Map<string, ParsedPing>();
  let knownBytes = 0;
  return (body, source) => {
    if (body.length > KNOWN.bodyBytes) return parsePing(body, source, refuseAddress);
    // One character for each byte, so that no two bodies are one.
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1');
    const before = known.get(bytes);
    if (before !== undefined) return before;
    const parsed = parsePing(body, source, refuseAddress);
    // Whether a loopback address may be reported depends on who does.
    if (parsed.is === 'fault' || isLoopback(parsed.ping.ip)) return parsed;
    knownBytes += bytes.length;
    if (knownBytes > KNOWN.allBytes) {
      known.clear();
      knownBytes = bytes.length;
    }
    known.set(bytes, parsed);
    return parsed;
  };
}
