import type {TrafficSample} from '../../http/page-types.ts';
import {el} from './dom.ts';
import {formatTime} from './format.ts';
import {type Point, toPoints} from './model.ts';

type Plot = import('uplot');
type Options = import('uplot').Options;

/** uPlot's own build, loaded by the page before us. */
declare const uPlot: new (options: Options, values: (number | null)[][], target: HTMLElement) => Plot;

interface Curve {
  readonly label: string;
  /** 1 to 4: the colours of the style sheet. */
  readonly color: number;
  readonly read: (sample: TrafficSample) => number | null;
  readonly dash?: number[];
}

/** A pass, as a line across the charts. */
export interface Mark {
  readonly at: number;
  readonly isFailed: boolean;
}

const HEIGHT = 150;

/** Follows the style sheet, in light and in dark. */
const colorOf = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const timeOf = (epochSeconds: number): string => new Date(epochSeconds * 1000).toLocaleTimeString('en-GB');

/** One chart over the last fifteen minutes; it keeps the width of what it is in. */
export interface Chart {
  draw(samples: readonly TrafficSample[], marks: readonly Mark[]): void;
}

/** `legend` shows the curves' values: the last ones, or those under the pointer. */
export function createChart(
  {target, legend}: {readonly target: HTMLElement; readonly legend: HTMLElement},
  curves: readonly Curve[],
  format: (value: number) => string,
  leastTop = 1,
): Chart {
  let plot: Plot | undefined;
  let points: readonly Point[] = [];
  let marks: readonly Mark[] = [];
  const values = curves.map(({label, color}) => ({
    shown: el('b'),
    line: el('span', {class: `curve curve-${color}`}, `${label} `),
  }));
  for (const {line, shown} of values) line.append(shown);
  const moment = el('span', {class: 'moment'});
  legend.replaceChildren(...values.map(({line}) => line), moment);

  const read = (curve: Curve, {sample}: Point) => (sample === undefined ? null : curve.read(sample));
  const valuesOf = (): (number | null)[][] => [
    points.map(({at}) => at / 1000),
    ...curves.map(curve => points.map(point => read(curve, point))),
  ];

  const showValues = (hovered: number | null | undefined): void => {
    const point = points[hovered ?? points.length - 1];
    for (const [index, curve] of curves.entries()) {
      const value = point === undefined ? null : read(curve, point);
      const {shown} = values[index] ?? {};
      if (shown !== undefined) shown.textContent = value === null ? '-' : format(value);
    }
    moment.textContent = point === undefined || hovered == null ? '' : formatTime(point.at);
  };

  const drawMarks = ({ctx, bbox, valToPos, scales}: Plot): void => {
    ctx.save();
    ctx.lineWidth = 1;
    for (const {at, isFailed} of marks) {
      const seconds = at / 1000;
      if (seconds < (scales.x?.min ?? Infinity) || seconds > (scales.x?.max ?? 0)) continue;
      const x = Math.round(valToPos(seconds, 'x', true));
      ctx.strokeStyle = colorOf(isFailed ? '--bad' : '--muted');
      ctx.setLineDash(isFailed ? [] : [2, 4]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  };

  const build = (): void => {
    plot?.destroy();
    const axis = {stroke: colorOf('--muted'), grid: {stroke: colorOf('--line'), width: 1}, ticks: {show: false}};
    plot = new uPlot(
      {
        width: target.clientWidth,
        height: HEIGHT,
        cursor: {drag: {x: false, y: false}},
        legend: {show: false},
        hooks: {drawAxes: [drawMarks], setCursor: [({cursor}) => showValues(cursor.idx)]},
        scales: {y: {range: (_plot, _low, high) => [0, Math.max(leastTop, (high ?? 0) * 1.1)]}},
        axes: [
          {...axis, size: 28, space: 70, values: (_plot, ticks) => ticks.map(timeOf)},
          {...axis, size: 58, values: (_plot, ticks) => ticks.map(format)},
        ],
        series: [
          {},
          ...curves.map(({label, color, dash}) => ({
            label,
            stroke: colorOf(`--curve-${color}`),
            width: 2,
            ...(dash && {dash}),
            points: {show: false},
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
    draw(samples, passes) {
      points = toPoints(samples);
      marks = passes;
      if (plot === undefined) build();
      else plot.setData(valuesOf() as never);
      showValues(plot?.cursor.idx);
    },
  };
}
