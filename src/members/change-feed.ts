import type {MemberEvent} from './member-event.ts';

/** Something moved that a template can see, or was there from the start. */
export interface MemberChange {
  /** The table's, once all of it had happened. */
  readonly version: number;
  /** For people: `joined web 10.2.0.17`. */
  readonly cause: string;
  /** In their order; never none. */
  readonly events: readonly MemberEvent[];
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Changes on their way to one follower. */
export interface ChangeFeed {
  /** Tells the follower before it returns, or keeps the change for whoever comes. */
  tell(change: MemberChange): void;
  /** Tells at once, in order, what happened so far, and from then on whatever happens. A second follower takes over. */
  follow(listener: (change: MemberChange) => void): void;
}

/** So many events wait for a follower; of more, the oldest changes are forgotten. The newest change never is. */
export const MAX_UNTOLD_EVENTS = 50_000;

export function createChangeFeed(maxUntold = MAX_UNTOLD_EVENTS): ChangeFeed {
  const untold: MemberChange[] = [];
  let untoldEvents = 0;

  const keep = (change: MemberChange): void => {
    untold.push(change);
    untoldEvents += change.events.length;
    while (untoldEvents > maxUntold && untold.length > 1) {
      const [oldest] = untold.splice(0, 1);
      if (oldest !== undefined) untoldEvents -= oldest.events.length;
    }
  };

  let tell = keep;
  return {
    tell: change => tell(change),
    follow(listener) {
      // What the follower brings about meanwhile joins the end of the queue.
      for (const change of untold) listener(change);
      untold.length = 0;
      tell = listener;
    },
  };
}
