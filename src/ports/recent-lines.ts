/** A line with its number; numbers only grow, so that a reader can ask for what came after. */
export interface RecentLine {
  readonly number: number;
  readonly text: string;
}

/** The last lines that were written, for those who cannot read our stdout. */
export interface RecentLines {
  add(text: string): void;
  /** At most `limit` lines after the one numbered `after`, the newest of them, oldest first. */
  since(after: number, limit: number): readonly RecentLine[];
}

/** Keeps `maxLines` lines, each cut at `maxCharacters`. */
export function createRecentLines(maxLines: number, maxCharacters: number): RecentLines {
  const lines: RecentLine[] = [];
  let number = 0;
  return {
    add(text) {
      number += 1;
      lines[number % maxLines] = {number, text: text.slice(0, maxCharacters).trimEnd()};
    },
    since(after, limit) {
      const first = Math.max(after + 1, number - Math.min(limit, maxLines) + 1, 1);
      const found: RecentLine[] = [];
      for (let next = first; next <= number; next += 1) {
        const line = lines[next % maxLines];
        if (line !== undefined) found.push(line);
      }
      return found;
    },
  };
}
