import type {Config, TemplateSource} from '../config/config.ts';
import {openDataFolder} from '../config/data-folder.ts';
import {EXIT_CODES} from '../errors.ts';
import {openFirewall} from '../firewall/gate.ts';
import {applyLocked} from '../fleet/reload-lock.ts';
import {listen} from '../http/listen.ts';
import {createTail} from '../jobs/output.ts';
import type {Api} from '../kubernetes/api.ts';
import type {LivePod} from '../kubernetes/pod-facts.ts';
import {describePod} from '../kubernetes/status.ts';
import {openConverger} from '../lifecycle/converge.ts';
import {openLifecycle} from '../lifecycle/lifecycle.ts';
import {CONFIGURE} from '../lifecycle/manifest.ts';
import {createPasses} from '../lifecycle/passes.ts';
import {digestHosts} from '../members/digest.ts';
import {encodeHosts, mergeHosts} from '../members/hosts.ts';
import {createKubernetesMetrics} from '../metrics/kubernetes-metrics.ts';
import {createMetrics} from '../metrics/metrics.ts';
import {openStatsd} from '../metrics/statsd.ts';
import {systemClock as clock, pause} from '../ports/clock.ts';
import {systemFiles as files} from '../ports/files.ts';
import {systemSpawn as spawn} from '../ports/spawn.ts';
import {checkCandidate, loadVersion} from '../proxy/check.ts';
import {redactConfiguration} from '../proxy/redact.ts';
import {digestInput} from '../template/input.ts';
import {createRenderer} from '../template/renderer.ts';
import {openTemplateText} from '../template/source.ts';
import {openCluster} from './cluster.ts';
import type {Ending} from './ending.ts';
import {startFromDisk} from './last-good.ts';
import {openMaster} from './master.ts';
import {openMembership} from './membership.ts';
import {openObservation} from './observation.ts';
import {type Output, takeLogLevel} from './output.ts';
import {loadManifest, loadPackageVersion} from './packaged.ts';
import {askRuntime, openProxy, queueing} from './proxy.ts';
import {createReport} from './report.ts';
import {openScripting} from './scripting.ts';
import {openSlaveRole} from './slave-role.ts';
import {createStanding} from './standing.ts';
import {createInputLoader} from './template-input.ts';

/** The first pass waits this long for a shared store, so that it does not serve nobody for a moment. */
const STORE_PATIENCE_MS = 2000;

/** What is known once the pod is. */
export interface Served {
  readonly config: Config;
  readonly template: TemplateSource;
  readonly output: Output;
  readonly ending: Ending;
  readonly pod: LivePod;
  readonly api: Api | undefined;
}

/**
 * The master: wires every room, serves until the end is reached, stops in order. Resolves with the exit code; rejects
 * with what was fatal.
 */
export async function serve({config, template, output, ending, pod, api}: Served): Promise<number> {
  const {dataFolder} = config;
  const {room} = output.opened;
  const startedMs = clock.nowMs();
  const log = room('main');
  await using _lock = await openDataFolder(dataFolder);
  const manifest = loadManifest(config.lifecycle);
  for (const reason of manifest.warnings) log.warn({reason}, 'lifecycle manifest warning');
  const haproxy = await loadVersion({spawn, haproxy: config.haproxy});

  await using observation = await openObservation({config, clock, files, ...output});
  const firewall = await openFirewall({spawn, clock, log: room('firewall'), lockFile: `${dataFolder}/xtables.lock`});
  const haproxyTail = createTail();
  const opened = await openProxy(config, room, {
    firewall,
    version: haproxy,
    logFileFor: observation.logFileFor,
    onLine: haproxyTail.add,
  });

  const {registry, shared} = await openMembership({config, room});
  const {store} = shared;
  let isDraining = false;
  const generations = queueing(opened, applyLocked(opened, shared), () => isDraining);

  const hosts = () => mergeHosts(registry.hosts(), cluster.serviceHosts());
  using renderer = createRenderer({timeoutMs: config.renderTimeoutMs});
  const templateText = openTemplateText(template, {files, clock, annotations: () => pod.facts.annotations});
  const loadInput = createInputLoader({
    env: config.env,
    loadTemplate: async () => observation.hold.current?.template ?? (await templateText.load()),
    hosts,
    members: registry.members,
    facts: () => pod.facts,
    certs: () => cluster.certificates.paths(),
  });

  /** Until the first pass begins, whatever changes is part of it. */
  let demand: (cause: string) => void = () => {};
  let changed: (cause: string) => void = () => {};
  const cluster = await openCluster({
    config,
    api,
    haproxy,
    facts: () => pod.facts,
    files,
    clock,
    room,
    demand: cause => demand(cause),
    changed: cause => changed(cause),
  });
  void opened.failed.then(error => {
    cluster.failed(error);
    ending.fail(error);
  });

  const passes = createPasses({
    clock,
    log: room('lifecycle'),
    loadInput,
    renderer,
    proxy: generations,
    check: (candidate, signal) => checkCandidate({spawn, haproxy: config.haproxy}, candidate, signal),
    refresh: cluster.certificates.refresh,
    lastPass: observation.history.lastPass,
    onRecord(record, material) {
      metrics.countPass(record);
      observation.recordPass(record, material);
      cluster.passed(record);
      if (record.verdict === 'failed') return;
      if (record.verdict === 'ok') statsd?.count('kontrol.configured');
      void cluster.certificates.settle(record.verdict === 'ok', generations.text ?? '');
    },
  });

  const scripting = await openScripting({
    config,
    manifest,
    room,
    proxy: generations,
    haproxyTail: haproxyTail.lines,
    skip: ending.skip,
    requestStop: ending.ask,
    takeVariable: (name, value) => takeLogLevel(output.opened, name, value),
    lifecycle: () => lifecycle,
    live: () => pod.facts,
    inputOf(visit) {
      if (visit.input !== undefined && visit.input.length > 0) return visit.input;
      const hosts = passes.hostsOf(visit);
      return Buffer.from(hosts === undefined ? '' : encodeHosts(hosts));
    },
  });

  let drained: boolean | undefined;
  const drain = async () => {
    isDraining = true;
    drained = await generations.drain(config.graceMs, ending.skip);
  };
  const lifecycle = openLifecycle({
    manifest,
    clock,
    log: room('lifecycle'),
    actions: {...passes.actions, drain, telegraf: scripting.telegraf},
    runJob: scripting.runJob,
    runShell: scripting.blocks.run,
    onVisitBegun: passes.begin,
    async onVisitEnded(visit, fault) {
      await passes.conclude(visit, fault);
      const {applied} = passes;
      if (fault !== undefined || visit.tag !== CONFIGURE || visit.origin === 'socket' || applied === undefined) return;
      const {hosts, pods} = applied.input.variables;
      scripting.callback?.tell({digest: applied.digest, md5: digestHosts(hosts), pods: JSON.stringify(pods)});
    },
  });

  const standing = createStanding({
    config,
    startedMs,
    remembers: () => registry.restored || store.remembers(),
    proxy: generations,
    passes,
    convergence: () => converger.state,
  });
  const {isReady, isInSync} = standing;
  const converger = openConverger({
    clock,
    damper: standing.damper,
    isStale: async () => {
      const input = await loadInput().catch(() => undefined);
      return input === undefined || digestInput(input) !== passes.applied?.digest;
    },
    runPass: cause => lifecycle.goTo(CONFIGURE, {cause, origin: 'daemon'}),
  });

  registry.follow(change => {
    observation.noteMembers(change);
    if (change.events.some(event => event.is !== 'restored')) converger.changed(change.cause);
  });

  const version = loadPackageVersion();
  const statsd = config.statsd && openStatsd(config.statsd, clock);
  const metrics = createMetrics({
    version,
    hosts,
    memberCount: () => registry.size,
    proxy: () => generations.status,
    isInSync,
    isReady,
    isStoreHealthy: store.healthy,
    guard: registry.guard,
    gateShutMs: firewall.shutMs,
    isHeld: () => observation.hold.current !== undefined,
    accessLog: () => observation.accessLog?.counts,
  });
  const {master, gatekeeper, tokenFile} = await openMaster({
    config,
    api,
    registry,
    store,
    count: metrics.countPing,
    statsd,
    applied: () => passes.applied,
    script: scripting.script,
    log: room('http'),
  });
  const kubernetes = () => ({
    pod: describePod(pod, config.pod),
    certificates: cluster.certificates.status(),
    services: cluster.services,
    verify: gatekeeper.status,
  });
  const kubernetesMetrics = createKubernetesMetrics(kubernetes);
  const status = observation.createStatusPort({
    status: createReport({
      version,
      config,
      startedMs,
      haproxy,
      hosts,
      registry,
      shared,
      proxy: generations,
      passes,
      lifecycle,
      standing,
      kubernetes,
    }),
    members: registry.members,
    configuration: () => (generations.text === undefined ? undefined : redactConfiguration(generations.text)),
    isReady,
    metrics: {
      async read() {
        const {type, text} = await metrics.read();
        return {type, text: text + (await kubernetesMetrics.read())};
      },
    },
    demand: converger.demand,
    askProxy: command => askRuntime(generations.socket, command),
  });

  await using closing = new AsyncDisposableStack();
  closing.defer(() => statsd?.close());
  closing.defer(() => pod.close());
  closing.defer(() => cluster.close());
  closing.defer(() => gatekeeper.close());
  closing.defer(() => shared.close());
  closing.defer(() => registry.close());
  shared.join(() => ({
    version,
    generation: generations.status.generation,
    digest: digestHosts(hosts()),
    inSync: isInSync(),
  }));
  const control = await scripting.listen();
  closing.defer(() => control.close());
  closing.defer(() => scripting.jobs.close());
  closing.defer(() => scripting.callback?.close());
  const masterPort = await listen(master, {port: config.port, label: 'master endpoint', clock});
  closing.defer(() => masterPort.close());
  const statusPort = await listen(status, {port: config.statusPort, label: 'status port', clock});
  closing.defer(() => statusPort.close());
  log.info(
    {version, haproxy: haproxy.text, port: masterPort.port, statusPort: statusPort.port, gate: firewall.capability},
    'daemon started',
  );

  const slave = await openSlaveRole(config, room('slave'), tokenFile);
  closing.defer(() => slave.close(ending.skip));
  closing.defer(() => converger.close());

  const boot = async () => {
    await store.loaded(STORE_PATIENCE_MS);
    await lifecycle.boot();
    demand = cause => void converger.demand(cause).catch(() => {});
    changed = converger.changed;
    pod.follow(names => {
      cluster.annotated();
      slave.annotated(pod.facts.annotations);
      if (names.includes('annotations')) demand('annotations changed');
      else changed(`${names.join(', ')} changed`);
    });
    scripting.jobs.autostart();
    await converger.demand('start').catch(async fault => {
      if (!standing.isStopping()) await startFromDisk(fault, template, generations, passes.applyText, log);
    });
    process.on('SIGHUP', () => void converger.demand('SIGHUP').catch(() => {}));
    closing.defer(templateText.follow(() => converger.changed('template changed')));
    await ending.reached;
  };
  await Promise.race([boot(), ending.reached]);
  standing.stop();
  log.info({delayMs: config.lingerMs}, 'daemon stops: lingering until endpoints are withdrawn');
  await pause(clock, config.lingerMs, ending.skip);
  converger.close();
  await slave.close(ending.skip);
  const fault = await lifecycle.stop();
  // A manifest of 2017 does not name it.
  if (drained === undefined) await drain();
  log.info({drained}, 'daemon stopped');
  if (!drained) return EXIT_CODES.DRAIN;
  return fault === undefined ? 0 : EXIT_CODES.LIFECYCLE;
}
