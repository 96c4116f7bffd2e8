import {reasonOf} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import type {TemplateInput} from '../template/input.ts';
import type {Answer} from './culprits.ts';
import {type CulpritFinding, findCulprits} from './find-culprits.ts';
import {deriveSuspects, type Suspect, withoutSuspects} from './suspects.ts';
import {deriveWorkingGroups} from './working-groups.ts';

/** An input that failed of `fault`, and the one that worked before it. */
export interface Failing {
  readonly input: TemplateInput;
  readonly before: TemplateInput | undefined;
  readonly fault: unknown;
}

/** A pod with which something fails, and of what. */
export interface BadPod {
  readonly suspect: Suspect;
  readonly fault: unknown;
}

export type PodFinding = {readonly checks: number} & (
  | {readonly is: 'found'; readonly pods: readonly BadPod[]}
  /** It fails without any of them as well, of this. */
  | {readonly is: 'innocent'; readonly fault: unknown}
  | {readonly is: 'too long'}
  /** Nobody came or changed. */
  | {readonly is: 'nobody'}
  /** All of them hit a limit of rendering, and none does alone. */
  | {readonly is: 'too much'}
);

export interface BadPodSearch {
  readonly clock: Clock;
  /** Whether it works with this input. Rejects with what no pod can be the cause of. */
  readonly ask: (input: TemplateInput) => Promise<Answer<unknown>>;
  readonly maxChecks: number;
  readonly maxMs: number;
}

const isSameReason = (one: unknown, other: unknown): boolean => reasonOf(one) === reasonOf(other);

/**
 * Finds those without whom an input works, among the pods that came or changed since `before` did. Where they are too
 * many to be found one by one, whole apps are: each as it was before.
 */
export async function findBadPods(
  {input, before, fault}: Failing,
  {clock, ask, maxChecks, maxMs}: BadPodSearch,
): Promise<PodFinding> {
  const suspects = deriveSuspects(before, input);
  if (suspects.length === 0) return {is: 'nobody', checks: 0};
  const startedMs = clock.nowMs();
  const bounds = {isSame: isSameReason, maxChecks, hasTime: () => clock.nowMs() - startedMs < maxMs};
  const check = (asked: ReadonlySet<Suspect>) =>
    ask(
      withoutSuspects(
        input,
        suspects.filter(suspect => !asked.has(suspect)),
      ),
    );
  const groups = deriveWorkingGroups(suspects, leavesAnAppWithoutPods(input, suspects));
  const alone = await findCulprits<Suspect, unknown>(suspects, fault, {...bounds, check, groups});
  if (alone.is !== 'too long') return podsOf(alone, suspect => [suspect]);

  const startedAgainMs = clock.nowMs();
  const apps = [...Map.groupBy(suspects, ({pod}) => pod.app).values()];
  const whole = await findCulprits<readonly Suspect[], unknown>(apps, fault, {
    ...bounds,
    groups: [[], ...apps.map((_, out) => [...apps.keys()].filter(place => place !== out))],
    hasTime: () => clock.nowMs() - startedAgainMs < maxMs,
    check: asked => check(new Set([...asked].flat())),
  });
  return podsOf({...whole, checks: alone.checks + whole.checks}, own => own);
}

const leavesAnAppWithoutPods = (input: TemplateInput, suspects: readonly Suspect[]): boolean =>
  withoutSuspects(input, suspects).variables.hosts.size < input.variables.hosts.size;

function podsOf<Accused>(
  finding: CulpritFinding<Accused, unknown>,
  of: (accused: Accused) => readonly Suspect[],
): PodFinding {
  if (finding.is !== 'found') return finding;
  const pods = finding.culprits.flatMap(({suspect, fault}) => of(suspect).map(one => ({suspect: one, fault})));
  return {is: 'found', pods, checks: finding.checks};
}
