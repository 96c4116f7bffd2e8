import type {LastPass, QuarantineLine} from './status-types.ts';

/*
 * What the page reads beside `/status`, in one place and as far as it shows it: /openapi.json describes all of it. The
 * routes that answer it are held to these types by the compiler.
 */

/** A member as a listener of `/events` sees it: all but its payload and its key. */
export interface LiveMember {
  readonly app: string;
  readonly id: string;
  readonly ip: string;
  readonly role: string;
  readonly seq?: number | undefined;
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
  readonly expiresInMs: number;
  /** Silent for longer than its TTL, but kept because too many fell silent at once. */
  readonly held: boolean;
  readonly proxyState: ProxyState;
  /** HAProxy's servers at its address; null when HAProxy did not answer. */
  readonly servers: readonly LiveServer[] | null;
  /** Why it is not served as it is; null when it is. */
  readonly quarantine: Pick<QuarantineLine, 'reason' | 'sinceAt' | 'served'> | null;
}

/**
 * Whether HAProxy sends requests to a member. `partly up`: by some of its servers. `out of service`: drained, or in
 * maintenance. `no server`: it is in `hosts`, and no server has its address. `not in hosts`: it is one of the proxy's own
 * app, which no server needs. `unknown`: HAProxy did not answer.
 */
export type ProxyState = 'up' | 'partly up' | 'down' | 'out of service' | 'no server' | 'not in hosts' | 'unknown';

/** A server as HAProxy sees it. */
export interface LiveServer {
  readonly backend: string;
  readonly server: string;
  readonly address: string;
  readonly state: 'up' | 'down' | 'drain' | 'maint';
  /** In HAProxy's words: `UP 1/3`, `MAINT (resolution)`, `no check`. */
  readonly status: string;
  /** How long it has been up or down; null where HAProxy does not tell. */
  readonly sinceMs: number | null;
  readonly check: {readonly result: string; readonly reason: string | null} | null;
  readonly weight: number;
  readonly sessions: number;
  readonly queue: number;
  readonly errors: number;
}

/** `more` counts those that are not named. */
interface Movers<Pod> {
  readonly pods: readonly Pod[];
  readonly more: number;
}

export interface Mover {
  readonly app: string;
  readonly ip: string;
  readonly id: string;
}

/** One of `/history`, or a `pass` event. */
export interface Pass extends LastPass {
  /** The same refusal again, folded into this one. */
  readonly retries?: {readonly count: number; readonly lastAt: number};
  readonly joined: Movers<Mover>;
  readonly left: Movers<Mover & {readonly why: string}>;
  readonly difference: {
    readonly added: number;
    readonly removed: number;
    readonly text: string;
    readonly tooLarge: boolean;
  };
  readonly secretsChanged: boolean;
  readonly template: object | null;
}

interface Rates {
  readonly requestsPerSecond: number;
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
  readonly clientErrorsPerSecond: number;
  readonly serverErrorsPerSecond: number;
  readonly failuresPerSecond: number;
  readonly sessions: number;
  readonly responseTimeMs: number | null;
}

export interface TrafficSample extends Rates {
  readonly at: number;
}

export interface ProxyTraffic extends Rates {
  readonly name: string;
  readonly kind: 'frontend' | 'backend';
  readonly status: string;
  readonly queue: number;
  readonly servers: number;
}

/** `/traffic`. */
export interface Traffic {
  readonly samples: readonly TrafficSample[];
  readonly proxies: readonly ProxyTraffic[];
}

/** A `traffic` event. */
export interface TrafficLook {
  readonly sample: TrafficSample;
  readonly proxies: readonly ProxyTraffic[];
}

/** `/members/<ip or pod>/timeline`. */
export interface Timeline {
  readonly ip: string;
  readonly gone: boolean;
  readonly moments: readonly {
    readonly at: number;
    readonly what: string;
    readonly app: string;
    readonly id: string;
    readonly pass?: number;
    readonly reason?: string;
  }[];
  /** Who is on the address now; null when nobody is. */
  readonly member: LiveMember | null;
}

/** One of `/members/gone`. */
export interface Departure {
  readonly at: number;
  readonly app: string;
  readonly id: string;
  readonly ip: string;
  readonly why: string;
  readonly reason?: string;
  readonly heardAt: number;
}

/** The `members` event: those who were heard or changed since the last one, and the IPs that are gone. */
export interface MemberChanges {
  /** Forget whom you knew: `changed` is everybody. */
  readonly all: boolean;
  readonly changed: readonly LiveMember[];
  readonly gone: readonly string[];
}
