import type {BadPing} from './bad-pings.ts';
import type {Poison} from './notes.ts';
import {createRandom, type Random} from './random.ts';
import type {Spoilt} from './templates.ts';

/** One thing that is done to the daemon; `pod` is a pod's number in the cast. */
export type Action =
  | {readonly do: 'join' | 'leave' | 'silence' | 'replace'; readonly pod: number}
  | {readonly do: 'flap'; readonly pod: number; readonly times: number}
  /** Most of an app falls silent at once. */
  | {readonly do: 'hush'}
  | {readonly do: 'badPing'; readonly kind: BadPing}
  | {readonly do: 'template'}
  /** A template that must not be served, and after a while a good one. */
  | {readonly do: 'spoil'; readonly kind: Spoilt; readonly forMs: number}
  /** A pod says what breaks the configuration, and after a while something good, or it goes. */
  | {
      readonly do: 'poison';
      readonly kind: Poison;
      /** Whether it worked before. */
      readonly was: 'new' | 'good';
      /** What else happens while it is kept out. */
      readonly meanwhile: 'nothing' | 'template' | 'spoil' | 'killProxy' | 'killDaemon';
      readonly ending: 'mend' | 'leave' | 'silence';
    }
  /** All pods of an app say what breaks the configuration: more than may be left out. */
  | {readonly do: 'poisonApp'; readonly was: 'new' | 'good'; readonly ending: 'mend' | 'leave'}
  | {readonly do: 'killProxy'}
  | {
      readonly do: 'killDaemon';
      readonly downMs: number;
      /** Another program holds the lock of iptables so long, from the next one's start or its first answer on. */
      readonly lockMs: number;
      readonly lockFrom: 'start' | 'answer';
    }
  | {readonly do: 'pause'; readonly forMs: number}
  | {readonly do: 'outage'; readonly how: 'kill' | 'stop'; readonly forMs: number}
  | {readonly do: 'restart'}
  /** Another program holds the lock of iptables. */
  | {readonly do: 'lock'; readonly forMs: number}
  /** Everything is mended and calm: now all has to be exactly right. */
  | {readonly do: 'check'};

export interface Step {
  readonly n: number;
  /** How long after the last action began or, if it took longer, ended. */
  readonly afterMs: number;
  readonly action: Action;
}

/** Light actions of a round; between them, one heavy one each. */
const LIGHT_PARTS = 3;
const LIGHT_IN_A_PART = 7;

/** The rounds, counted in eras of this many, in which the daemon is killed; the stretches between show leaks. */
const ERA_ROUNDS = 30;
const KILL_ROUNDS: readonly number[] = [1, 3, 12];

const MALFORMED: readonly [BadPing, ...BadPing[]] = [
  'not json',
  'no app',
  'empty key',
  'path in key',
  'bad ip',
  'multicast ip',
  'loopback ip',
  'huge',
  'cut short',
  'zerorpc',
];
const BROKEN: readonly [Spoilt, ...Spoilt[]] = ['syntax', 'attribute', 'keyword', 'nothing'];
const POISONOUS: readonly [Poison, ...Poison[]] = ['value', 'shape', 'injection', 'port', 'twin'];
const DANGEROUS: readonly [Spoilt, ...Spoilt[]] = ['loop', 'memory', 'escape', 'takenPort'];

const poison = (random: Random): Action => ({
  do: 'poison',
  kind: random.pick(POISONOUS),
  was: random.pick(['new', 'good']),
  meanwhile: random.pick(['nothing', 'template', 'spoil', 'killProxy', 'killDaemon']),
  ending: random.pick(['mend', 'leave', 'silence']),
});

const HEAVY: readonly ((random: Random) => Action)[] = [
  () => ({do: 'killProxy'}),
  () => ({do: 'restart'}),
  () => ({do: 'hush'}),
  random => ({do: 'pause', forMs: random.between(500, 6000)}),
  random => ({do: 'outage', how: random.pick(['kill', 'stop']), forMs: random.between(500, 9000)}),
  random => ({do: 'lock', forMs: random.between(500, 3000)}),
  random => ({do: 'spoil', kind: random.pick(BROKEN), forMs: random.between(1000, 6000)}),
  random => ({do: 'spoil', kind: random.pick(DANGEROUS), forMs: random.between(3000, 8000)}),
  () => ({do: 'spoil', kind: 'guest', forMs: 0}),
  poison,
  poison,
  random => ({do: 'poisonApp', was: random.pick(['new', 'good']), ending: random.pick(['mend', 'leave'])}),
];

function lightAction(random: Random, pods: number): Action {
  const pod = random.between(0, pods - 1);
  const dice = random.between(1, 100);
  if (dice <= 30) return {do: 'join', pod};
  if (dice <= 45) return {do: 'leave', pod};
  if (dice <= 57) return {do: 'silence', pod};
  if (dice <= 65) return {do: 'flap', pod, times: random.between(1, 4)};
  if (dice <= 70) return {do: 'replace', pod};
  if (dice <= 84) return {do: 'badPing', kind: random.pick(MALFORMED)};
  return {do: 'template'};
}

/**
 * The actions of a seed, without end; they depend on nothing else, so that a run can be had again and a longer one
 * begins as a shorter one did. A round is some light actions, two heavy ones among them, and a `check`; all kinds of
 * heavy actions come in turn.
 */
export function* planSteps(seed: number, pods: number): Generator<Step, never> {
  const random = createRandom(seed);
  let n = 0;
  const step = (action: Action, afterMs: number): Step => ({n: ++n, afterMs, action});
  let deck: ((random: Random) => Action)[] = [];
  const killDaemon = (): Action => ({
    do: 'killDaemon',
    downMs: random.between(0, 3000),
    lockMs: random.pick([0, random.between(500, 3000)]),
    lockFrom: random.pick(['start', 'answer']),
  });
  const nextHeavy = (): Action => {
    if (deck.length === 0) deck = random.shuffle(HEAVY);
    return deck.pop()?.(random) ?? {do: 'restart'};
  };
  for (let round = 0; ; round++) {
    for (let part = 1; part <= LIGHT_PARTS; part++) {
      for (let light = 0; light < LIGHT_IN_A_PART; light++) {
        yield step(lightAction(random, pods), random.between(100, 1300));
      }
      const isKill = part === 1 && KILL_ROUNDS.includes(round % ERA_ROUNDS);
      if (part < LIGHT_PARTS) yield step(isKill ? killDaemon() : nextHeavy(), random.between(100, 500));
    }
    yield step({do: 'check'}, 500);
  }
}

/** An action for a person, such as `flap pod=3 times=2`. */
export const describeAction = ({do: verb, ...rest}: Action): string =>
  [verb, ...Object.entries(rest).map(([name, value]) => `${name}=${value}`)].join(' ');
