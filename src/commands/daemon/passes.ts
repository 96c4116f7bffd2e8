import type {Visit} from '../../lifecycle/lifecycle.ts';
import {createPasses, type Passes} from '../../lifecycle/passes.ts';
import {openQuarantine, type Quarantine, type QuarantinePorts} from '../../lifecycle/quarantine.ts';
import {openQuarantineFile} from '../../lifecycle/quarantine-file.ts';
import {createSpareServers, type SpareServers} from '../../lifecycle/spare-servers.ts';
import {appliesAtOnce} from '../../lifecycle/spec.ts';
import {createTrial, type Trial} from '../../lifecycle/trial.ts';
import {systemClock as clock} from '../../ports/clock.ts';
import {systemFiles as files} from '../../ports/files.ts';
import {ADDS_SERVERS} from '../../proxy/difference.ts';
import {releaseOf} from '../../proxy/version.ts';
import {digestBlockInput, digestInput, type TemplateInput} from '../../template/input.ts';
import {createRenderer, type IsolatedRenderer, type Renderer, type RendererOptions} from '../../template/renderer.ts';
import type {Context} from './context.ts';
import {createDiscreetRenderer} from './discreet-renderer.ts';
import type {Ground} from './ground.ts';
import type {PipelineNeeds} from './pipeline.ts';
import type {ProxyPart} from './proxy.ts';

/** The memory of a render process is for nothing while nothing changes. */
const RENDERER_IDLE_MS = 2 * 60_000;
/** Its start takes less than this, also on a busy machine. */
const RENDERER_START_MS = 1000;

/** When a render process that has nothing to do ends; never where no damper gives the next one the time to start. */
export const idleOf = ({damperMs}: Pick<Context['config'], 'damperMs'>): RendererOptions['idle'] =>
  damperMs >= RENDERER_START_MS ? {afterMs: RENDERER_IDLE_MS, clock} : undefined;

export function openRenderer(config: Pick<Context['config'], 'damperMs' | 'renderTimeoutMs'>): IsolatedRenderer {
  const idle = idleOf(config);
  return createDiscreetRenderer(createRenderer({timeoutMs: config.renderTimeoutMs, ...(idle && {idle})}));
}

/** Undefined where there are to be none. */
export function openSpareServers(
  {config: {spareServers}, room}: Pick<Context, 'room'> & {readonly config: Pick<Context['config'], 'spareServers'>},
  {ground, proxy}: {readonly ground: Pick<Ground, 'haproxy'>; readonly proxy: Pick<ProxyPart, 'readTexts'>},
  renderer: Renderer,
): SpareServers | undefined {
  const isWanted = spareServers === 'auto' ? releaseOf(ground.haproxy) < ADDS_SERVERS : spareServers > 0;
  return isWanted
    ? createSpareServers(spareServers, {renderer, texts: proxy.readTexts, log: room('lifecycle')})
    : undefined;
}

/** What makes a pass of a manifest: in one of 2017, the blocks see less than a template does. */
export const digestFor = ({isOf2017}: {readonly isOf2017: boolean}): typeof digestInput =>
  isOf2017 ? digestBlockInput : digestInput;

/** Tries texts out beside what serves. */
export const openTrial = (proxy: ProxyPart, renderer: IsolatedRenderer, spares: SpareServers | undefined): Trial =>
  createTrial({
    renderer,
    ...(spares && {spare: spares.find}),
    proxy: proxy.generations,
    check: proxy.tryOut,
    fileNamed: /[^\s[\]:"']*\/run\/\d+(?:\.run)?\.cfg/,
  });

export const openOwnQuarantine = async (
  {config, room, ending, output}: Context,
  {tryOut}: Trial,
  shared: QuarantinePorts['shared'],
): Promise<Quarantine> =>
  openQuarantine({
    clock,
    log: room('lifecycle'),
    tryOut,
    percent: config.quarantinePercent,
    hideSecrets: output.secrets.hide,
    file: await openQuarantineFile(files, `${config.dataFolder}/quarantine.json`),
    ...(shared && {shared}),
    ended: ending.asked,
  });

export function openPasses(
  {room, output: {secrets}}: Context,
  {ground, observation, proxy, cluster}: PipelineNeeds,
  {
    loadInput,
    renderer,
    spares,
    trial,
  }: {
    readonly loadInput: (visit?: Visit) => Promise<TemplateInput>;
    readonly renderer: Renderer;
    readonly spares: SpareServers | undefined;
    readonly trial: Trial;
  },
): Passes {
  return createPasses({
    clock,
    log: room('lifecycle'),
    loadInput,
    digest: digestFor(ground.manifest),
    renderer: {
      // Before anything is said of either.
      async render(input, signal) {
        secrets.learnTemplate(input.template);
        const text = await renderer.render(input, signal);
        secrets.learn(text);
        return text;
      },
    },
    ...(spares && {spare: spares.find}),
    hideSecrets: secrets.hide,
    explain: trial.explain,
    proxy: proxy.generations,
    apply: proxy.queue.apply,
    appliesAtOnce: tag => appliesAtOnce(ground.manifest.states.get(tag)?.steps),
    check: proxy.check,
    refresh: cluster.certificates.refresh,
    lastPass: observation.history.lastPass,
  });
}
