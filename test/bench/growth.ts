import {counted, type Figure} from './figure.ts';

/** Costs at one size and more: `cost` is never negative. */
interface Point {
  readonly size: number;
  readonly cost: number;
}

/** Below these exponents: a tenfold size costs up to 1.8, 6.3 and 16 times as much (n log n is 13 times, at 1,000). */
const WORDS = [
  {below: 0.25, word: 'constant'},
  {below: 0.8, word: 'less than linear'},
  {below: 1.2, word: 'linear'},
] as const;

const wordOf = (exponent: number): string => WORDS.find(({below}) => exponent < below)?.word ?? 'worse than linear';

/** The k of cost ~ size^k that fits best (least squares on a log-log scale); undefined with fewer than two sizes. */
export function fitExponent(points: readonly Point[]): number | undefined {
  const logs = points.filter(({cost}) => cost > 0).map(({size, cost}) => ({x: Math.log(size), y: Math.log(cost)}));
  const meanX = logs.reduce((sum, {x}) => sum + x, 0) / logs.length;
  const spread = logs.reduce((sum, {x}) => sum + (x - meanX) ** 2, 0);
  return spread > 0 ? logs.reduce((sum, {x, y}) => sum + (x - meanX) * y, 0) / spread : undefined;
}

/**
 * How each series among the figures grows: k over all its sizes and, beside, what the step between its two largest ones
 * means, where what is paid at any size hides the growth least. Of what is better when more, the inverse is the cost.
 * A series of fewer than two sizes, and a figure of 0, say nothing.
 */
export function deriveGrowth(figures: readonly Figure[]): Figure[] {
  const points = figures.flatMap(({value, better, point}) =>
    point === undefined ? [] : [{...point, cost: better === 'less' ? value : 1 / value}],
  );
  return [...Map.groupBy(points, ({series}) => series)].flatMap(([series, all]): Figure[] => {
    const sorted = all.filter(({cost}) => cost > 0).toSorted((a, b) => a.size - b.size);
    const [exponent, last] = [fitExponent(sorted), fitExponent(sorted.slice(-2))];
    if (exponent === undefined || last === undefined) return [];
    const [from = 0, to = 0] = sorted.slice(-2).map(({size}) => size);
    const step = `${last.toFixed(2)} from ${from.toLocaleString('en')} to ${counted(to, 'member')}`;
    return [
      {name: `growth of ${series}, k`, value: exponent, unit: '', better: 'less', beside: `${wordOf(last)}: ${step}`},
    ];
  });
}
