import {DaemonError} from '../errors.ts';
import {showLine} from '../proxy/show-line.ts';
import type {Candidate} from '../reload/candidate.ts';
import type {Generations} from '../reload/generations.ts';
import type {TemplateInput} from '../template/input.ts';
import type {IsolatedRenderer, Traced} from '../template/renderer.ts';
import {traceReason} from '../template/trace-reason.ts';

export interface TrialPorts {
  readonly renderer: Pick<IsolatedRenderer, 'trace'>;
  readonly proxy: Pick<Generations, 'isServing' | 'stage' | 'discard'>;
  /** `haproxy -c`; rejects with VALIDATE. */
  readonly check: (candidate: Candidate, signal: AbortSignal) => Promise<unknown>;
  /** A generation's configuration, in HAProxy's messages. */
  readonly fileNamed: RegExp;
}

/** Trying a template out with an input, and explaining what it failed of. */
export interface Trial {
  /** Renders and validates, and leaves nothing behind: the text. Rejects as a pass would, with the template's lines named. */
  tryOut(input: TemplateInput, signal: AbortSignal): Promise<string>;
  /** What HAProxy refused of a text, with the lines of the template that it was rendered of. */
  explain(fault: unknown, made: {readonly input: TemplateInput; readonly text: string}): Promise<unknown>;
}

export function createTrial({renderer, proxy, check, fileNamed}: TrialPorts): Trial {
  const traced = (fault: unknown, {text, lineOf}: Traced): unknown => {
    if (!(fault instanceof DaemonError)) return fault;
    const file = fileNamed.exec(fault.message)?.[0] ?? fileNamed.exec(fault.detail ?? '')?.[0];
    if (file === undefined) return fault;
    return traceReason(fault, {file, lineOf, showLine: line => showLine(text, line)});
  };
  return {
    async tryOut(input, signal) {
      const made = await renderer.trace(input, signal);
      if (proxy.isServing(made.text)) return made.text;
      const candidate = await proxy.stage(made.text);
      try {
        await check(candidate, signal);
      } catch (fault) {
        throw traced(fault, made);
      } finally {
        await proxy.discard(candidate);
      }
      return made.text;
    },
    async explain(fault, {input, text}) {
      if (!(fault instanceof DaemonError)) return fault;
      // Rendered once more, which only a failure costs: lines are not counted otherwise.
      const made = await renderer.trace(input, AbortSignal.any([])).catch(error => {
        if (!(error instanceof DaemonError)) throw error;
        return undefined;
      });
      return traced(fault, made?.text === text ? made : {text, lineOf: () => undefined});
    },
  };
}
