/** Something that changes, for whoever wants to know. */
export interface Source<News> {
  /** Tells the listener, at once and in order, what came before it, and from then on whatever comes. One listener. */
  follow(listener: (news: News) => void): void;
}

/** A source with the side that feeds it. */
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
  const waiting: News[] = [];
  let size = 0;
  let listener: ((news: News) => void) | undefined;
  const sizeOf = (news: News | undefined): number => (news === undefined ? 0 : (bound?.sizeOf(news) ?? 0));
  return {
    tell(news) {
      if (listener !== undefined) {
        listener(news);
        return;
      }
      waiting.push(news);
      size += sizeOf(news);
      while (bound !== undefined && size > bound.most && waiting.length > 1) size -= sizeOf(waiting.shift());
    },
    follow(follower) {
      if (listener !== undefined) throw new Error('cannot follow a source twice: it has one listener');
      // What the follower brings about meanwhile joins the end of the queue.
      for (const news of waiting) follower(news);
      waiting.length = 0;
      listener = follower;
    },
  };
}
