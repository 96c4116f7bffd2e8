/*
 * What `GET /status` says (docs/operating.md#the-status-port), in one place and in words of its own: the builder makes
 * it of what the rooms know, the page and the terminal read it, /openapi.json describes it. This file imports nothing,
 * so that the page's compiler can read it too. Fields are added, never renamed. `…Ms` are durations, `…At` epoch
 * milliseconds.
 */

/** Something an operator should know, and why it is so. `bad` means that traffic or its configuration is at risk. */
export interface Problem {
  /** One word for machines; `subject` says which, where there may be several of a kind. */
  readonly kind: string;
  readonly subject: string | null;
  readonly severity: 'bad' | 'notice';
  readonly what: string;
  readonly why: string;
  /** What to do about it. */
  readonly todo: string;
  readonly sinceAt: number;
  /** What happened at `sinceAt`: it began, or, where nobody can know when that was, somebody noticed it. */
  readonly sinceIs: 'began' | 'noticed';
}

/** A problem as it is concluded; `beganAt` (epoch ms) is null where its beginning is not known. */
export type StatedProblem = Omit<Problem, 'sinceAt' | 'sinceIs'> & {readonly beganAt: number | null};

/** The last trip through render, validate and apply. */
export interface LastPass {
  readonly pass: number;
  readonly generation: number;
  readonly way: string;
  readonly why: string;
  readonly cause: string;
  readonly startedAt: number;
  readonly phasesMs: Readonly<Record<string, number>>;
  readonly verdict: 'ok' | 'unchanged' | 'failed';
  readonly error: string | null;
}

/** A HAProxy that finishes its connections. */
export interface DrainLine {
  readonly pid: number;
  readonly generation: number;
  readonly sinceMs: number;
  /** As it said last; null when it tells nothing any more. */
  readonly connections: number | null;
  /** When it is ended, whatever it still has (`KONTROL_DRAIN`); null when it is waited for without end. */
  readonly endsInMs: number | null;
}

/** HAProxy's processes: the one that serves, and those that finish their connections. */
export interface ProxyLine {
  readonly state: string;
  readonly version: string;
  readonly pid: number | null;
  readonly generation: number;
  readonly restarts: number;
  /** How long it has not answered over its runtime socket, 0 when it does; from `KONTROL_HANG` on it `isHung`. */
  readonly silentMs: number;
  readonly isHung: boolean;
  /** It does not answer, but works: others hold all connections to its runtime sockets. */
  readonly isDeaf: boolean;
  /** How many hung, were ended and started anew. */
  readonly hangs: number;
  readonly draining: readonly DrainLine[];
}

/** What this process, kernel and HAProxy can do for a reload. */
export interface CapabilitiesLine {
  readonly haproxy: {readonly version: string; readonly build: string; readonly transfer: boolean};
  readonly gate:
    | {readonly is: 'able'; readonly families: readonly string[]; readonly variant: string}
    | {readonly is: 'unable'; readonly why: string};
  readonly netAdmin: boolean;
  readonly migrate: boolean;
  readonly bindOnly: {readonly able: boolean; readonly why: string | null};
  readonly lowPorts: boolean;
  readonly bindV6Only: boolean;
}

/** How reloads are done: `way` is the weakest in use. */
export interface ReloadLine {
  readonly way: string;
  readonly why: string;
  readonly listeners: readonly {readonly address: string; readonly way: string}[];
  readonly capabilities: CapabilitiesLine;
  readonly last: LastPass | null;
}

/** A replica as it told the others. */
export interface ReplicaLine {
  readonly id: string;
  readonly version: string;
  readonly generation: number;
  readonly digest: string;
  readonly inSync: boolean;
  readonly startedAt: number;
}

/** How following one kind of object of the Kubernetes API goes. */
export interface WatchLine {
  readonly what: string;
  readonly state: 'starting' | 'watching' | 'failing';
  readonly synced: boolean;
  readonly failures: number;
  readonly reason: string | null;
}

/** What Kubernetes told; a watch is null where the API is not used. */
export interface KubernetesLine {
  readonly pod: {
    readonly namespace: string;
    readonly id: string;
    readonly ip: string | null;
    readonly eip: string | null;
    readonly nodeName: string | null;
    /** Of the pod's first container; known from the API only. */
    readonly image: string | null;
    /** Which source told a fact. */
    readonly sources: Readonly<Record<string, string>>;
    readonly watch: WatchLine | null;
    readonly node: 'unknown' | 'known' | 'forbidden' | 'failing' | null;
  };
  readonly certificates: readonly {
    readonly name: string;
    readonly expiresAt: number | null;
    readonly fingerprint: string | null;
    readonly names: string | null;
    readonly problem: string | null;
  }[];
  /** The folder of KONTROL_CERTS, and why nothing can be taken from it; null where that is not set. */
  readonly mounted: {readonly path: string; readonly problem: string | null} | null;
  readonly services: {
    readonly hosts: Readonly<Record<string, readonly string[]>>;
    readonly watch: WatchLine | null;
  };
  readonly verify: {
    readonly source: boolean;
    readonly token: boolean;
    /** The directory of pods; null where pings are not looked up in it. */
    readonly pods: {readonly known: number; readonly watches: readonly WatchLine[]} | null;
  };
}

/** A member in quarantine, since when (epoch ms), and what is served of it. */
export interface QuarantineLine {
  readonly ip: string;
  readonly app: string;
  readonly id: string;
  readonly reason: string;
  readonly sinceAt: number;
  readonly served: 'as before' | 'not at all';
  /** It is one of more pods of its app than `KONTROL_QUARANTINE` allows. */
  readonly overBound: boolean;
}

export interface Status {
  readonly version: string;
  readonly mode: readonly string[];
  readonly uptimeMs: number;
  readonly ready: boolean;
  /** The proxy serves what the inputs say: nothing failed, and no change waits for its pass. */
  readonly inSync: boolean;
  readonly lastError: string | null;
  /** `error` is what the last finished state failed of. */
  readonly lifecycle: {readonly state: string; readonly sinceMs: number; readonly error: string | null};
  readonly digest: string;
  readonly hosts: Readonly<Record<string, readonly string[]>>;
  readonly memberCount: number;
  /** A member that is not heard for so long is gone. */
  readonly ttlMs: number;
  readonly store: {readonly kind: string; readonly healthy: boolean};
  /** Silent members that stay because too many fell silent at once, and how often that happened. */
  readonly guard: {readonly held: number; readonly holds: number};
  /** Slaves of kontrol's last release, each of which keeps a connection open. */
  readonly zerorpc: {readonly connections: number};
  /** All replicas, this one included; only with a store that they share. */
  readonly fleet?: readonly ReplicaLine[];
  readonly proxy: ProxyLine;
  readonly reload: ReloadLine;
  /** The rollback that is in force, if one is. */
  readonly rollback: {readonly pass: number; readonly sinceAt: number} | null;
  /** The same, as version 1.0 called it. */
  readonly held: Status['rollback'];
  /**
   * Where HAProxy runs something else than its text says, as it was last seen (`lookedAt`, epoch ms; null before the first
   * look). `count` of all; the first 100 with since when.
   */
  readonly drift: {
    readonly lookedAt: number | null;
    readonly count: number;
    readonly deviations: readonly {
      /** `web/a`, `frontend www`, `HAProxy's Maxconn`, `map /etc/hosts.map`. */
      readonly subject: string;
      /** Of a server, else empty. */
      readonly backend: string;
      readonly server: string;
      readonly what: string;
      readonly expected: string;
      readonly found: string;
      readonly sinceAt: number;
    }[];
  };
  /**
   * The newest template, when it does not work: why, and since when (epoch ms); `serving` is the pass whose template is
   * used instead with today's pods, null when that fails with them as well. `replica` is the other replica that made that
   * pass, null for this one.
   */
  readonly refused: {
    readonly reason: string;
    readonly sinceAt: number;
    readonly serving: {readonly pass: number; readonly sinceAt: number; readonly replica: string | null} | null;
  } | null;
  /**
   * Members that no configuration can be made with, and why; each is served as it was before it changed, or, when it never
   * worked, not at all. The first 100.
   */
  readonly quarantined: readonly QuarantineLine[];
  /** Frontends and backends of which nothing that HAProxy counts is a problem (`KONTROL_NOT_JUDGED`). */
  readonly notJudged: readonly string[];
  readonly logLevel: string;
  /** HAProxy's log lines: where they are taken in, and what became of them. */
  readonly accessLog: {
    readonly port: number;
    readonly written: number;
    readonly overRate: number;
    readonly slowOutput: number;
    readonly malformed: number;
  } | null;
  readonly problems: readonly Problem[];
  readonly kubernetes: KubernetesLine;
}

/** The `status` event of `/events`: the hosts follow from the members and are not sent twice. */
export type LiveStatus = Omit<Status, 'hosts'>;
