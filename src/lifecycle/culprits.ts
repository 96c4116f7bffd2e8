/*
 * INVARIANTS
 * - Whoever is let in was tried together with all others that are let in: nothing is concluded of two groups that were
 *   tried apart.
 * - Nobody is blamed before some group works: what works with nobody and with no group fails by itself.
 * - One culprit among n takes at most log2(n) + 2 questions, the first and the last one included.
 */

/** Whether it works with a group of suspects as they are now, and with all others as they were. */
export type Answer<Fault> = {readonly is: 'works'} | {readonly is: 'fails'; readonly fault: Fault};

/** Somebody without whom it works, and what it fails of with them. */
export interface Culprit<Fault> {
  /** The place among the suspects. */
  readonly index: number;
  readonly fault: Fault;
}

/**
 * A search among suspects 0 to n-1, of whom all together fail. `seeking`: for a group that works, among those that were
 * given, in their order. `asking`: for the first `upTo` in an order that begins with that group, without the culprits
 * found so far. `innocent`: it fails without any of them, of `fault`, so they are not to blame.
 */
export type Search<Fault> =
  | {
      readonly is: 'seeking';
      /** Those not yet asked for, the next one first. */
      readonly groups: readonly [readonly number[], ...(readonly number[])[]];
      /** What it fails of with all of them. */
      readonly fault: Fault;
      /** What it fails of without any, once that was asked. */
      readonly own: Fault | undefined;
      readonly of: number;
    }
  | {
      readonly is: 'asking';
      readonly order: readonly number[];
      readonly upTo: number;
      readonly culprits: readonly Culprit<Fault>[];
      /** So many work together, less the culprits. */
      readonly works: number;
      /** So many fail, and of what. */
      readonly fails: number;
      readonly fault: Fault;
    }
  | {readonly is: 'found'; readonly culprits: readonly Culprit<Fault>[]}
  | {readonly is: 'innocent'; readonly fault: Fault};

const NOBODY: readonly number[] = [];

/**
 * Begins with the question whether they are to blame at all. `fault` is what all of them together fail of. `groups` are
 * the ones that may work; nobody is one of them, and the only one unless others are given.
 */
export function newSearch<Fault>(
  of: number,
  fault: Fault,
  [first = NOBODY, ...more]: readonly (readonly number[])[] = [],
): Search<Fault> {
  return of === 0 ? {is: 'innocent', fault} : {is: 'seeking', groups: [first, ...more], fault, own: undefined, of};
}

/** Takes the answer to what a search asks. `isSame` tells whether two faults are one. */
export function stepSearch<Fault>(
  search: Search<Fault>,
  answer: Answer<Fault>,
  isSame: (one: Fault, other: Fault) => boolean = () => false,
): Search<Fault> {
  switch (search.is) {
    case 'seeking':
      return seek(search, answer, isSame);
    case 'asking':
      return ask(search, answer);
    default:
      return search;
  }
}

function seek<Fault>(
  search: Search<Fault> & {is: 'seeking'},
  answer: Answer<Fault>,
  isSame: (one: Fault, other: Fault) => boolean,
): Search<Fault> {
  const {groups, fault, of} = search;
  const [group, next, ...more] = groups;
  if (answer.is === 'works') {
    const known = new Set(group);
    const order = [...group, ...Array.from({length: of}, (_, index) => index).filter(index => !known.has(index))];
    return narrow({is: 'asking', order, upTo: 0, culprits: [], works: group.length, fails: of, fault});
  }
  const own = group.length === 0 ? answer.fault : search.own;
  // The same words with all of them and with none: no group will do away with that.
  const isByItself = group.length === 0 && isSame(answer.fault, fault);
  if (next === undefined || isByItself) return {is: 'innocent', fault: own ?? fault};
  return {...search, groups: [next, ...more], own};
}

function ask<Fault>(search: Search<Fault> & {is: 'asking'}, answer: Answer<Fault>): Search<Fault> {
  const {upTo, order} = search;
  if (upTo === order.length) {
    // All the rest, without the culprits so far.
    if (answer.is === 'works') return {is: 'found', culprits: search.culprits};
    return narrow({...search, fails: order.length, fault: answer.fault});
  }
  if (answer.is === 'works') return narrow({...search, works: upTo});
  return narrow({...search, fails: upTo, fault: answer.fault});
}

function narrow<Fault>(search: Search<Fault> & {is: 'asking'}): Search<Fault> {
  const {order, works, fails, fault} = search;
  if (fails - works > 1) return {...search, upTo: works + Math.floor((fails - works) / 2)};
  const culprits = [...search.culprits, {index: order[works] as number, fault}];
  // Those before the last one were tried already.
  if (fails === order.length) return {is: 'found', culprits};
  return {...search, culprits, works: fails, upTo: order.length};
}

/** The suspects that a question is about. */
export function askedOf<Suspect>(
  search: Search<unknown> & {is: 'seeking' | 'asking'},
  suspects: readonly Suspect[],
): Suspect[] {
  if (search.is === 'seeking') return search.groups[0].map(index => suspects[index] as Suspect);
  const culprits = new Set(search.culprits.map(({index}) => index));
  const asked = search.order.slice(0, search.upTo).filter(index => !culprits.has(index));
  return asked.map(index => suspects[index] as Suspect);
}
