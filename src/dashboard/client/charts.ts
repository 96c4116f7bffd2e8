import type {TrafficSample} from '../../http/page-types.ts';

type Plot = import('uplot');
type Options = import('uplot').Options;

/** uPlot's own build, loaded by the page before us. */
declare const uPlot: new (options: Options, values: number[][], target: HTMLElement) => Plot;

interface Curve {
  readonly label: string;
  /** The name of a custom property of the style sheet. */
  readonly color: string;
  readonly read: (sample: TrafficSample) => number;
  readonly dash?: number[];
}

const HEIGHT = 170;

/** Follows the style sheet, in light and in dark. */
const colorOf = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const timeOf = (epochSeconds: number): string => new Date(epochSeconds * 1000).toLocaleTimeString('en-GB');

/** One chart over the last fifteen minutes; it keeps the width of what it is in. */
export interface Chart {
  draw(samples: readonly TrafficSample[]): void;
}

export function createChart(
  target: HTMLElement,
  curves: readonly Curve[],
  format: (value: number) => string,
  leastTop = 1,
): Chart {
  let plot: Plot | undefined;
  let samples: readonly TrafficSample[] = [];

  const valuesOf = (): number[][] => [samples.map(({at}) => at / 1000), ...curves.map(({read}) => samples.map(read))];

  const build = (): void => {
    plot?.destroy();
    const axis = {stroke: colorOf('--muted'), grid: {stroke: colorOf('--line'), width: 1}, ticks: {show: false}};
    plot = new uPlot(
      {
        width: target.clientWidth,
        height: HEIGHT,
        cursor: {drag: {x: false, y: false}},
        scales: {y: {range: (_plot, _low, high) => [0, Math.max(leastTop, high * 1.1)]}},
        axes: [
          {...axis, space: 70, values: (_plot, ticks) => ticks.map(timeOf)},
          {...axis, size: 58, values: (_plot, ticks) => ticks.map(format)},
        ],
        series: [
          {value: (_plot, at) => (at === null ? '' : timeOf(at))},
          ...curves.map(({label, color, dash}) => ({
            label,
            stroke: colorOf(color),
            width: 2,
            ...(dash && {dash}),
            points: {show: false},
            value: (_plot: Plot, value: number | null) => (value === null ? '' : format(value)),
          })),
        ],
      },
      valuesOf(),
      target,
    );
  };

  new ResizeObserver(() => plot?.setSize({width: target.clientWidth, height: HEIGHT})).observe(target);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', build);
  return {
    draw(next) {
      samples = next;
      if (plot === undefined) build();
      else plot.setData(valuesOf() as never);
    },
  };
}
