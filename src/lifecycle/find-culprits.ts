import {type Answer, askedOf, newSearch, type Search, stepSearch} from './culprits.ts';

/** What a search is made with, and what bounds it. */
export interface FindPorts<Suspect, Fault> {
  /** Whether it works with these suspects as they are, and with the others as they were. */
  readonly check: (asked: ReadonlySet<Suspect>) => Promise<Answer<Fault>>;
  /** Groups that may work, by the suspects' places; only nobody where absent. */
  readonly groups?: readonly (readonly number[])[];
  /** Whether two faults are one, in the same words. */
  readonly isSame?: (one: Fault, other: Fault) => boolean;
  readonly maxChecks: number;
  readonly hasTime: () => boolean;
}

export type CulpritFinding<Suspect, Fault> = {readonly checks: number} & (
  | {readonly is: 'found'; readonly culprits: readonly {readonly suspect: Suspect; readonly fault: Fault}[]}
  /** It fails without them as well, of this. */
  | {readonly is: 'innocent'; readonly fault: Fault}
  | {readonly is: 'too long'}
);

/** Finds the suspects without whom it works. `fault` is what it fails of with all of them. */
export async function findCulprits<Suspect, Fault>(
  suspects: readonly Suspect[],
  fault: Fault,
  {check, groups, isSame, maxChecks, hasTime}: FindPorts<Suspect, Fault>,
): Promise<CulpritFinding<Suspect, Fault>> {
  let search: Search<Fault> = newSearch(suspects.length, fault, groups);
  for (let checks = 0; ; checks += 1) {
    if (search.is === 'innocent') return {is: 'innocent', fault: search.fault, checks};
    if (search.is === 'found') {
      const culprits = search.culprits.map(({index, fault: of}) => ({suspect: suspects[index] as Suspect, fault: of}));
      return {is: 'found', culprits, checks};
    }
    if (checks === maxChecks || !hasTime()) return {is: 'too long', checks};
    search = stepSearch(search, await check(new Set(askedOf(search, suspects))), isSame);
  }
}
