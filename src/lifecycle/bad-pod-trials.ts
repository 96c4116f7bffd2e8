import {DaemonError, isStartRefusal} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import {yieldToLoop} from '../ports/event-loop.ts';
import type {TemplateInput} from '../template/input.ts';
import {isOverLimit} from '../template/template-refusal.ts';
import type {Answer} from './culprits.ts';
import {type Failing, findBadPods, type PodFinding} from './find-bad-pods.ts';
import {deriveSuspects, type Suspect, withoutSuspects} from './suspects.ts';

/** One culprit among 20,000 takes 17, and HAProxy a second for a text of that size. */
const CHECKS = {maxChecks: 100, maxMs: 20_000} as const;
/** A limit that thousands hit together, or on a busy machine, is nobody's fault: who is blamed hits it alone. Each is a check. */
const MAX_OVER_LIMIT = 5;
/** Each is a reload. */
const STARTS = {maxChecks: 16, maxMs: 60_000} as const;

/** Renders and validates, and leaves nothing behind; rejects with what it fails of. */
export interface InputTrial {
  readonly tryOut: (input: TemplateInput, signal: AbortSignal) => Promise<unknown>;
  /** Nothing is tried any more once it aborts. */
  readonly ended: AbortSignal;
}

/** Whether what pods say can be the cause: not of a full disk, nor of a HAProxy that was killed. */
export const canBeOfPods = (fault: unknown): boolean =>
  isStartRefusal(fault) || (fault instanceof DaemonError && (fault.code === 'RENDER' || fault.code === 'VALIDATE'));

/** Whether a configuration can be made of an input. Rejects with what no pod can be the cause of. */
export async function tryInput({tryOut, ended}: InputTrial, input: TemplateInput): Promise<Answer<unknown>> {
  // Between two inputs of thousands of pods: pings first.
  await yieldToLoop();
  return await answerOf(tryOut(input, ended));
}

/** Finds the pods with which no configuration can be made. */
export async function findByChecks(failing: Failing, ports: InputTrial & {readonly clock: Clock}): Promise<PodFinding> {
  const finding = await findBadPods(failing, {clock: ports.clock, ask: input => tryInput(ports, input), ...CHECKS});
  if (finding.is !== 'found') return finding;
  const overLimit = finding.pods.filter(({fault}) => isOverLimit(fault));
  if (overLimit.length > MAX_OVER_LIMIT) return {is: 'too much', checks: finding.checks};
  for (const [place, {suspect}] of overLimit.entries()) {
    const alone = await tryInput(ports, onlyWith(failing.input, suspect));
    const checks = finding.checks + place + 1;
    if (alone.is === 'works' || !isOverLimit(alone.fault)) return {is: 'too much', checks};
  }
  return {...finding, checks: finding.checks + overLimit.length};
}

const onlyWith = (input: TemplateInput, {pod}: Suspect): TemplateInput =>
  withoutSuspects(
    input,
    input.variables.pods.filter(({ip}) => ip !== pod.ip).map(other => ({pod: other, before: undefined})),
  );

/**
 * Finds the pods with which HAProxy cannot be started. A start that fails once may fail of something else: only who stops
 * each of some that are made on purpose (`serve`) is blamed, and nobody where the same start goes well by now.
 */
export async function findByStarts(
  failing: Failing,
  {clock, serve}: {readonly clock: Clock; readonly serve: (input: TemplateInput) => Promise<void>},
): Promise<PodFinding> {
  if (deriveSuspects(failing.before, failing.input).length === 0) return {is: 'nobody', checks: 0};
  const start = (input: TemplateInput) => answerOf(serve(input));
  const again = await start(failing.input);
  if (again.is === 'works') return {is: 'found', pods: [], checks: 1};
  const finding = await findBadPods({...failing, fault: again.fault}, {clock, ask: start, ...STARTS});
  return {...finding, checks: finding.checks + 1};
}

async function answerOf(trying: Promise<unknown>): Promise<Answer<unknown>> {
  try {
    await trying;
    return {is: 'works'};
  } catch (fault) {
    if (!canBeOfPods(fault)) throw fault;
    return {is: 'fails', fault};
  }
}
