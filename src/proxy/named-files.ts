/** `-f FILE`, `map_str(FILE`, `errorfile 503 FILE`, `lf-file FILE`, `lua-load FILE`, `filter spoe … config FILE`. */
const NAMES =
  /(?:\s-f\s+|\bmap(?:_[a-z_]+)?\(|(?<![-\w])(?:errorfile\s+(?:\d+\s+)?|(?:lf-)?file\s+|lua-load(?:-per-thread)?\s+|config\s+))["']?(\/[^\s"',)]+)/g;

/**
 * The files that HAProxy reads at its start since a text names them: lists of ACLs, maps, pages, scripts, an SPOE
 * filter's. Absolute paths alone; certificates and servers' states are another matter.
 */
export const findNamedFiles = (text: string): ReadonlySet<string> =>
  new Set(Array.from(text.matchAll(NAMES), ([, path = '']) => path));
