import {DaemonError, reasonOf} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {disableServers} from '../proxy/departed.ts';
import type {TemplateInput} from '../template/input.ts';
import type {KeptTemplate, TemplateFile} from '../template/kept-template.ts';
import type {Passes, PassInput} from './passes.ts';

/*
 * INVARIANTS
 * - What a template is refused for costs that template alone: pods come and go with the last one that worked.
 * - The newest template is tried first, at each change and each retry; the pass as a whole failed for as long as it is
 *   refused, so nothing here makes a refusal look like success.
 * - Where the last good template fails with today's pods too, the text stays, but pods that left get no request.
 */

/** A template that does not work, and what serves instead. Times in epoch ms. */
export interface Refusal {
  readonly reason: string;
  /** Since when this template is refused. */
  readonly sinceAt: number;
  /** The template that is used instead, with today's pods; null when it fails with them as well. */
  readonly serving: {readonly pass: number; readonly sinceAt: number} | null;
}

export interface FallbackPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly passes: Pick<Passes, 'tried' | 'applied' | 'appliedText' | 'last' | 'applyText'>;
  /** The last template that worked, kept beside `proxy.cfg`. */
  readonly good: TemplateFile;
  /** One pass, with this template instead of the newest where one is given. Rejects with what it failed of. */
  readonly runPass: (cause: string, given: {readonly read?: PassInput; readonly template?: string}) => Promise<void>;
  /** The addresses of today's pods. */
  readonly addresses: () => ReadonlySet<string>;
}

/** Runs passes so that a refused template does not keep pods from coming and going. */
export interface Fallback {
  /** The newest template first; the last good one when that is refused. Rejects when the newest did not work. */
  run(cause: string, read?: PassInput): Promise<void>;
  readonly refusal: Refusal | undefined;
}

/** What may be the template's fault. */
const REFUSALS: ReadonlySet<string> = new Set(['RENDER', 'VALIDATE', 'APPLY']);

const isRefusal = (fault: unknown): boolean => fault instanceof DaemonError && REFUSALS.has(fault.code);

export function createFallback({clock, log, passes, good, runPass, addresses}: FallbackPorts): Fallback {
  let refused: (Refusal & {readonly template: string | undefined}) | undefined;

  /** Rollbacks succeed with an older template: that one is good then. */
  const keepGood = async (input: TemplateInput | undefined): Promise<void> => {
    if (input === undefined || input.template === good.current?.template) return;
    const kept = {pass: passes.last?.pass ?? 0, template: input.template, sinceAt: clock.epochMs()};
    await good.put(kept).catch(err => log.warn({err}, 'cannot remember the template that works'));
  };

  const refuse = (fault: unknown, template: string | undefined, serving: KeptTemplate | undefined): void => {
    const isNew = refused === undefined || refused.template !== template;
    const sinceAt = isNew || refused === undefined ? clock.epochMs() : refused.sinceAt;
    const shown = serving === undefined ? null : {pass: serving.pass, sinceAt: serving.sinceAt};
    if (isNew) log.warn({reason: reasonOf(fault), pass: shown?.pass}, 'template refused: the last good one is used');
    // The record's words hide what may be a credential.
    refused = {reason: passes.last?.error ?? reasonOf(fault), template, sinceAt, serving: shown};
  };

  /** Nobody is sent to pods that left, though no text can be made without them. */
  const retireDeparted = async (): Promise<void> => {
    const {applied, appliedText} = passes;
    if (applied === undefined || appliedText === undefined) return;
    const present = addresses();
    const before = [...applied.input.variables.hosts.values()].flat();
    const departed = [...new Set(before)].filter(ip => !present.has(ip));
    try {
      await passes.applyText(disableServers(appliedText, departed));
      if (departed.length > 0) log.warn({ip: departed}, 'pods that left get no more requests');
    } catch (error) {
      log.error({reason: reasonOf(error), ip: departed}, 'pods that left are still in the configuration');
    }
  };

  const fallBack = async (cause: string, fault: unknown, template: string | undefined): Promise<void> => {
    const {current} = good;
    if (current !== undefined && current.template !== template) {
      try {
        await runPass(`${cause}; the newest template is refused`, {template: current.template});
        refuse(fault, template, current);
        return;
      } catch (error) {
        log.warn({reason: reasonOf(error), pass: current.pass}, 'the last good template fails with the pods of today');
        refuse(fault, template, undefined);
      }
    }
    await retireDeparted();
  };

  return {
    async run(cause, read) {
      try {
        await runPass(cause, read === undefined ? {} : {read});
      } catch (fault) {
        if (isRefusal(fault)) await fallBack(cause, fault, passes.tried?.input.template);
        throw fault;
      }
      refused = undefined;
      await keepGood(passes.applied?.input);
    },
    get refusal() {
      return refused && {reason: refused.reason, sinceAt: refused.sinceAt, serving: refused.serving};
    },
  };
}
