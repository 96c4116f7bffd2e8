import type {LastPass} from './status-types.ts';

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

/** `/members/<ip>/timeline`. */
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
}

/** The `members` event: those who were heard or changed since the last one, and the IPs that are gone. */
export interface MemberChanges {
  /** Forget whom you knew: `changed` is everybody. */
  readonly all: boolean;
  readonly changed: readonly LiveMember[];
  readonly gone: readonly string[];
}
