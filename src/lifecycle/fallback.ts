import {DaemonError, reasonOf} from '../errors.ts';
import type {Hosts} from '../members/member.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {disableServers} from '../proxy/departed.ts';
import type {GoodTemplate} from '../template/good-template.ts';
import type {TemplateInput} from '../template/input.ts';
import type {KeptTemplate} from '../template/kept-template.ts';
import type {Passes, PassInput} from './passes.ts';
import type {Quarantine} from './quarantine.ts';

/*
 * INVARIANTS
 * - What a template is refused for costs that template alone: pods come and go with the last one that worked.
 * - The newest template is tried first, at each change and each retry; the pass as a whole failed for as long as it is
 *   refused, so nothing here makes a refusal look like success.
 * - A template that worked before some pods came or changed is tried without those that it fails with.
 * - Where the last good template fails with today's pods all the same, the text stays, but pods that left get no request.
 */

/** A template that does not work, and what serves instead. Times in epoch ms. */
export interface Refusal {
  readonly reason: string;
  /** Since when this template is refused. */
  readonly sinceAt: number;
  /** The template that is used instead, with today's pods; null when it fails with them as well. `replica`: whose pass, null for ours. */
  readonly serving: {readonly pass: number; readonly sinceAt: number; readonly replica: string | null} | null;
}

export interface FallbackPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly passes: Pick<Passes, 'tried' | 'applied' | 'appliedText' | 'last' | 'applyText'>;
  /** The last template that worked, kept beside `proxy.cfg`, and with the other replicas. */
  readonly good: GoodTemplate;
  /** One pass, with this template instead of the newest where one is given. Rejects with what it failed of. */
  readonly runPass: (cause: string, given: {readonly read?: PassInput; readonly template?: string}) => Promise<void>;
  /** Today's. */
  readonly hosts: () => Hosts;
  readonly quarantine: Pick<Quarantine, 'isolate' | 'retryDue' | 'keepOnly'>;
  /** What a template would see if nobody were in quarantine. */
  readonly loadWhole: () => Promise<TemplateInput>;
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

interface FallbackState {
  readonly ports: FallbackPorts;
  /** Of the first pass: whom the text of an earlier daemon serves, as far as anybody remembers. */
  firstHosts: Hosts | undefined;
  refused: (Refusal & {readonly template: string | undefined}) | undefined;
}

export function createFallback(ports: FallbackPorts): Fallback {
  const state: FallbackState = {ports, firstHosts: undefined, refused: undefined};
  return {
    run: (cause, read) => run(state, cause, read),
    get refusal() {
      const {refused} = state;
      return refused && {reason: refused.reason, sinceAt: refused.sinceAt, serving: refused.serving};
    },
  };
}

async function run(state: FallbackState, cause: string, read: PassInput | undefined): Promise<void> {
  const {passes, quarantine, runPass, loadWhole, good, clock, hosts} = state.ports;
  state.firstHosts ??= hosts();
  const isStale = await quarantine.retryDue(loadWhole);
  try {
    await runPass(cause, read === undefined || isStale ? {} : {read});
  } catch (fault) {
    if (!isRefusal(fault)) throw fault;
    await recover(state, cause, fault);
  }
  state.refused = undefined;
  const {applied, appliedText} = passes;
  // Of a text that a block wrote, no template can be said to work.
  if (applied === undefined || appliedText === undefined) return;
  const {template} = applied.input;
  await quarantine.keepOnly(template);
  const {current} = good;
  const isKnown = current !== undefined && current.template === template;
  await keepGood(state.ports, isKnown ? current : {pass: passes.last?.pass ?? 0, template, sinceAt: clock.epochMs()});
}

/** Resolves where the newest template works after all, without some pods; rejects with what it failed of. */
async function recover(state: FallbackState, cause: string, fault: unknown): Promise<void> {
  const {passes, good} = state.ports;
  const {tried} = passes;
  const template = tried?.input.template;
  const current = await good.recall();
  if (current !== undefined && current.template !== template) {
    await fallBack(state, cause, fault, template, current);
    if (state.refused?.serving == null) throw fault;
    // The newest may fail with nobody but those who are kept out of the last good one.
    return await runWithout(state.ports, {cause, fault, tried});
  }
  try {
    await runWithout(state.ports, {cause, fault, tried});
  } catch (error) {
    await retireDeparted(state);
    throw error;
  }
}

async function fallBack(
  state: FallbackState,
  cause: string,
  fault: unknown,
  template: string | undefined,
  current: KeptTemplate,
): Promise<void> {
  const {ports} = state;
  const given = {template: current.template};
  const why = `${cause}; the newest template is refused`;
  try {
    await ports
      .runPass(why, given)
      .catch(again => runWithout(ports, {cause: why, fault: again, tried: ports.passes.tried}, given));
    await keepGood(ports, current);
    refuse(state, fault, template, current);
  } catch (error) {
    ports.log.warn(
      {reason: reasonOf(error), pass: current.pass},
      'the last good template fails with the pods of today',
    );
    refuse(state, fault, template, undefined);
    await retireDeparted(state);
  }
}

function refuse(
  state: FallbackState,
  fault: unknown,
  template: string | undefined,
  serving: KeptTemplate | undefined,
): void {
  const {clock, log, passes} = state.ports;
  const {refused} = state;
  const isNew = refused === undefined || refused.template !== template;
  const sinceAt = isNew ? clock.epochMs() : refused.sinceAt;
  const shown =
    serving === undefined ? null : {pass: serving.pass, sinceAt: serving.sinceAt, replica: serving.replica ?? null};
  if (isNew) log.warn({reason: reasonOf(fault), pass: shown?.pass}, 'template refused: the last good one is used');
  // The record's words hide what may be a credential.
  state.refused = {reason: passes.last?.error ?? reasonOf(fault), template, sinceAt, serving: shown};
}

/** Another try of what failed, without the pods that it failed with, if they are to blame. */
async function runWithout(
  {passes: {applied}, quarantine, runPass}: FallbackPorts,
  {cause, fault, tried}: {readonly cause: string; readonly fault: unknown; readonly tried: PassInput | undefined},
  given: {readonly template?: string} = {},
): Promise<void> {
  const isFound = tried !== undefined && (await quarantine.isolate(tried.input, applied?.input, fault));
  if (!isFound) throw fault;
  await runPass(`${cause}; without the pods that it fails with`, given);
}

/** Nobody is sent to pods that left, though no text can be made without them; nor to a pod of another app at their address. */
async function retireDeparted({ports, firstHosts}: FallbackState): Promise<void> {
  const {passes, hosts, log} = ports;
  const {applied, appliedText} = passes;
  const before = applied?.input.variables.hosts ?? firstHosts;
  if (before === undefined || appliedText === undefined) return;
  const present = hosts();
  const departed = [...before].flatMap(([app, ips]) => ips.filter(ip => present.get(app)?.includes(ip) !== true));
  try {
    await passes.applyText(disableServers(appliedText, departed));
    if (departed.length > 0) log.warn({ip: departed}, 'pods that left get no more requests');
  } catch (error) {
    log.error({reason: reasonOf(error), ip: departed}, 'pods that left are still in the configuration');
  }
}

/** Rollbacks succeed with an older template: that one is good then. */
const keepGood = ({good, log}: FallbackPorts, kept: KeptTemplate): Promise<void> =>
  good.put(kept).catch(err => log.warn({err}, 'cannot remember the template that works'));
