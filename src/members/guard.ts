/** What silence does to one app right now, in members. */
export interface Silence {
  /** Their time is up. */
  readonly due: number;
  /** Their ping is late already. */
  readonly overdue: number;
  /** Alive as far as anybody knows. */
  readonly others: number;
}

/** Fewer than this are a matter of those pods, not of what lies between them and us. */
const MIN_LEAVING = 5;

/** A hold lasts this many TTLs. */
const HOLD_TTLS = 2;

/**
 * The bound on what one fault between the slaves and us can take out (docs/membership.md#the-guard): when at least five
 * members, and more than half of an app's, would leave by silence within one TTL, they stay for two more. Once per
 * event: at its end they go. No clock: `nowMs` is monotonic.
 */
export interface Guard {
  /** Until when those of `app` whose time is up are held; undefined lets them go, and remembers it. */
  judge(app: string, silence: Silence, nowMs: number): number | undefined;
  /** Starts anew: everybody was given a fresh TTL. */
  forget(): void;
  /** Holds so far. */
  readonly holds: number;
}

type Watched =
  | {readonly is: 'calm'; readonly departures: readonly number[]}
  | {readonly is: 'holding'; readonly untilMs: number};

export function createGuard({ttlMs}: {readonly ttlMs: number}): Guard {
  const apps = new Map<string, Watched>();
  let holds = 0;

  const departuresOf = (app: string, nowMs: number): readonly number[] => {
    const watched = apps.get(app);
    return watched?.is === 'calm' ? watched.departures.filter(atMs => nowMs - atMs < ttlMs) : [];
  };

  return {
    judge(app, {due, overdue, others}, nowMs) {
      const watched = apps.get(app);
      if (watched?.is === 'holding' && nowMs < watched.untilMs) return watched.untilMs;
      const departures = departuresOf(app, nowMs);
      const leaving = departures.length + due + overdue;
      if (leaving >= MIN_LEAVING && leaving > others) {
        const untilMs = nowMs + HOLD_TTLS * ttlMs;
        apps.set(app, {is: 'holding', untilMs});
        holds += 1;
        return untilMs;
      }
      if (others + overdue === 0) apps.delete(app);
      else apps.set(app, {is: 'calm', departures: [...departures, ...Array<number>(due).fill(nowMs)]});
      return undefined;
    },
    forget: () => apps.clear(),
    get holds() {
      return holds;
    },
  };
}
