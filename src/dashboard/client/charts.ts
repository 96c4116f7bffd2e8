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

interface ChartState {
  readonly target: HTMLElement;
  readonly curves: readonly Curve[];
  readonly format: (value: number) => string;
  readonly leastTop: number;
  readonly legend: Legend;
  plot: Plot | undefined;
  points: readonly Point[];
  marks: readonly Mark[];
}

/** Where the value of each curve is shown, in their order, and the moment that the pointer is at. */
interface Legend {
  readonly values: readonly HTMLElement[];
  readonly moment: HTMLElement;
}

/** `legend` shows the curves' values: the last ones, or those under the pointer. */
export function createChart(
  {target, legend}: {readonly target: HTMLElement; readonly legend: HTMLElement},
  curves: readonly Curve[],
  format: (value: number) => string,
  leastTop = 1,
): Chart {
  const state: ChartState = {
    target,
    curves,
    format,
    leastTop,
    legend: fillLegend(legend, curves),
    plot: undefined,
    points: [],
    marks: [],
  };
  new ResizeObserver(() => state.plot?.setSize({width: target.clientWidth, height: HEIGHT})).observe(target);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => build(state));
  return {
    draw(samples, marks) {
      state.points = toPoints(samples);
      state.marks = marks;
      if (state.plot === undefined) build(state);
      else state.plot.setData(valuesOf(state) as never);
      showValues(state, state.plot?.cursor.idx);
    },
  };
}

function fillLegend(legend: HTMLElement, curves: readonly Curve[]): Legend {
  const values = curves.map(() => el('b'));
  const moment = el('span', {class: 'moment'});
  const lines = curves.map(({label, color}, index) => {
    const line = el('span', {class: `curve curve-${color}`}, `${label} `);
    line.append(values[index] ?? '');
    return line;
  });
  legend.replaceChildren(...lines, moment);
  return {values, moment};
}

const read = (curve: Curve, {sample}: Point): number | null => (sample === undefined ? null : curve.read(sample));

/** As uPlot takes them: the times, then each curve. */
const valuesOf = ({points, curves}: ChartState): (number | null)[][] => [
  points.map(({at}) => at / 1000),
  ...curves.map(curve => points.map(point => read(curve, point))),
];

function showValues({points, curves, format, legend}: ChartState, hovered: number | null | undefined): void {
  const point = points[hovered ?? points.length - 1];
  for (const [index, curve] of curves.entries()) {
    const value = point === undefined ? null : read(curve, point);
    const shown = legend.values[index];
    if (shown !== undefined) shown.textContent = value === null ? '-' : format(value);
  }
  legend.moment.textContent = point === undefined || hovered == null ? '' : formatTime(point.at);
}

/** Draws the chart anew, in the colours that the page has now. */
function build(state: ChartState): void {
  const {target} = state;
  state.plot?.destroy();
  state.plot = new uPlot(optionsOf(state), valuesOf(state), target);
}

function optionsOf(state: ChartState): Options {
  const {target, curves, format, leastTop} = state;
  const axis = {stroke: colorOf('--muted'), grid: {stroke: colorOf('--line'), width: 1}, ticks: {show: false}};
  return {
    width: target.clientWidth,
    height: HEIGHT,
    cursor: {drag: {x: false, y: false}},
    legend: {show: false},
    hooks: {
      drawAxes: [plot => drawMarks(plot, state.marks)],
      setCursor: [({cursor}) => showValues(state, cursor.idx)],
    },
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
  };
}

function drawMarks({ctx, bbox, valToPos, scales}: Plot, marks: readonly Mark[]): void {
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
}
