import {reasonOf} from '../errors.ts';

/** A ping holds 64 KiB; the rest is for labels. */
export const PAYLOAD_LIMIT_BYTES = 48 * 1024;

/** What an absent file stands for, as JSON. */
export const NO_PAYLOAD = '""';

/** `text` is JSON, as it was written but for blanks: numbers and the order of keys are the sender's. */
export type ParsedPayload =
  | {readonly is: 'payload'; readonly text: string}
  | {readonly is: 'fault'; readonly reason: string};

/** The payload that a file's text holds; undefined is an absent file. Over 48 KiB is a fault. */
export function parsePayloadText(text: string | undefined): ParsedPayload {
  if (text === undefined) return {is: 'payload', text: NO_PAYLOAD};
  if (Buffer.byteLength(text) > PAYLOAD_LIMIT_BYTES) {
    return {is: 'fault', reason: `larger than ${PAYLOAD_LIMIT_BYTES} bytes`};
  }
  try {
    JSON.parse(text);
    return {is: 'payload', text: text.replace(/("[^"\\]*(?:\\.[^"\\]*)*")|\s+/g, '$1')};
  } catch (error) {
    return {is: 'fault', reason: `not JSON: ${reasonOf(error)}`};
  }
}

/** The body of a ping with this payload. Its keys are in order, as those of the slaves of 2017. */
export function writePing({role, ...fields}: Readonly<Record<string, unknown>>, payloadText: string): string {
  return `${JSON.stringify(fields).slice(0, -1)},"payload":${payloadText},"role":${JSON.stringify(role)}}`;
}
