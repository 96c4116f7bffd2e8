import {reasonOf} from '../errors.ts';
import type {Json} from '../members/member.ts';

/** A ping holds 64 KiB; the rest is for labels. */
export const PAYLOAD_LIMIT_BYTES = 48 * 1024;

/** What an absent file stands for. */
export const NO_PAYLOAD: Json = '';

export type ParsedPayload =
  | {readonly is: 'payload'; readonly value: Json}
  | {readonly is: 'fault'; readonly reason: string};

/** The value in a payload file's text; undefined is an absent file. Over 48 KiB, as text or as sent, is a fault. */
export function parsePayloadText(text: string | undefined): ParsedPayload {
  if (text === undefined) return {is: 'payload', value: NO_PAYLOAD};
  const tooLarge: ParsedPayload = {is: 'fault', reason: `larger than ${PAYLOAD_LIMIT_BYTES} bytes`};
  if (Buffer.byteLength(text) > PAYLOAD_LIMIT_BYTES) return tooLarge;
  try {
    const value: Json = JSON.parse(text);
    // `1e20` is five times as long when written out.
    if (Buffer.byteLength(JSON.stringify(value)) > PAYLOAD_LIMIT_BYTES) return tooLarge;
    return {is: 'payload', value};
  } catch (error) {
    return {is: 'fault', reason: `not JSON: ${reasonOf(error)}`};
  }
}
