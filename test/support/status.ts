/** `GET /status` (docs/operating.md#the-status-port): the tests' own copy, so that a renamed field fails them. */
export interface Status {
  readonly version: string;
  readonly mode: readonly string[];
  readonly uptimeMs: number;
  readonly ready: boolean;
  readonly inSync: boolean;
  readonly lastError: string | null;
  readonly lifecycle: {readonly state: string; readonly sinceMs: number};
  readonly digest: string | null;
  readonly hosts: Readonly<Record<string, readonly string[]>>;
  readonly memberCount: number;
  readonly store: {readonly kind: string; readonly healthy: boolean};
  readonly guard: {readonly held: number; readonly holds: number};
  readonly zerorpc: {readonly connections: number};
  readonly drift: {
    readonly lookedAt: number | null;
    readonly count: number;
    readonly deviations: readonly {readonly server: string; readonly what: string; readonly found: string}[];
  };
  readonly refused: {
    readonly reason: string;
    readonly sinceAt: number;
    readonly serving: {readonly pass: number; readonly sinceAt: number; readonly replica: string | null} | null;
  } | null;
  readonly quarantined: readonly {
    readonly ip: string;
    readonly app: string;
    readonly id: string;
    readonly reason: string;
    readonly sinceAt: number;
    readonly served: string;
    readonly overBound: boolean;
  }[];
  readonly notJudged: readonly string[];
  readonly fleet?: readonly {
    readonly id: string;
    readonly version: string;
    readonly generation: number;
    readonly digest: string;
    readonly inSync: boolean;
    readonly startedAt: number;
  }[];
  readonly proxy: {
    readonly state: string;
    readonly version: string | null;
    readonly pid: number | null;
    readonly generation: number;
    readonly restarts: number;
    readonly silentMs: number;
    readonly isHung: boolean;
    readonly isDeaf: boolean;
    readonly hangs: number;
    readonly draining: readonly {
      readonly pid: number;
      readonly generation: number;
      readonly sinceMs: number;
      readonly connections: number | null;
      readonly endsInMs: number | null;
    }[];
  };
  readonly reload: {
    readonly way: string;
    readonly why: string;
    readonly listeners: readonly {readonly address: string; readonly way: string}[];
    readonly capabilities: {
      readonly haproxy: {readonly version: string; readonly build: string; readonly transfer: boolean};
      readonly gate: {readonly is: string};
      readonly netAdmin: boolean;
      readonly migrate: boolean;
      readonly bindOnly: {readonly able: boolean; readonly why: string | null};
      readonly lowPorts: boolean;
    };
    readonly last: {
      readonly pass: number;
      readonly generation: number;
      readonly way: string;
      readonly why: string;
      readonly cause: string;
      readonly phasesMs: Readonly<Record<string, number>>;
      readonly verdict: string;
      readonly error: string | null;
    } | null;
  };
  readonly problems: readonly {
    readonly kind: string;
    readonly subject: string | null;
    readonly severity: string;
    readonly what: string;
    readonly why: string;
    readonly todo: string;
    readonly sinceAt: number;
    readonly sinceIs: string;
  }[];
  readonly kubernetes?: {
    readonly pod: {
      readonly namespace: string;
      readonly id: string;
      readonly ip: string | null;
      readonly eip: string | null;
      readonly nodeName: string | null;
      readonly sources: Readonly<Record<string, string>>;
      readonly watch: {readonly state: string; readonly failures: number; readonly reason: string | null} | null;
      readonly node: string | null;
    };
    readonly certificates: readonly {
      readonly name: string;
      readonly expiresAt: number | null;
      readonly problem: string | null;
    }[];
    readonly mounted: {readonly path: string; readonly problem: string | null} | null;
    readonly services: {readonly hosts: Readonly<Record<string, readonly string[]>>};
    readonly verify: {
      readonly source: boolean;
      readonly token: boolean;
      readonly pods: {readonly known: number} | null;
    };
  };
}

/** One of `GET /members`. */
export interface MemberStatus {
  readonly app: string;
  readonly id: string;
  readonly ip: string;
  readonly key: string;
  readonly role: string;
  readonly seq: number;
  readonly payload: unknown;
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
  readonly expiresInMs: number;
  readonly held: boolean;
  readonly quarantine: {readonly reason: string; readonly sinceAt: number; readonly served: string} | null;
}
