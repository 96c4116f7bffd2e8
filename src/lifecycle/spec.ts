import type {JobSpec} from '../jobs/spec.ts';

/** What a state can do without a shell. */
export const BUILT_IN_ACTIONS = ['render', 'validate', 'apply', 'telegraf', 'drain'] as const;
export type ActionName = (typeof BUILT_IN_ACTIONS)[number];

export const JOB_VERBS = ['start', 'stop', 'restart'] as const;
export type JobVerb = (typeof JOB_VERBS)[number];

/** One thing that a state does: a built-in action, something with a job, or a block for `/bin/sh -c`. */
export type StateStep =
  | {readonly is: 'action'; readonly name: ActionName}
  | {readonly is: 'job'; readonly verb: JobVerb; readonly job: string}
  | {readonly is: 'shell'; readonly block: string};

export interface StateSpec {
  readonly tag: string;
  /** In order; `shell` is the last one. */
  readonly steps: readonly StateStep[];
  /** Globs over tags: where a request may lead from here. The terminal state is always reachable. */
  readonly next: readonly string[];
  /** A running block of this state is never killed for a newer request. */
  readonly force: boolean;
  /** Its work is ended after that. */
  readonly timeoutMs: number | undefined;
}

/**
 * `lifecycle.yml` (docs/contract-2017.md#lifecycle), checked: `initial` and `terminal` name states, tags are unique.
 */
export interface Manifest {
  readonly initial: string;
  readonly terminal: string;
  readonly states: ReadonlyMap<string, StateSpec>;
  /** All but `haproxy`, which is always there. */
  readonly jobs: readonly JobSpec[];
  /** What is strange but harmless, one line each. */
  readonly warnings: readonly string[];
  /**
   * It uses nothing newer: its blocks make the configuration, rely on what the start script of 2017 did, and fail nothing
   * by their exit codes.
   */
  readonly isOf2017: boolean;
}

/** Whether any state renders the template; where none does, blocks make the configuration out of what they like. */
export const rendersTemplate = ({states}: Pick<Manifest, 'states'>): boolean =>
  [...states.values()].some(({steps}) => steps.some(step => step.is === 'action' && step.name === 'render'));

/** Whether a state applies what it validates with nothing in between: a hook there is promised a text that was checked. */
export function appliesAtOnce(steps: readonly StateStep[] = []): boolean {
  const names = steps.map(step => (step.is === 'action' ? step.name : step.is));
  return names[names.indexOf('validate') + 1] === 'apply';
}
