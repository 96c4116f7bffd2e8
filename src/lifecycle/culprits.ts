/*
 * INVARIANTS
 * - Whoever is let in was tried together with all others that are let in: nothing is concluded of two groups that were
 *   tried apart.
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
 * A search among suspects 0 to n-1, of whom all together fail. It asks for the first `upTo` of them without the culprits
 * found so far. `innocent`: it fails without any of them, so they are not to blame.
 */
export type Search<Fault> =
  | {
      readonly is: 'asking';
      readonly upTo: number;
      readonly culprits: readonly Culprit<Fault>[];
      /** So many work together, less the culprits. */
      readonly works: number;
      /** So many fail, and of what. */
      readonly fails: number;
      readonly fault: Fault;
      readonly of: number;
    }
  | {readonly is: 'found'; readonly culprits: readonly Culprit<Fault>[]}
  | {readonly is: 'innocent'; readonly fault: Fault};

/** Begins with the question whether they are to blame at all. `fault` is what all of them together fail of. */
export const newSearch = <Fault>(of: number, fault: Fault): Search<Fault> =>
  of === 0 ? {is: 'innocent', fault} : {is: 'asking', upTo: 0, culprits: [], works: 0, fails: of, fault, of};

/** Takes the answer to what a search asks. */
export function stepSearch<Fault>(search: Search<Fault>, answer: Answer<Fault>): Search<Fault> {
  if (search.is !== 'asking') return search;
  const {upTo, of} = search;
  if (upTo === of) {
    // All the rest, without the culprits so far.
    if (answer.is === 'works') return {is: 'found', culprits: search.culprits};
    return narrow({...search, fails: of, fault: answer.fault});
  }
  if (answer.is === 'works') return narrow({...search, works: upTo});
  if (upTo === 0) return {is: 'innocent', fault: answer.fault};
  return narrow({...search, fails: upTo, fault: answer.fault});
}

function narrow<Fault>(search: Search<Fault> & {is: 'asking'}): Search<Fault> {
  const {works, fails, fault, of} = search;
  if (fails - works > 1) return {...search, upTo: works + Math.floor((fails - works) / 2)};
  const culprits = [...search.culprits, {index: works, fault}];
  // Those before the last one were tried already.
  if (fails === of) return {is: 'found', culprits};
  return {...search, culprits, works: fails, upTo: of};
}

/** The suspects that a question is about. */
export function askedOf<Suspect>(search: Search<unknown> & {is: 'asking'}, suspects: readonly Suspect[]): Suspect[] {
  const culprits = new Set(search.culprits.map(({index}) => index));
  return suspects.slice(0, search.upTo).filter((_, index) => !culprits.has(index));
}
