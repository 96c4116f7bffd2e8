/** Lines enough for a look at what a job said last. */
const MAX_LINES = 200;

/** Remembers the last lines that were added. */
export function createTail(): {add(line: string): void; lines(): readonly string[]} {
  let lines: string[] = [];
  return {
    add(line) {
      lines.push(line);
      if (lines.length >= 2 * MAX_LINES) lines = lines.slice(-MAX_LINES);
    },
    lines: () => lines.slice(-MAX_LINES),
  };
}
