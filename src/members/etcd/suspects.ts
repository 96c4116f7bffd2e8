import type {Guard} from '../guard.ts';

/** Somebody whose key ended without a goodbye. */
interface Suspect {
  readonly app: string;
  /**
   * `final`: it had its second chance, or nobody is left who could have heard it. `judged`: another replica was there
   * when it ended and we were not, so that the loss of a replica, which was ours, is no reason to wait.
   */
  readonly is: 'open' | 'judged' | 'final';
}

/** Who leaves, and who stays for how many milliseconds more. */
export interface Decision {
  readonly leaving: readonly string[];
  readonly held: ReadonlyMap<string, number>;
}

/** Those of whom etcd says that nobody renewed them, until it is decided what that means. */
export interface Suspects {
  /** Somebody is one from now on, unless that one is already. */
  add(ip: string, suspect: Suspect, nowMs: number): void;
  /** The pod was heard, or said goodbye. */
  delete(ip: string): void;
  /** A replica was lost, with what it heard last: for some TTLs from now silence proves little. */
  suspend(nowMs: number): void;
  /** Decides on those whose time is up; `alive` are the members that are none. */
  decide(alive: () => Iterable<{readonly app: string}>, nowMs: number): Decision;
}

interface Options {
  readonly guard: Guard;
  readonly ttlMs: number;
  readonly ownApp: string;
  readonly confirmMs: number;
}

/**
 * A replica that hangs goes on swallowing pings until the Service gives it up: a slave that it keeps waiting for a second
 * at each try may be late for its TTL.
 */
const SUSPENDED_TTLS = 3;

/** What another replica judged may be that somebody stays: it gets this long to say so first. */
const WITNESS_LEAD_MS = 250;

/** Nobody is one yet. */
export function createSuspects({guard, ttlMs, ownApp, confirmMs}: Options): Suspects {
  const suspects = new Map<string, Suspect & {readonly dueMs: number}>();
  let suspendedUntilMs = Number.NEGATIVE_INFINITY;

  const verdictOn = (is: Suspect['is'], nowMs: number): 'leave' | 'stay' | 'ask' => {
    if (is === 'final') return 'leave';
    return is === 'open' && nowMs < suspendedUntilMs ? 'stay' : 'ask';
  };

  /** What the guard says of those of one app whose time is up. */
  const holdFor = (
    app: string,
    due: number,
    alive: Iterable<{readonly app: string}>,
    nowMs: number,
  ): number | undefined => {
    if (app === ownApp) return undefined;
    const waiting =
      [...suspects.values()].filter(suspect => suspect.app === app && suspect.is !== 'final').length - due;
    const others = [...alive].filter(member => member.app === app).length;
    const untilMs = guard.judge(app, {due, overdue: waiting, others}, nowMs);
    return untilMs === undefined ? undefined : untilMs - nowMs;
  };

  return {
    add(ip, suspect, nowMs) {
      const leadMs = suspect.is === 'judged' ? WITNESS_LEAD_MS : 0;
      if (!suspects.has(ip)) suspects.set(ip, {...suspect, dueMs: nowMs + confirmMs + leadMs});
    },
    delete: ip => void suspects.delete(ip),
    suspend(nowMs) {
      suspendedUntilMs = nowMs + SUSPENDED_TTLS * ttlMs;
    },
    decide(alive, nowMs) {
      const due = [...suspects].filter(([, {dueMs}]) => dueMs <= nowMs);
      const {leave = [], stay = [], ask = []} = Object.groupBy(due, ([, {is}]) => verdictOn(is, nowMs));
      const leaving = leave.map(([ip]) => ip);
      const held = new Map(stay.map(([ip]) => [ip, ttlMs]));
      for (const [app, silent] of Map.groupBy(ask, ([, suspect]) => suspect.app)) {
        const forMs = holdFor(app, silent.length, alive(), nowMs);
        if (forMs === undefined) leaving.push(...silent.map(([ip]) => ip));
        else for (const [ip] of silent) held.set(ip, forMs);
      }
      for (const [ip] of due) suspects.delete(ip);
      return {leaving, held};
    },
  };
}
