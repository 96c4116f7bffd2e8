import {DaemonError, isSystemFault} from '../errors.ts';
import {findAlerts} from '../proxy/output.ts';
import {showLine} from '../proxy/show-line.ts';
import {hideTemplateSecrets} from '../proxy/template-secrets.ts';
import type {Candidate, Foreseen} from '../reload/candidate.ts';
import type {Generations} from '../reload/generations.ts';
import type {TemplateInput} from '../template/input.ts';
import type {IsolatedRenderer, Traced} from '../template/renderer.ts';
import {WHOLE_FILE} from '../template/source-place.ts';
import {traceReason} from '../template/trace-reason.ts';
import {type Finding, findingOfHaproxy, findingOfRefusal} from './findings.ts';

export interface TrialPorts {
  readonly renderer: Pick<IsolatedRenderer, 'trace'>;
  readonly proxy: Pick<Generations, 'foresee' | 'stage' | 'discard'>;
  /** As of a pass: what is foreseen depends on it. */
  readonly spare?: (input: TemplateInput, text: string, signal: AbortSignal) => Promise<void>;
  /** `haproxy -c`: the warnings of a valid candidate; rejects with VALIDATE. */
  readonly check: (candidate: Candidate, signal: AbortSignal) => Promise<readonly string[]>;
  /** A generation's configuration, in HAProxy's messages. */
  readonly fileNamed: RegExp;
}

/** What came of a template that somebody wants looked at. */
export interface Examination {
  readonly findings: readonly Finding[];
  /** Undefined where none came out. */
  readonly text: string | undefined;
  /** Undefined where it would not come to serve. */
  readonly foreseen: Foreseen | undefined;
}

/** Trying a template out with an input, and explaining what it failed of. */
export interface Trial {
  /** Renders and validates, and leaves nothing behind: the text. Rejects as a pass would, with the template's lines named. */
  tryOut(input: TemplateInput, signal: AbortSignal): Promise<string>;
  /** The same with all that is to be said of it: warnings too, and how it would come to serve. Rejects with APPLY alone. */
  examine(input: TemplateInput, signal: AbortSignal): Promise<Examination>;
  /** What HAProxy refused of a text, with the lines of the template that it was rendered of. */
  explain(fault: unknown, made: {readonly input: TemplateInput; readonly text: string}): Promise<unknown>;
}

export function createTrial(ports: TrialPorts): Trial {
  const {renderer, proxy, check, fileNamed} = ports;
  const traced = (fault: unknown, {text, lineOf}: Traced): unknown => {
    if (!(fault instanceof DaemonError) || isSystemFault(fault.cause)) return fault;
    const file = fileNamed.exec(fault.message)?.[0] ?? fileNamed.exec(fault.detail ?? '')?.[0];
    if (file === undefined) return fault;
    return traceReason(fault, {file, lineOf, showLine: line => showLine(text, line)});
  };
  return {
    async tryOut(input, signal) {
      const made = await renderer.trace(input, signal);
      // What serves is no exception: a file that it names may be gone, and then it fails whoever comes.
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
    examine: (input, signal) => examine(ports, input, signal),
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

async function examine(
  {renderer, proxy, check, spare}: TrialPorts,
  input: TemplateInput,
  signal: AbortSignal,
): Promise<Examination> {
  const given = {
    template: hideTemplateSecrets(input.template),
    place: WHOLE_FILE,
    file: 'template',
    name: 'the template',
  };
  const refused = (finding: Finding[], text?: string): Examination => ({findings: finding, text, foreseen: undefined});
  let made: Traced;
  try {
    made = await renderer.trace(input, signal);
  } catch (error) {
    if (!(error instanceof DaemonError) || error.code !== 'RENDER') throw error;
    return refused([findingOfRefusal(given, error)]);
  }
  const {text} = made;
  const candidate = await proxy.stage(text);
  const said = (level: Finding['level']) => (message: string) =>
    findingOfHaproxy(given, made, {
      level,
      message,
      file: candidate.configuration,
      showLine: line => showLine(text, line),
    });
  try {
    const findings = (await check(candidate, signal)).map(said('warning'));
    await spare?.(input, text, signal);
    return {findings, text, foreseen: await proxy.foresee(text)};
  } catch (error) {
    if (!(error instanceof DaemonError) || error.code !== 'VALIDATE') throw error;
    const alerts = findAlerts((error.detail ?? '').split('\n'));
    return refused((alerts.length > 0 ? alerts : [error.message]).map(said('error')), text);
  } finally {
    await proxy.discard(candidate);
  }
}
