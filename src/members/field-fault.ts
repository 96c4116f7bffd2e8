/** The fields of a keepalive that can be at fault; `body` when there are no fields to speak of. */
export type PingField = 'body' | 'app' | 'id' | 'ip' | 'key' | 'role' | 'nonce' | 'down' | 'payload';

/** Thrown inside the ping parser only; its message starts with the field's name and fits on a line. */
export class FieldFault extends Error {
  readonly field: PingField;

  constructor(field: PingField, reason: string) {
    super(`${field} ${reason}`);
    this.field = field;
  }
}

const SHOWN_CHARACTERS = 40;

/** What JSON leaves as it is and a terminal obeys (DEL, C1), or a reader takes for the end of a line. */
const UNESCAPED = /[\p{Cc}\u2028\u2029]/gu;

/** A value as messages show it: quoted and escaped, cut when long. */
export const quote = (value: string): string =>
  JSON.stringify(value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value).replace(
    UNESCAPED,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** What kind of JSON value this is, for messages: a value itself may nest too deep to be written out. */
export function jsonKindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
