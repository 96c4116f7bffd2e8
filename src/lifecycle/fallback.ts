import {CutShort, DaemonError, isStartRefusal, reasonOf, rethrowBug} from '../errors.ts';
import type {Hosts} from '../members/member.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {tellsOfWriteFault} from '../ports/write-fault.ts';
import {disableServers, hasDisabledOf} from '../proxy/departed.ts';
import type {GoodTemplate} from '../template/good-template.ts';
import type {TemplateInput} from '../template/input.ts';
import type {KeptTemplate} from '../template/kept-template.ts';
import type {PassHistory} from './history-file.ts';
import type {VisitRequest} from './lifecycle.ts';
import type {Passes, PassInput} from './passes.ts';
import type {Quarantine} from './quarantine.ts';
import {nameBadPods} from './rehearsal.ts';

/*
 * INVARIANTS
 * - What a template is refused for costs that template alone: pods come and go with the last one that worked.
 * - The newest template is tried first, at each change and each retry; the pass as a whole failed for as long as it is
 *   refused, so nothing here makes a refusal look like success.
 * - A template that worked before some pods came or changed is tried without those that it fails with; one that is newer
 *   than those pods is not, as long as the one before it serves them.
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
  readonly passes: Pick<Passes, 'tried' | 'applied' | 'appliedText' | 'applyText' | 'last'>;
  /** The last template that worked, kept beside `proxy.cfg`, and with the other replicas. */
  readonly good: GoodTemplate;
  /** One pass, with this template or input instead of the newest where one is given. Rejects with what it failed of. */
  readonly runPass: (cause: string, given: GivenPass) => Promise<void>;
  /** Today's. */
  readonly hosts: () => Hosts;
  readonly quarantine: Pick<Quarantine, 'isolate' | 'rehearse' | 'retryDue' | 'keepOnly' | 'save'>;
  /** What a template would see if nobody were in quarantine. */
  readonly loadWhole: () => Promise<TemplateInput>;
  /** The text of the last pass that went well, and the pods that it serves; asked for before the first pass alone. */
  readonly served: () => PassHistory['served'];
  readonly hideSecrets: (said: string) => string;
}

export type GivenPass = Pick<VisitRequest, 'read' | 'template' | 'startsAnew'>;

/** Runs passes so that a refused template does not keep pods from coming and going. */
export interface Fallback {
  /** The newest template first; the last good one when that is refused. Rejects when the newest did not work. */
  run(cause: string, read?: PassInput): Promise<void>;
  /** The next pass starts a HAProxy though its text is the same, and without those with whom none can be started any more. */
  startAnew(): void;
  readonly refusal: Refusal | undefined;
}

/** What may be the template's fault. */
const REFUSALS: ReadonlySet<string> = new Set(['RENDER', 'VALIDATE', 'APPLY']);

/** Not for a file that cannot be written: another template or other pods would need it as well. */
const isRefusal = (fault: unknown): boolean =>
  fault instanceof DaemonError &&
  !(fault instanceof CutShort) &&
  REFUSALS.has(fault.code) &&
  !tellsOfWriteFault(fault.message);

interface FallbackState {
  readonly ports: FallbackPorts;
  /** Whom the text of an earlier daemon serves, as far as anybody remembers. */
  atStart: {readonly hosts: Hosts; readonly served: PassHistory['served']} | undefined;
  /** For the next pass alone. */
  startsAnew: boolean;
  refused: (Refusal & {readonly template: string | undefined; readonly own: string}) | undefined;
}

/** What a pass failed of. */
interface Failed {
  readonly cause: string;
  readonly fault: unknown;
  readonly tried: PassInput | undefined;
  /** What worked before does not start any more: everybody may be to blame. */
  readonly startsAnew: boolean;
}

/** No input's: what a part of the pods was tried with is always looked at again. */
const PART_OF_PODS = 'a part of the pods';

export function createFallback(ports: FallbackPorts): Fallback {
  const state: FallbackState = {ports, atStart: undefined, startsAnew: false, refused: undefined};
  return {
    run: (cause, read) => run(state, cause, read),
    startAnew() {
      state.startsAnew = true;
    },
    get refusal() {
      const {refused} = state;
      return refused && {reason: refused.reason, sinceAt: refused.sinceAt, serving: refused.serving};
    },
  };
}

async function run(state: FallbackState, cause: string, read: PassInput | undefined): Promise<void> {
  const {passes, quarantine, hosts, served} = state.ports;
  state.atStart ??= {hosts: hosts(), served: served()};
  try {
    await runNewest(state, cause, read);
    state.refused = undefined;
    const {applied, appliedText} = passes;
    // Of a text that a block wrote, no template can be said to work.
    if (applied === undefined || appliedText === undefined) return;
    quarantine.keepOnly(applied.input.template);
    await keepApplied(state.ports, applied.input);
  } finally {
    await quarantine.save();
  }
}

async function runNewest(state: FallbackState, cause: string, read: PassInput | undefined): Promise<void> {
  const {quarantine, runPass, loadWhole, passes} = state.ports;
  const {startsAnew} = state;
  state.startsAnew = false;
  const isStale = await quarantine.retryDue(loadWhole);
  try {
    await runPass(cause, {...(read === undefined || isStale ? {} : {read}), ...(startsAnew && {startsAnew})});
  } catch (fault) {
    if (!isRefusal(fault)) throw fault;
    await recover(state, {cause, fault, tried: passes.tried, startsAnew});
  }
}

/** Resolves where the newest template works after all, without some pods; rejects with what it failed of. */
async function recover(state: FallbackState, failed: Failed): Promise<void> {
  const {ports} = state;
  const template = failed.tried?.input.template;
  const current = await ports.good.recall();
  const isNewer = current !== undefined && current.template !== template;
  const serves = isNewer && (await fallBack(ports, failed, current));
  try {
    // A newer one may fail with nobody but those who are kept out of the last good one.
    await runWithout(ports, {...failed, startsAnew: failed.startsAnew && !serves}, {mayExceed: !serves});
  } catch (fault) {
    if (isNewer) await refuse(state, {...failed, fault}, serves ? ports.good.current : undefined);
    if (!serves) await retireDeparted(state);
    throw fault;
  }
}

/** Whether the last good template serves the pods of today. */
async function fallBack(
  ports: FallbackPorts,
  {cause, startsAnew}: Pick<Failed, 'cause' | 'startsAnew'>,
  current: KeptTemplate,
): Promise<boolean> {
  const given = {template: current.template};
  const why = `${cause}; the newest template is refused`;
  try {
    await ports.runPass(why, {...given, ...(startsAnew && {startsAnew})}).catch(fault => {
      const failed = {cause: why, fault, tried: ports.passes.tried, startsAnew};
      return runWithout(ports, failed, {given, mayExceed: true});
    });
    await keepGood(ports, current);
    return true;
  } catch (error) {
    rethrowBug(error);
    ports.log.warn(
      {reason: reasonOf(error), pass: current.pass},
      'the last good template fails with the pods of today',
    );
    return false;
  }
}

async function refuse(state: FallbackState, failed: Failed, serving: KeptTemplate | undefined): Promise<void> {
  const {clock, log, hideSecrets} = state.ports;
  const {refused} = state;
  const template = failed.tried?.input.template;
  const isNew = refused === undefined || refused.template !== template;
  const own = hideSecrets(reasonOf(failed.fault));
  const isKnown = !isNew && refused.own === own;
  const reason = isKnown
    ? refused.reason
    : own + (serving === undefined ? '' : await nameBadPodsOf(state.ports, failed));
  const sinceAt = isNew ? clock.epochMs() : refused.sinceAt;
  const shown =
    serving === undefined ? null : {pass: serving.pass, sinceAt: serving.sinceAt, replica: serving.replica ?? null};
  if (isNew) log.warn({reason, pass: shown?.pass}, 'template refused: the last good one is used');
  state.refused = {reason, own, template, sinceAt, serving: shown};
}

const nameBadPodsOf = async ({quarantine}: FallbackPorts, {fault, tried}: Failed): Promise<string> =>
  tried === undefined ? '' : await nameBadPods(quarantine, {input: tried.input, fault});

/**
 * Another try of what failed, without the pods that it failed with, if they are to blame. `mayExceed`: also where they are
 * more of an app than may be left out, since nothing else can serve the others.
 */
async function runWithout(
  ports: FallbackPorts,
  {cause, fault, tried, startsAnew}: Failed,
  {given = {}, mayExceed}: {readonly given?: {readonly template?: string}; readonly mayExceed: boolean},
): Promise<void> {
  if (tried === undefined) throw fault;
  const {passes, quarantine, runPass} = ports;
  const isolation = await quarantine.isolate({
    input: tried.input,
    before: startsAnew && isStartRefusal(fault) ? undefined : passes.applied?.input,
    fault,
    serve: input =>
      runPass(`${cause}; looking for the pods with which HAProxy cannot be started`, {
        ...given,
        read: {input, digest: PART_OF_PODS},
        startsAnew: true,
      }),
  });
  switch (isolation.is) {
    case 'unknown':
      throw fault;
    case 'innocent':
      // One more pass, without them, fails in the template's own words: these are what is remembered.
      if (!isolation.isKnown) throw isolation.fault;
      break;
    case 'too many':
      if (!mayExceed) throw fault;
      await isolation.hold();
      break;
    case 'isolated':
      // It serves already, where that was found out by starts: whatever the next pass finds, nothing goes back past it.
      if (passes.applied?.input.template === tried.input.template) await keepApplied(ports, tried.input);
      break;
  }
  await runPass(`${cause}; without the pods that it fails with`, given);
}

/** Nobody is sent to pods that left, though no text can be made without them; nor to a pod of another app at their address. */
async function retireDeparted(state: FallbackState): Promise<void> {
  const {passes, hosts, log} = state.ports;
  const served = servedBefore(state);
  if (served === undefined) return;
  const present = hosts();
  const departed = served.pods.flatMap(({app, ip}) => (present.get(app)?.includes(ip) ? [] : [ip]));
  try {
    await passes.applyText(disableServers(served.text, departed));
    if (departed.length > 0) log.warn({ip: departed}, 'pods that left get no more requests');
  } catch (error) {
    rethrowBug(error);
    if (departed.length > 0) {
      log.error({reason: reasonOf(error), ip: departed}, 'pods that left are still in the configuration');
    }
  }
}

type Served = NonNullable<PassHistory['served']>;

/** The text that serves, with nobody disabled who has left since, and the pods that it was made for. */
function servedBefore({ports: {passes}, atStart}: FallbackState): Served | undefined {
  const {applied, appliedText} = passes;
  if (appliedText === undefined) return undefined;
  if (applied !== undefined) return {text: appliedText, pods: podsOf(applied.input.variables.hosts)};
  const remembered = podsOf(atStart?.hosts ?? new Map());
  const earlier = atStart?.served;
  // Another's, or one that somebody wrote by hand.
  if (earlier === undefined || !hasDisabledOf(earlier.text, appliedText)) return {text: appliedText, pods: remembered};
  return {text: earlier.text, pods: [...earlier.pods, ...remembered]};
}

const podsOf = (hosts: Hosts): Served['pods'] => [...hosts].flatMap(([app, ips]) => ips.map(ip => ({app, ip})));

/** The template that was applied is the last good one from now on. */
async function keepApplied(ports: FallbackPorts, {template}: TemplateInput): Promise<void> {
  const {good, passes, clock} = ports;
  const {current} = good;
  const isKnown = current !== undefined && current.template === template;
  await keepGood(ports, isKnown ? current : {pass: passes.last?.pass ?? 0, template, sinceAt: clock.epochMs()});
}

/** Rollbacks succeed with an older template: that one is good then. */
const keepGood = ({good, log}: FallbackPorts, kept: KeptTemplate): Promise<void> =>
  good.put(kept).catch(err => {
    rethrowBug(err);
    log.warn({err}, 'cannot remember the template that works');
  });
