/** What HAProxy reads in place of texts that are about to serve, where that is not the text itself. */
export interface ReadTexts {
  /** Undefined: the text itself. */
  keep(text: string, read: string | undefined): void;
  readAs(text: string): string;
}

/** That of a pass, of the one before it, of previews and trials beside them. */
const MAX_KEPT = 8;

export function createReadTexts(): ReadTexts {
  const kept = new Map<string, string>();
  return {
    keep(text, read) {
      kept.delete(text);
      if (read === undefined) return;
      kept.set(text, read);
      const [oldest] = kept.keys();
      if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
    },
    readAs: text => kept.get(text) ?? text,
  };
}
