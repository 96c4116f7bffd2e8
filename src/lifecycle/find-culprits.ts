import {type Answer, askedOf, type Culprit, newSearch, type Search, stepSearch} from './culprits.ts';

/** What a search is made with, and what bounds it. */
export interface FindPorts<Suspect, Fault> {
  /** Whether it works with these suspects as they are, and with the others as they were. */
  readonly check: (asked: ReadonlySet<Suspect>) => Promise<Answer<Fault>>;
  /** So many may not be culprits: something else is to blame then. */
  readonly isTooMany: (culprits: readonly Suspect[]) => boolean;
  readonly maxChecks: number;
  readonly hasTime: () => boolean;
}

type Finding<Suspect, Fault> = {readonly checks: number} & (
  | {readonly is: 'found'; readonly culprits: readonly {readonly suspect: Suspect; readonly fault: Fault}[]}
  | {readonly is: 'innocent' | 'too many' | 'too long'}
);

/** Finds the suspects without whom it works. `fault` is what it fails of with all of them. */
export async function findCulprits<Suspect, Fault>(
  suspects: readonly Suspect[],
  fault: Fault,
  {check, isTooMany, maxChecks, hasTime}: FindPorts<Suspect, Fault>,
): Promise<Finding<Suspect, Fault>> {
  const named = (culprits: readonly Culprit<Fault>[]) =>
    culprits.map(culprit => ({suspect: suspects[culprit.index] as Suspect, fault: culprit.fault}));
  let search: Search<Fault> = newSearch(suspects.length, fault);
  for (let checks = 0; ; checks += 1) {
    if (search.is === 'innocent') return {is: 'innocent', checks};
    const culprits = named(search.culprits);
    if (isTooMany(culprits.map(({suspect}) => suspect))) return {is: 'too many', checks};
    if (search.is === 'found') return {is: 'found', culprits, checks};
    if (checks === maxChecks || !hasTime()) return {is: 'too long', checks};
    search = stepSearch(search, await check(new Set(askedOf(search, suspects))));
  }
}
