/** Something that changes, for whoever wants to know. */
export interface Source<News> {
  /** Tells the listener, at once and in order, what came before it, and from then on whatever comes. One listener. */
  follow(listener: (news: News) => void): void;
}

/** A source with the side that feeds it. */
export interface OpenSource<News> extends Source<News> {
  tell(news: News): void;
}

/** A source whose news wait for its listener: a part of the daemon may change before the one that cares is there. */
export function createSource<News>(): OpenSource<News> {
  const waiting: News[] = [];
  let listener: ((news: News) => void) | undefined;
  return {
    tell(news) {
      if (listener === undefined) waiting.push(news);
      else listener(news);
    },
    follow(follower) {
      if (listener !== undefined) throw new Error('cannot follow a source twice: it has one listener');
      listener = follower;
      for (const news of waiting.splice(0)) follower(news);
    },
  };
}
