/*
 * What `hosts` must be, said from outside: from the pings that were sent and answered and from what was done to the
 * daemon, by the rules of docs/membership.md and docs/contract-2017.md. Nothing of the daemon's code is used.
 *
 * INVARIANTS
 * - A pod is `sure` to be in for a while, and `possible` for a longer one; between the two nobody outside can know.
 * - A ping counts from when it was sent for what is sure, and from when it ended for what is possible.
 * - Whatever befalls the daemon may make less sure and more possible, never the reverse, but for what
 *   docs/membership.md promises.
 */

/** A stretch of time, both ends epoch milliseconds. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** How a ping ended: `accepted`; `recorded`, though the slave was told to go elsewhere; `lost`, heard or not; `refused`, never heard. */
export type PingEnd = 'accepted' | 'recorded' | 'lost' | 'refused';

export interface Ping {
  readonly ip: string;
  readonly app: string;
  readonly sentMs: number;
  readonly down: boolean;
  /** Another pod on the IP than the one before. */
  readonly fresh: boolean;
}

export interface ModelOptions {
  readonly ttlMs: number;
  /** How long after its time is up a silent pod may still be seen. */
  readonly lateMs: number;
  /** How old the snapshot may be that a killed daemon leaves. */
  readonly snapshotMs: number;
  /** How much longer silent pods may stay for some TTLs after a replica was lost; 0 without a shared store. */
  readonly lostReplicaMs: number;
}

/** One address as it was at some time within a span. */
export interface Expectation {
  readonly ip: string;
  readonly app: string;
  readonly is: 'in' | 'unknown' | 'out';
  /** When its present stay began. */
  readonly joined: Span;
}

export interface Model {
  /** A ping leaves; at most one of an IP is under way. */
  sent(ping: Ping): void;
  ended(ping: Ping, atMs: number, end: PingEnd): void;
  daemonDied(atMs: number): void;
  /** The next one was spawned, and has answered. */
  daemonBack(back: Span): void;
  /** The process stood still. */
  paused(pause: Span): void;
  /** The process says that it stood still, for want of CPU. */
  stalled(stall: Span): void;
  /** The shared store was away. */
  storeBack(outage: Span): void;
  expected(during: Span): Expectation[];
}

/** A pause that surely counts as one; a shorter one may or may not. */
const SURE_PAUSE_MS = 3000;
/** How long after a pause the pings that came in it may be heard. */
const BACKLOG_MS = 1000;
/** The guard needs so many that fall silent (docs/membership.md#the-guard), and holds them for so many TTLs. */
const GUARD_MEMBERS = 5;
const GUARD_TTLS = 2;
/** A slave pings again after three quarters of a TTL. */
const KEEPALIVE_OF_TTL = 0.75;
/** After the loss of a replica silent pods get more time, for so many TTLs and a moment to notice it. */
const LOSS_TTLS = 3;
const LOSS_NOTICED_MS = 4000;

/** A stay that began so long ago is known to everybody: the one before it no longer counts. */
const SETTLED_MS = 10_000;

const NEVER = Number.NEGATIVE_INFINITY;
const ALWAYS = Number.POSITIVE_INFINITY;

interface Pod {
  readonly ip: string;
  app: string;
  sure: {fromMs: number; untilMs: number};
  possible: {fromMs: number; untilMs: number};
  joined: {fromMs: number; toMs: number};
  /** When a stay that ended a moment ago began: an old snapshot, or a look that began before, may still say so. */
  beforeMs: number;
  heardMs: number;
  /** It said goodbye, and was answered. */
  saidDown: boolean;
  /** It said goodbye, heard or not, and nothing that was heard since. */
  isLeaving: boolean;
  underWayMs: number | undefined;
  /** When another pod on the IP first tried to say that it is there; undefined once it was accepted. */
  freshSinceMs: number | undefined;
}

/** A silence that has ended: it may have been one of those that made the guard hold the others. */
interface Silence {
  readonly ip: string;
  readonly app: string;
  readonly heardMs: number;
}

const createPod = ({ip, app}: Ping): Pod => ({
  ip,
  app,
  sure: {fromMs: ALWAYS, untilMs: NEVER},
  possible: {fromMs: ALWAYS, untilMs: NEVER},
  joined: {fromMs: ALWAYS, toMs: ALWAYS},
  beforeMs: ALWAYS,
  heardMs: NEVER,
  saidDown: false,
  isLeaving: false,
  underWayMs: undefined,
  freshSinceMs: undefined,
});

/** A new stay begins: from when on its pod may have been in, by an answer of just now. */
const formerStay = ({joined, beforeMs}: Pod, nowMs: number): number =>
  joined.toMs > nowMs - SETTLED_MS ? Math.min(beforeMs, joined.fromMs) : joined.fromMs;

/** A model of an empty table. */
export function createModel({ttlMs, lateMs, snapshotMs, lostReplicaMs}: ModelOptions): Model {
  const pods = new Map<string, Pod>();
  let silences: Silence[] = [];
  let lostMs = NEVER;

  const podOf = (ping: Ping): Pod => {
    const pod = pods.get(ping.ip) ?? createPod(ping);
    pods.set(ping.ip, pod);
    return pod;
  };

  const staysPossible = (pod: Pod, heardMs: number) => {
    const graceMs = heardMs < lostMs + LOSS_TTLS * ttlMs + LOSS_NOTICED_MS ? lostReplicaMs : 0;
    pod.possible.untilMs = Math.max(pod.possible.untilMs, heardMs + ttlMs + lateMs + graceMs);
  };

  const extendPossible = ({fromMs, toMs}: Span) => {
    for (const pod of pods.values()) if (possibleUntilMs(pod) >= fromMs) staysPossible(pod, toMs);
  };

  const accept = (pod: Pod, {sentMs, fresh}: Ping, atMs: number) => {
    const wasSure = pod.sure.fromMs <= sentMs && pod.sure.untilMs >= atMs;
    const sinceMs = pod.freshSinceMs ?? sentMs;
    if (fresh) {
      pod.beforeMs = Math.min(formerStay(pod, sentMs), sinceMs);
      pod.joined = {fromMs: sinceMs, toMs: atMs};
      pod.freshSinceMs = undefined;
    } else if (!wasSure || pod.joined.toMs === ALWAYS) {
      pod.joined = {fromMs: Math.min(pod.joined.fromMs, sentMs), toMs: atMs};
    }
    if (!wasSure) pod.sure.fromMs = atMs;
    pod.isLeaving = false;
    pod.sure.untilMs = Math.max(wasSure ? pod.sure.untilMs : NEVER, sentMs + ttlMs);
  };

  /** Whoever is heard again, or says goodbye, ends its own silence, not what the guard made of it. */
  const endSilence = ({ip, app, heardMs, saidDown}: Pod, atMs: number) => {
    if (saidDown || atMs - heardMs < KEEPALIVE_OF_TTL * ttlMs) return;
    const isFresh = (silence: Silence) => atMs - silence.heardMs < (GUARD_TTLS + 2) * ttlMs + 2 * lateMs;
    silences = [...silences, {ip, app, heardMs}].filter(isFresh);
  };

  const leave = (pod: Pod, atMs: number, end: PingEnd) => {
    if (end !== 'accepted') return;
    endSilence(pod, atMs);
    // The goodbye of a pod that never came ends no stay.
    if (pod.possible.fromMs <= atMs) pod.possible.untilMs = atMs;
    pod.saidDown = true;
  };

  /** Most of an app may have fallen silent together, and be held for it. */
  const mayBeHeld = (pod: Pod): boolean => {
    if (pod.saidDown) return false;
    const present = [...pods.values()].filter(other => !other.saidDown);
    const together = [...present, ...silences].filter(
      other => other.app === pod.app && Math.abs(other.heardMs - pod.heardMs) <= ttlMs + lateMs,
    );
    return new Set(together.map(({ip}) => ip)).size >= GUARD_MEMBERS;
  };

  const possibleUntilMs = (pod: Pod): number => {
    if (pod.underWayMs !== undefined) return ALWAYS;
    return pod.possible.untilMs + (mayBeHeld(pod) ? GUARD_TTLS * ttlMs + lateMs : 0);
  };

  const standingOf = (pod: Pod, {fromMs, toMs}: Span): Expectation['is'] => {
    if (pod.sure.fromMs <= fromMs && pod.sure.untilMs >= toMs) return 'in';
    return pod.possible.fromMs <= toMs && possibleUntilMs(pod) >= fromMs ? 'unknown' : 'out';
  };

  return {
    sent(ping) {
      const pod = podOf(ping);
      // From here on nobody outside can tell whether it was heard already.
      if (ping.down) {
        pod.sure.untilMs = Math.min(pod.sure.untilMs, ping.sentMs - 1);
        pod.isLeaving = true;
        return;
      }
      // A goodbye may be answered in the very millisecond.
      if (possibleUntilMs(pod) <= ping.sentMs) {
        pod.possible = {fromMs: ping.sentMs, untilMs: NEVER};
        pod.beforeMs = Math.min(formerStay(pod, ping.sentMs), ping.sentMs);
        pod.joined = {fromMs: ping.sentMs, toMs: ALWAYS};
        pod.app = ping.app;
      }
      if (ping.fresh) {
        pod.freshSinceMs ??= ping.sentMs;
        pod.joined.toMs = ALWAYS;
      }
      pod.underWayMs = ping.sentMs;
    },
    ended(ping, atMs, end) {
      const pod = podOf(ping);
      if (ping.down) return leave(pod, atMs, end);
      pod.underWayMs = undefined;
      if (end === 'refused') return;
      endSilence(pod, atMs);
      pod.heardMs = atMs;
      pod.saidDown = false;
      if (end === 'accepted') accept(pod, ping, atMs);
      else if (pod.sure.untilMs < atMs) pod.joined.toMs = ALWAYS;
      if (end === 'recorded' && pod.sure.untilMs >= atMs) pod.sure.untilMs = ping.sentMs + ttlMs;
      staysPossible(pod, atMs);
    },
    daemonDied(atMs) {
      lostMs = atMs;
      for (const pod of pods.values()) {
        const isOld = pod.joined.toMs <= atMs - snapshotMs;
        if (!isOld) pod.joined = {fromMs: Math.min(pod.beforeMs, pod.joined.fromMs), toMs: ALWAYS};
        const isRemembered = pod.sure.fromMs <= atMs - snapshotMs && pod.sure.untilMs >= atMs;
        if (!isRemembered) pod.sure = {fromMs: ALWAYS, untilMs: NEVER};
        // Until the next one is there nobody's time passes.
        if (possibleUntilMs(pod) >= atMs - snapshotMs) pod.possible.untilMs = ALWAYS;
      }
    },
    daemonBack({fromMs, toMs}) {
      for (const pod of pods.values()) {
        if (pod.sure.fromMs <= lostMs && !pod.isLeaving) pod.sure.untilMs = Math.max(pod.sure.untilMs, fromMs + ttlMs);
        if (pod.possible.untilMs !== ALWAYS) continue;
        pod.possible.untilMs = NEVER;
        staysPossible(pod, toMs);
      }
    },
    paused({fromMs, toMs}) {
      for (const pod of pods.values()) {
        // What was sent meanwhile waits for it in its queues.
        if (possibleUntilMs(pod) >= fromMs) staysPossible(pod, toMs + BACKLOG_MS);
        const isGranted = toMs - fromMs >= SURE_PAUSE_MS && pod.sure.untilMs >= fromMs && !pod.isLeaving;
        if (isGranted) pod.sure.untilMs = Math.max(pod.sure.untilMs, toMs + ttlMs);
      }
    },
    stalled: extendPossible,
    storeBack: extendPossible,
    expected: during =>
      [...pods.values()].map(pod => ({
        ip: pod.ip,
        app: pod.app,
        is: standingOf(pod, during),
        joined: pod.joined.toMs <= during.fromMs ? {...pod.joined} : {...pod.joined, fromMs: pod.beforeMs},
      })),
  };
}
