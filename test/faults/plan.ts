import type {Scenario} from './scenario.ts';
import type {Kind, Point} from './trial.ts';

/** One cell of the table. */
export interface Case {
  readonly scenario: Scenario;
  readonly point: Point;
  readonly kind: Kind;
}

/** What is asked again and again until it says yes is tried twice: once more is the same. */
const MAX_NTH = 2;

/** Which faults an effect can have: what we only watch cannot fail, what the kernel answers from memory cannot stall. */
export function kindsOf({label}: Point): readonly Kind[] {
  if (/^(send|end of) /.test(label)) return ['crash'];
  if (/ \/proc\/|^bind |^lower /.test(label)) return ['error', 'crash'];
  return ['error', 'hang', 'crash'];
}

/** All cases of a scenario whose good pass had these effects, in their order. */
export const planCases = (scenario: Scenario, points: readonly Point[]): Case[] =>
  points
    .filter(({nth}) => nth <= MAX_NTH)
    .flatMap(point => kindsOf(point).map((kind): Case => ({scenario, point, kind})));

/** A minute each until HAProxy's check, or its start, is given up. */
const isSlow = ({point, kind}: Case): boolean => kind === 'hang' && /^start haproxy/.test(point.label);

/** An even share of them, the same one each time, without those that take a minute. */
export function sampleCases(cases: readonly Case[], count: number): Case[] {
  const quick = cases.filter(one => !isSlow(one));
  const step = Math.max(1, quick.length / count);
  // One further each time, so that it is not always the same kind of fault.
  const indexes = Array.from(
    {length: Math.min(count, quick.length)},
    (_, number) => Math.floor(number * step) + number,
  );
  return indexes.flatMap(index => quick[index % quick.length] ?? []);
}

export const nameOf = ({scenario, point, kind}: Case): string =>
  `${scenario.name}: ${point.label}${point.nth > 1 ? ` (${point.nth})` : ''}, ${kind}`;
