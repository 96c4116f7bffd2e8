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

/** The members are written down when it is time, whatever a pass does. */
const BESIDE = / members\.json$/;

/** Which faults an effect can have: what we only watch cannot fail, what the kernel answers from memory cannot stall. */
export function kindsOf({label}: Point): readonly Kind[] {
  if (/^(send|end of) /.test(label)) return ['crash'];
  if (/ \/proc\/|^bind |^lower /.test(label)) return ['error', 'crash'];
  return ['error', 'hang', 'crash'];
}

/** Those of its effects that only this kind of pass has. */
function ownOf({own}: Scenario, points: readonly Point[]): readonly Point[] {
  if (own === undefined) return points;
  const from = own.from === undefined ? 0 : points.findIndex(({label}) => label === own.from);
  const to = points.findLastIndex(({label}) => label === own.to);
  if (from < 0 || to < from) throw new Error(`no effects from ${own.from ?? 'the first'} to ${own.to}: another pass?`);
  return points.slice(from, to + 1);
}

/** All cases of a scenario whose good pass had these effects, in their order. */
export const planCases = (scenario: Scenario, points: readonly Point[]): Case[] =>
  ownOf(scenario, points)
    .filter(({label, nth}) => nth <= MAX_NTH && !BESIDE.test(label))
    .flatMap(point => kindsOf(point).map((kind): Case => ({scenario, point, kind})));

/** A minute each until HAProxy's check, or its start, is given up. */
const isSlow = ({point, kind}: Case): boolean => kind === 'hang' && /^start haproxy/.test(point.label);

const KINDS: readonly Kind[] = ['error', 'hang', 'crash'];

/** An even share of them, each kind of fault in turn, the same one each time, without those that take a minute. */
export function sampleCases(cases: readonly Case[], count: number): Case[] {
  const quick = cases.filter(one => !isSlow(one));
  return Array.from({length: count}, (_, number) => {
    const own = quick.filter(({kind}) => kind === KINDS[number % KINDS.length]);
    return own[Math.floor(((number + 0.5) * own.length) / count)] ?? [];
  }).flat();
}

export const nameOf = ({scenario, point, kind}: Case): string =>
  `${scenario.name}: ${point.label}${point.nth > 1 ? ` (${point.nth})` : ''}, ${kind}`;
