/** Something that changes, for whoever wants to know. */
export interface Source<News> {
  /** Tells the listener, at once and in order, what came before it, and from then on whatever comes. One listener. */
  follow(listener: (news: News) => void): void;
}

/**
 * A source with the side that feeds it. A listener that throws has a bug, of which no part may go on half done: it is
 * fatal (`uncaughtException`), and whoever tells, such as the answer to a ping, can neither catch nor hide it.
 */
export interface OpenSource<News> extends Source<News> {
  tell(news: News): void;
}

/** How much may wait for a listener; of more, the oldest is forgotten. The newest never is. */
export interface WaitBound<News> {
  readonly most: number;
  readonly sizeOf: (news: News) => number;
}

/** A source whose news wait for its listener: a part of the daemon may change before the one that cares is there. */
export function createSource<News>(bound?: WaitBound<News>): OpenSource<News> {
  let waiting: News[] = [];
  let size = 0;
  let listener: ((news: News) => void) | undefined;
  const wait = (news: News): void => {
    waiting.push(news);
    if (bound === undefined) return;
    size += bound.sizeOf(news);
    while (size > bound.most && waiting.length > 1) {
      for (const oldest of waiting.splice(0, 1)) size -= bound.sizeOf(oldest);
    }
  };
  return {
    tell(news) {
      if (listener === undefined) wait(news);
      else tellOrDie(listener, news);
    },
    follow(follower) {
      if (listener !== undefined) throw new Error('cannot follow a source twice: it has one listener');
      // What the follower brings about meanwhile joins the end of the queue.
      for (const news of waiting) follower(news);
      waiting = [];
      listener = follower;
    },
  };
}

function tellOrDie<News>(listener: (news: News) => void, news: News): void {
  try {
    listener(news);
  } catch (bug) {
    queueMicrotask(() => {
      throw bug;
    });
  }
}
