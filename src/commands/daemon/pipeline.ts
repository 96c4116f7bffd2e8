import {deriveDamper, isWarm} from '../../damper/warm-up.ts';
import type {ReplicaState} from '../../fleet/record.ts';
import {type Converger, openConverger} from '../../lifecycle/converge.ts';
import {createFallback, type Fallback, type FallbackPorts, type Refusal} from '../../lifecycle/fallback.ts';
import type {Lifecycle} from '../../lifecycle/lifecycle.ts';
import {CONFIGURE} from '../../lifecycle/manifest.ts';
import type {Passes} from '../../lifecycle/passes.ts';
import type {Quarantine, Quarantined} from '../../lifecycle/quarantine.ts';
import {
  createReadiness,
  isInSync,
  isServing,
  lastErrorOf,
  type SyncFacts,
  servesKnownText,
} from '../../lifecycle/readiness.ts';
import {rehearseInput} from '../../lifecycle/rehearsal.ts';
import type {Examination} from '../../lifecycle/trial.ts';
import {digestHosts, mergeHosts} from '../../members/hosts.ts';
import type {Hosts} from '../../members/member.ts';
import {systemClock as clock} from '../../ports/clock.ts';
import {systemFiles as files} from '../../ports/files.ts';
import {createGoodTemplate} from '../../template/good-template.ts';
import type {TemplateInput} from '../../template/input.ts';
import {openTemplateFile} from '../../template/kept-template.ts';
import {createTemplateReader} from '../../template/read-template.ts';
import {openTemplateText, type TemplateText} from '../../template/source.ts';
import {boot} from './boot.ts';
import type {Cluster} from './cluster.ts';
import type {Context} from './context.ts';
import type {Ground} from './ground.ts';
import {createInputs} from './input.ts';
import {startFromDisk} from './last-good.ts';
import type {Membership} from './membership.ts';
import type {Observation} from './observation.ts';
import {openOwnQuarantine, openPasses, openRenderer, openSpareServers, openTrial} from './passes.ts';
import type {ProxyPart} from './proxy.ts';
import {blockInputOf, openScripts, type Scripts} from './scripts.ts';
import {openStates} from './states.ts';

/** The way from what a template can see to what HAProxy runs. */
export interface Pipeline extends AsyncDisposable {
  readonly templateText: TemplateText;
  readonly passes: Passes;
  readonly scripts: Scripts;
  readonly lifecycle: Lifecycle;
  readonly converger: Converger;
  /** Of the pods that ping and of Services. */
  hosts(): Hosts;
  readonly isReady: () => boolean;
  isInSync(): boolean;
  lastError(): string | null;
  /** The template that does not work, and what serves instead; undefined when the newest does. */
  refusal(): Refusal | undefined;
  /** Members that no template sees as they are, since it fails with them. */
  readonly quarantine: Pick<Quarantine, 'members' | 'count' | 'found' | 'due'>;
  /**
   * What a template (the one in use when absent) gives with today's pods, and who would be put into quarantine for it;
   * rejects as a pass would, and changes nothing.
   */
  tryOut(template?: string): Promise<{readonly text: string; readonly without: readonly Quarantined[]}>;
  /** The same of a template from outside, with all that is to be said of it. */
  examine(template: string): Promise<Examination>;
  /** A pass that starts a HAProxy, whatever its text: it finds with whom none can be started any more. */
  startAnew(cause: string): void;
  /** As the other replicas see it. */
  describe(): ReplicaState;
  /** Sets up and makes the first pass, or starts from the last good configuration on disk when that fails. */
  boot(): Promise<void>;
}

export interface PipelineNeeds {
  readonly ground: Ground;
  readonly observation: Observation;
  readonly membership: Membership;
  readonly proxy: ProxyPart;
  readonly cluster: Cluster;
}

export async function openPipeline(context: Context, needs: PipelineNeeds): Promise<Pipeline> {
  const {config, template, ending, pod, startedMs, version} = context;
  const {membership, proxy, cluster} = needs;
  const {generations} = proxy;
  const {isOf2017} = needs.ground.manifest;
  await using opening = new AsyncDisposableStack();

  const hosts = () => mergeHosts(membership.registry.hosts(), cluster.serviceHosts());
  const templateText = openTemplateText(template, {
    read: createTemplateReader(clock.epochMs),
    clock,
    annotations: () => pod.facts.annotations,
  });
  const renderer = opening.use(openRenderer(config));
  const spares = openSpareServers(context, needs, renderer);
  const trial = openTrial(proxy, renderer, spares);
  const quarantine = await openOwnQuarantine(context, trial, membership.shared.quarantine);
  opening.defer(quarantine.close);
  const {load} = templateText;
  const {loadWhole, loadForPass, loadForPreview} = createInputs(context, needs, {hosts, load, quarantine});
  const passes = openPasses(context, needs, {loadInput: loadForPass, renderer, spares, trial});
  const scripts = opening.use(await openScripts(context, {...needs, inputOf: visit => blockInputOf(visit, passes)}));
  const lifecycle = openStates(context, needs, {passes, scripts});
  const fallback = await openFallback(context, needs, {passes, lifecycle, quarantine, hosts, loadWhole});
  const warmUp = () => ({startedMs, nowMs: clock.nowMs(), remembers: membership.remembers()});
  const converger = openConverger({
    clock,
    damper: () => deriveDamper(warmUp(), config),
    prepare: renderer.prepare,
    readChanged: passes.readChanged,
    runPass: fallback.run,
  });
  opening.defer(() => converger.close());
  const inSync = () => isInSync(syncFactsOf(proxy, {passes, converger, quarantine}));
  const closing = opening.move();

  return {
    templateText,
    passes,
    scripts,
    lifecycle,
    converger,
    hosts,
    isReady: createReadiness(() => ({
      serves: servesKnownText(generations),
      isApplying: generations.isApplying,
      isWarm: isWarm(warmUp(), config.warmupMs),
      isStopping: ending.asked.aborted,
    })),
    isInSync: inSync,
    lastError: () => lastErrorOf(passes.last),
    refusal: () => fallback.refusal,
    quarantine,
    async tryOut(template) {
      const tryOut = (input: TemplateInput) => trial.tryOut(input, ending.asked);
      return rehearseInput(await loadForPreview(template), {before: passes.applied?.input, tryOut, quarantine});
    },
    examine: async template => trial.examine(await loadForPreview(template), ending.asked),
    startAnew(cause) {
      fallback.startAnew();
      converger.request(cause);
    },
    describe: () => ({
      version,
      generation: generations.status.generation,
      digest: digestHosts(hosts()),
      inSync: inSync(),
    }),
    boot: () =>
      boot({
        ...{isOf2017, scripts, lifecycle, converger, fallback, ending},
        startFromDisk: fault =>
          startFromDisk(fault, {template, isOf2017}, generations, passes.applyText, context.room('main')),
      }),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

async function openFallback(
  {config, room, output}: Context,
  {membership: {shared}, observation: {history}}: PipelineNeeds,
  {
    lifecycle,
    ...parts
  }: Pick<FallbackPorts, 'passes' | 'quarantine' | 'hosts' | 'loadWhole'> & Pick<Pipeline, 'lifecycle'>,
): Promise<Fallback> {
  return createFallback({
    ...parts,
    clock,
    log: room('lifecycle'),
    good: createGoodTemplate(await openTemplateFile(files, `${config.dataFolder}/template-good.json`), shared.template),
    runPass: (cause, given) => lifecycle.goTo(CONFIGURE, {cause, origin: 'daemon', ...given}),
    served: () => history.served,
    hideSecrets: output.secrets.hide,
  });
}

const syncFactsOf = (
  {generations, drift}: ProxyPart,
  {passes, converger, quarantine}: Pick<Pipeline, 'passes' | 'converger' | 'quarantine'>,
): SyncFacts => ({
  applied: passes.applied,
  last: passes.last,
  convergence: converger.state,
  serves: isServing(generations.status),
  deviations: drift.drift.count,
  quarantined: quarantine.members.length,
});
