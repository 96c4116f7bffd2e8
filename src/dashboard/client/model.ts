/** A member as the status port sends it, as far as the page shows it: `/openapi.json` describes all of it. */
export interface Member {
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

/** A member, and when by our own clock it will expire. */
export interface LiveMember extends Member {
  readonly expiresAtMs: number;
}

interface Movers<Pod> {
  readonly pods: readonly Pod[];
  readonly more: number;
}

export interface Pod {
  readonly app: string;
  readonly ip: string;
  readonly id: string;
}

export interface Pass {
  readonly pass: number;
  readonly generation: number;
  readonly way: string;
  readonly why: string;
  readonly cause: string;
  readonly startedAt: number;
  readonly phasesMs: Readonly<Record<string, number>>;
  readonly verdict: 'ok' | 'unchanged' | 'failed';
  readonly error: string | null;
  readonly joined: Movers<Pod>;
  readonly left: Movers<Pod & {readonly why: string}>;
  readonly difference: {
    readonly added: number;
    readonly removed: number;
    readonly text: string;
    readonly tooLarge: boolean;
  };
  readonly secretsChanged: boolean;
  readonly template: object | null;
}

export interface Rates {
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

export interface MemberChanges {
  readonly all: boolean;
  readonly changed: readonly Member[];
  readonly gone: readonly string[];
}

/** Takes a `members` event in. `nowMs` is our own monotonic clock: the server's and ours need not agree. */
export function applyMembers(
  members: ReadonlyMap<string, LiveMember>,
  {all, changed, gone}: MemberChanges,
  nowMs: number,
): Map<string, LiveMember> {
  const next = new Map(all ? [] : members);
  for (const ip of gone) next.delete(ip);
  for (const member of changed) {
    next.set(member.ip, {...member, expiresAtMs: nowMs + member.expiresInMs});
  }
  return next;
}

/** The members of each app, apps by name, members by `seq`. */
export function groupByApp(members: Iterable<LiveMember>): [string, LiveMember[]][] {
  const groups = Map.groupBy(members, ({app}) => app);
  for (const group of groups.values()) group.sort((a, b) => (a.seq ?? Infinity) - (b.seq ?? Infinity));
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Whether a member is one that a person who typed `query` looks for. */
export const matches = ({app, ip, id, role}: Member, query: string): boolean =>
  [app, ip, id, role].some(text => text.toLowerCase().includes(query.trim().toLowerCase()));
