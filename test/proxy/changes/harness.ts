import {execFileSync} from 'node:child_process';
import {deriveDifference, type RuntimeAbilities} from '../../../src/proxy/difference.ts';
import {parseVersion, type Version} from '../../../src/proxy/version.ts';
import {createAbilities} from '../../../src/reload/abilities.ts';
import {type Cell, cellOf, SITUATIONS, type Situation, type Trial} from './cells.ts';
import {type Pods, startPods, trackedOf} from './pods.ts';
import {inTurn, run, takenBy, textOf} from './running.ts';
import {tryCells} from './trying.ts';

/** What is decided for one keyword in one situation: told at run time, or a reload and why. */
export type Decision =
  | {readonly is: 'runtime'}
  | {readonly is: 'reload'; readonly why: string}
  | {readonly is: 'refused'; readonly why: string};

export interface Finding {
  readonly trial: Trial;
  readonly situation: Situation;
  readonly differences: readonly string[];
  readonly commands: readonly string[];
}

export interface Harness extends AsyncDisposable {
  readonly binary: string;
  /** Major and minor version, as the page names it. */
  readonly release: string;
  readonly pods: Pods;
  readonly abilities: RuntimeAbilities;
}

const versionOf = (binary: string): Version => parseVersion(execFileSync(binary, ['-v'], {encoding: 'utf8'}));

/** Major and minor version, as the page names it. */
export function releaseOf(binary: string): string {
  const {major, minor} = versionOf(binary);
  return `${major}.${minor}`;
}

/** Starts what stands behind the HAProxys of this binary, and asks one what it can be told. */
export async function openHarness(binary: string): Promise<Harness> {
  const version = versionOf(binary);
  const pods = await startPods();
  await using running = await run(binary, textOf([], 'before', trackedOf(pods)));
  const abilities = await createAbilities((_, command) => running.ask(command), version).of(running.socket);
  return {
    binary,
    release: releaseOf(binary),
    pods,
    abilities,
    [Symbol.asyncDispose]: () => pods[Symbol.asyncDispose](),
  };
}

const ALL = Object.keys(SITUATIONS) as Situation[];

/** Ways of changing that have servers of their own beside others; `first` and `all` are about all there are. */
const ALONE: readonly Situation[] = ['first', 'all', 'several'];

/** What is decided in each situation of each trial; `refused` is what this HAProxy does not take in a configuration. */
export async function decide(
  trials: readonly Trial[],
  {binary, pods, abilities}: Harness,
): Promise<Map<Trial, Map<Situation, Decision>>> {
  const tracked = trackedOf(pods);
  const cells = trials.flatMap(trial => (trial.situations ?? ALL).map(situation => ({trial, situation})));
  const singles = new Map(
    cells.map(({trial, situation}, index) => [cellOf(trial, [situation], `c${index}`, pods), situation]),
  );
  const {refused} = await takenBy(binary, [...singles.keys()], tracked);
  const decided = new Map<Trial, Map<Situation, Decision>>(trials.map(trial => [trial, new Map()]));
  for (const [cell, situation] of singles) {
    const why = refused.get(cell);
    const difference = deriveDifference(textOf([cell], 'before', tracked), textOf([cell], 'after', tracked), abilities);
    const decision: Decision =
      why !== undefined
        ? {is: 'refused', why}
        : difference.is === 'reload'
          ? {is: 'reload', why: difference.why.replace(/^c\d+(\/s\d+)?: /, '')}
          : {is: 'runtime'};
    decided.get(cell.trial)?.set(situation, decision);
  }
  return decided;
}

/** Of what is told at run time, what is not known of another HAProxy, and one situation of each trial: every one in turn. */
export function fewOf(
  decided: ReadonlyMap<Trial, ReadonlyMap<Situation, Decision>>,
  isKnown: (trial: Trial, situation: Situation) => boolean,
): Map<Trial, Map<Situation, Decision>> {
  return new Map(
    [...decided].map(([trial, decisions], index) => {
      const told = [...decisions].filter(([, {is}]) => is === 'runtime');
      return [
        trial,
        new Map(told.filter(([situation], at) => at === index % told.length || !isKnown(trial, situation))),
      ];
    }),
  );
}

const BATCH = 150;
/** Much of the time is waiting for checks. */
const BATCHES_AT_ONCE = 2;

async function findDifferences(cells: readonly Cell[], harness: Harness): Promise<Map<Cell, Finding>> {
  const found = new Map<Cell, Finding>();
  const batches: Cell[][] = [];
  const count = Math.ceil(cells.length / BATCH);
  // Neighbours are alike: each batch gets its part of those that check over TLS, which cost most.
  for (let at = 0; at < count; at += 1) batches.push(cells.filter((_, index) => index % count === at));
  await inTurn(batches, BATCHES_AT_ONCE, async batch => {
    for (const {cell, differences, commands} of await tryCells(batch, harness)) {
      if (differences.length > 0) {
        found.set(cell, {trial: cell.trial, situation: cell.situations[0] ?? 'move', differences, commands});
      }
    }
  });
  return found;
}

/**
 * Tries what is decided to be told at run time, many situations of a trial in one backend. What differs is tried again
 * by itself, three times: a busy machine is late, a difference stays.
 */
export async function proveAllowed(
  decided: ReadonlyMap<Trial, ReadonlyMap<Situation, Decision>>,
  harness: Harness,
): Promise<Finding[]> {
  const cells: Cell[] = [];
  const add = (trial: Trial, situations: readonly Situation[]) => {
    if (situations.length > 0) cells.push(cellOf(trial, situations, `c${cells.length}`, harness.pods));
  };
  for (const [trial, decisions] of decided) {
    const allowed = [...decisions].flatMap(([situation, {is}]) => (is === 'runtime' ? [situation] : []));
    add(
      trial,
      allowed.filter(situation => !ALONE.includes(situation)),
    );
    for (const situation of ALONE) if (allowed.includes(situation)) add(trial, [situation]);
  }
  const suspects = [...(await findDifferences(cells, harness)).keys()];
  const singles = suspects
    .flatMap(({trial, situations}) => situations.map(situation => ({trial, situation})))
    .map(({trial, situation}, index) => cellOf(trial, [situation], `c${index}`, harness.pods));
  return proveCells(singles, harness, 3);
}

/** Tries cells, those that differ again until they were tried `times`; what differed each time. */
export async function proveCells(cells: readonly Cell[], harness: Harness, times: number): Promise<Finding[]> {
  let findings: Finding[] = [];
  let suspects = cells;
  for (let time = 0; time < times && suspects.length > 0; time += 1) {
    const found = await findDifferences(suspects, harness);
    suspects = [...found.keys()];
    findings = [...found.values()];
  }
  return findings;
}

/** Tries what is decided to be a reload all the same, each situation by itself: what a reload spares people. */
export async function measureOthers(
  decided: ReadonlyMap<Trial, ReadonlyMap<Situation, Decision>>,
  harness: Harness,
): Promise<{readonly tried: number; readonly findings: Finding[]}> {
  const cells = [...decided]
    .flatMap(([trial, decisions]) =>
      [...decisions].flatMap(([situation, {is}]) => (is === 'reload' ? [{trial, situation}] : [])),
    )
    .map(({trial, situation}, index) => cellOf(trial, [situation], `c${index}`, harness.pods));
  return {tried: cells.length, findings: [...(await findDifferences(cells, harness)).values()]};
}
