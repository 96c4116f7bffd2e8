/** Any value JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | {readonly [key: string]: Json};

/** A keepalive that passed the parser: every field is safe to show, to sort and to hand to a template. */
export interface Ping {
  readonly app: string;
  readonly id: string;
  /** Canonical: `::ffff:` stripped, IPv6 compressed and in lower case. */
  readonly ip: string;
  readonly key: string;
  readonly role: string;
  readonly nonce: string | undefined;
  /** Control characters are gone from its strings and keys. */
  readonly payload: Json;
  /** The payload's JSON text where `payload` does not say all of it (`1.0`, big integers, the order of keys): templates read this. */
  readonly payloadText?: string;
  readonly down: boolean;
}

/** A live pod. `seq` orders all lists; it is undefined until the store settled it, and such members sort last. */
export interface Member extends Omit<Ping, 'down'> {
  readonly seq: number | undefined;
  /** Epoch milliseconds, for people. */
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
}

/** A member as `/members` and `pods` show it. */
export interface MemberView extends Member {
  /** Silent for longer than the TTL, but kept by the guard. */
  readonly held: boolean;
  readonly expiresInMs: number;
}

/** `{"<app>": ["<ip>", ...]}`: apps sorted by name, addresses in `seq` order, no empty app, not the proxy's own. */
export type Hosts = ReadonlyMap<string, readonly string[]>;
