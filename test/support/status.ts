/** `GET /status` as DESIGN promises it: the tests' own copy, so that a renamed field fails them. */
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
  readonly proxy: {
    readonly state: string;
    readonly version: string | null;
    readonly pid: number | null;
    readonly generation: number;
    readonly restarts: number;
    readonly draining: readonly {readonly pid: number; readonly generation: number; readonly sinceMs: number}[];
  };
  readonly reload: {
    readonly way: string;
    readonly why: string;
    readonly listeners: readonly {readonly address: string; readonly way: string}[];
    readonly last: {
      readonly pass: number;
      readonly generation: number;
      readonly way: string;
      readonly why: string;
      readonly cause: string;
      readonly phasesMs: Readonly<Record<string, number>>;
      readonly verdict: string;
    } | null;
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
}
