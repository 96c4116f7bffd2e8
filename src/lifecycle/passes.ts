import {DaemonError, reasonOf} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import type {Applied, Candidate} from '../reload/candidate.ts';
import type {Generations} from '../reload/generations.ts';
import {digestInput, type TemplateInput} from '../template/input.ts';
import type {Renderer} from '../template/renderer.ts';
import type {Action, Visit} from './lifecycle.ts';
import type {ActionName} from './manifest.ts';

export type Verdict = 'ok' | 'unchanged' | 'failed';
type Phase = Extract<ActionName, 'render' | 'validate' | 'apply'>;

/** One trip through render, validate and apply, as `/status` shows it. Durations in ms; `startedAt` in epoch ms. */
export interface PassRecord {
  readonly pass: number;
  readonly generation: number;
  readonly way: string;
  readonly why: string;
  readonly cause: string;
  readonly startedAt: number;
  readonly phasesMs: Readonly<Partial<Record<Phase, number>>>;
  readonly verdict: Verdict;
  readonly error: string | null;
}

/** What an applied pass had for its input: `GET /state` answers from it. */
export interface AppliedInput {
  readonly input: TemplateInput;
  readonly digest: string;
}

interface Pass {
  readonly number: number;
  readonly startedAt: number;
  readonly phasesMs: Partial<Record<Phase, number>>;
  input?: TemplateInput;
  text?: string;
  candidate?: Candidate;
  applied?: Applied;
}

export interface PassPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly loadInput: () => Promise<TemplateInput>;
  readonly renderer: Renderer;
  readonly proxy: Pick<Generations, 'isServing' | 'isSafe' | 'status' | 'stage' | 'discard' | 'apply'>;
  /** `haproxy -c`: the warnings of a valid candidate; rejects with VALIDATE. */
  readonly check: (candidate: Candidate, signal: AbortSignal) => Promise<readonly string[]>;
  readonly onRecord: (record: PassRecord) => void;
}

export interface Passes {
  readonly actions: Readonly<Record<Phase, Action>>;
  /** Closes the pass of a visit, if it made one: files away its record. */
  conclude(visit: Visit, fault: unknown): void;
  /** Applies a text that was not rendered (the last good one on disk at a boot whose template fails). */
  applyText(text: string): Promise<void>;
  readonly last: PassRecord | undefined;
  readonly applied: AppliedInput | undefined;
}

/** The built-in actions of a pass. `render` begins one; `validate` and `apply` go on with what it made. */
export function createPasses(ports: PassPorts): Passes {
  const {clock, log, proxy} = ports;
  const passes = new WeakMap<Visit, Pass>();
  let number = 0;
  let last: PassRecord | undefined;
  let applied: AppliedInput | undefined;

  const timed = async <T>(pass: Pass, phase: Phase, work: () => Promise<T>): Promise<T> => {
    const startedMs = clock.nowMs();
    try {
      return await work();
    } finally {
      pass.phasesMs[phase] = Math.round(10 * (clock.nowMs() - startedMs)) / 10;
    }
  };

  const passOf = (visit: Visit, action: Phase): Pass & {text: string} => {
    const pass = passes.get(visit);
    if (pass?.text !== undefined) return pass as Pass & {text: string};
    throw new DaemonError(
      'LIFECYCLE',
      `cannot ${action} in state ${visit.tag}: name "render" before it in lifecycle.yml`,
    );
  };

  const validated = async (text: string, signal: AbortSignal): Promise<Candidate> => {
    const candidate = await proxy.stage(text);
    try {
      for (const warning of await ports.check(candidate, signal)) {
        log.warn({generation: candidate.generation, reason: warning}, 'haproxy warns about the configuration');
      }
      return candidate;
    } catch (error) {
      await proxy.discard(candidate);
      throw error;
    }
  };

  const actions: Record<Phase, Action> = {
    async render(visit, signal) {
      const pass: Pass = {number: ++number, startedAt: clock.epochMs(), phasesMs: {}};
      passes.set(visit, pass);
      await timed(pass, 'render', async () => {
        pass.input = await ports.loadInput();
        pass.text = `${(await ports.renderer.render(pass.input, signal)).replace(/\n+$/, '')}\n`;
      });
    },
    async validate(visit, signal) {
      const pass = passOf(visit, 'validate');
      if (proxy.isServing(pass.text) || proxy.isSafe(pass.text)) return;
      pass.candidate = await timed(pass, 'validate', () => validated(pass.text, signal));
    },
    async apply(visit, signal) {
      const pass = passOf(visit, 'apply');
      if (!proxy.isServing(pass.text)) {
        pass.applied = await timed(pass, 'apply', async () => {
          if (pass.candidate !== undefined) return proxy.apply(pass.candidate);
          const candidate = await proxy.stage(pass.text);
          return proxy.apply(candidate, () => ports.check(candidate, signal));
        });
      }
      if (pass.input !== undefined) applied = {input: pass.input, digest: digestInput(pass.input)};
    },
  };

  return {
    actions,
    conclude(visit, fault) {
      const pass = passes.get(visit);
      if (pass === undefined) return;
      const detail = fault instanceof DaemonError ? fault.detail : undefined;
      last = {
        pass: pass.number,
        generation: pass.applied?.generation ?? proxy.status.generation,
        way: pass.applied?.way ?? 'none',
        why: pass.applied?.why ?? (fault === undefined ? 'the text came out equal' : 'the pass failed'),
        cause: visit.cause,
        startedAt: pass.startedAt,
        phasesMs: pass.phasesMs,
        verdict: fault !== undefined ? 'failed' : pass.applied === undefined ? 'unchanged' : 'ok',
        error: fault === undefined ? null : reasonOf(fault),
      };
      if (fault === undefined) log.info({...last}, 'pass ended');
      else log.error({...last, detail}, 'pass failed: the last good configuration stays');
      ports.onRecord(last);
    },
    async applyText(text) {
      await proxy.apply(await validated(text, AbortSignal.any([])));
    },
    get last() {
      return last;
    },
    get applied() {
      return applied;
    },
  };
}
