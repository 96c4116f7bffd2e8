/** How many letters may be wrong in a name of that length: short ones are too close to each other. */
export const tolerance = (length: number): number => (length < 3 ? 0 : length < 6 ? 1 : 2);

/** Letters to change, add, remove or swap with their neighbour (Damerau and Levenshtein, optimal string alignment). */
export function distance(a: string, b: string): number {
  const rows = [Array.from({length: b.length + 1}, (_, index) => index)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i += 1) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j += 1) {
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      rows[i]?.push(
        Math.min(
          at(i - 1, j) + 1,
          at(i, j - 1) + 1,
          at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1),
          isSwap ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
  }
  return at(a.length, b.length);
}

/** The one that was probably meant, in capitals or not; undefined where none is near, as for a name of a letter or two. */
export function findNearest(given: string, known: Iterable<string>): string | undefined {
  const [nearest] = [...known]
    .map(name => ({name, far: distance(given.toLowerCase(), name.toLowerCase())}))
    .filter(({name, far}) => far <= tolerance(Math.min(given.length, name.length)))
    .sort((a, b) => a.far - b.far);
  return nearest?.name;
}
