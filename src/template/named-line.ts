/** A line of a rendered file that a message of HAProxy names, and the words before and behind its name. */
export interface NamedLine {
  readonly line: number;
  readonly before: string;
  readonly words: string;
}

/** A pattern for that text and no other. */
export const quotePattern = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Reads `parsing [FILE:12] : words` and its like, of any release; undefined when the file is not named with a line. */
export function findNamedLine(message: string, file: string): NamedLine | undefined {
  const quoted = quotePattern(file);
  const named = new RegExp(`(?:config : )?(?:(?:parsing )?\\[${quoted}:(\\d+)\\]|${quoted}:(\\d+))(?: ?: )?`).exec(
    message,
  );
  if (named === null) return undefined;
  return {
    line: Number(named[1] ?? named[2]),
    before: message.slice(0, named.index),
    words: message.slice(named.index + named[0].length).trim(),
  };
}
