import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {destination, type Logger} from 'pino';
import type {Config, TemplateSource} from '../config/config.ts';
import {openDataFolder} from '../config/data-folder.ts';
import {lackingFacts} from '../config/lacking.ts';
import {loadConfig, loadPreliminaries, type Preliminaries} from '../config/load.ts';
import {CONFIG_ANNOTATION} from '../config/parse.ts';
import {DaemonError, EXIT_CODES, reasonOf} from '../errors.ts';
import {type Firewall, openFirewall} from '../firewall/gate.ts';
import {applyInTurn} from '../fleet/apply-in-turn.ts';
import {listen} from '../http/listen.ts';
import {createMaster} from '../http/master.ts';
import {createReceiver} from '../http/receive.ts';
import {createProbes} from '../http/status.ts';
import {openProcessTable} from '../jobs/proc.ts';
import {superviseJob} from '../jobs/supervisor.ts';
import {createTail} from '../jobs/tail.ts';
import {type Api, openApi} from '../kubernetes/api.ts';
import {deriveVariables} from '../kubernetes/facts.ts';
import {type LivePod, openLivePod} from '../kubernetes/pod-facts.ts';
import {describePod} from '../kubernetes/status.ts';
import {openConverger} from '../lifecycle/converge.ts';
import {isSettled} from '../lifecycle/convergence.ts';
import type {Visit} from '../lifecycle/lifecycle.ts';
import {openLifecycle} from '../lifecycle/lifecycle.ts';
import {CONFIGURE, parseManifest} from '../lifecycle/manifest.ts';
import {createPasses} from '../lifecycle/passes.ts';
import {createTurns} from '../lifecycle/turns.ts';
import {digestHosts} from '../members/digest.ts';
import {createGuard} from '../members/guard.ts';
import {encodeHosts, mergeHosts} from '../members/hosts.ts';
import {parseHosts} from '../members/hosts-map.ts';
import type {Hosts} from '../members/member.ts';
import {parsePing} from '../members/ping.ts';
import {openRegistry} from '../members/registry.ts';
import {openSnapshotFile} from '../members/snapshot-file.ts';
import {createTable} from '../members/table.ts';
import {openTokenFile} from '../members/token-file.ts';
import {createKubernetesMetrics} from '../metrics/kubernetes-metrics.ts';
import {createMetrics} from '../metrics/metrics.ts';
import {openStatsd} from '../metrics/statsd.ts';
import {systemClock as clock, sleep} from '../ports/clock.ts';
import {systemFiles as files} from '../ports/files.ts';
import {type Log, type OpenedLog, openLog} from '../ports/log.ts';
import {LOG_LEVELS} from '../ports/log-level.ts';
import {prettyLine} from '../ports/pretty.ts';
import {createRecentLines} from '../ports/recent-lines.ts';
import {systemSpawn as spawn} from '../ports/spawn.ts';
import {parseInfo} from '../proxy/answers.ts';
import {checkCandidate, loadBuild, loadVersion} from '../proxy/check.ts';
import {parseOutputLine} from '../proxy/output.ts';
import {redactConfiguration} from '../proxy/redact.ts';
import {ask} from '../proxy/runtime.ts';
import type {Version} from '../proxy/version.ts';
import {bindOnly, probeBindOnly} from '../reload/bind-only.ts';
import {probeCapabilities} from '../reload/capabilities.ts';
import {READY_WITHIN_MS} from '../reload/generation.ts';
import {type Generations, openGenerations} from '../reload/generations.ts';
import {openOutputFile} from '../reload/output-file.ts';
import {giveWay} from '../reload/priority.ts';
import {digestInput, type TemplateInput} from '../template/input.ts';
import {createRenderer} from '../template/renderer.ts';
import {openTemplateText} from '../template/source.ts';
import {openCluster} from './cluster.ts';
import {openGatekeeper} from './gatekeeper.ts';
import {type Observation, openObservation} from './observation.ts';
import {openStore} from './open-store.ts';
import {openScripting} from './scripting.ts';
import {openSlaveRole} from './slave-role.ts';

const PACKAGE_ROOT = new URL('../../', import.meta.url);
const RUNTIME_LIMIT_MS = 2000;

/** Until a keepalive period has passed, slaves that were here before us are still coming back: hardly damp. */
const WARMUP_DAMPER = {quietMs: 1000, maxMs: 4000};
const KEEPALIVE_OF_TTL = 0.75;

/** `SET KONTROL_LOG_LEVEL debug` on the control socket. */
const LOG_LEVEL_VARIABLE = 'KONTROL_LOG_LEVEL';

/** What `/logs` can show of our own log and of HAProxy's. */
const RECENT = {lines: 1000, characters: 4096};

/** A stdout that nobody reads may cost this much memory; what does not fit is lost. */
const MAX_UNWRITTEN_BYTES = 16 << 20;

/** The first pass waits this long for a shared store, so that it does not serve nobody for a moment. */
const STORE_PATIENCE_MS = 2000;

type Room = (name: string) => Log;

/** The log, and what stands behind it. */
interface Output {
  readonly opened: OpenedLog;
  readonly sink: ReturnType<typeof destination>;
  readonly recent: Parameters<typeof openObservation>[0]['recent'];
}

/**
 * Runs the daemon until it is told to stop: the composition root, the only place that knows every room. Resolves with
 * the exit code (README "Exit codes"); 0 only after a drained, orderly stop. Rejects with what was fatal.
 */
export async function run(): Promise<number> {
  const preliminaries = loadPreliminaries();
  // A reader of our log that went away is no reason to stop serving.
  const sink = destination({dest: 1, sync: false, maxLength: MAX_UNWRITTEN_BYTES}).on('error', () => {});
  const output = openOutput(preliminaries, sink);
  const {log, room} = output.opened;
  try {
    const {env, pod: settings, mode, dataFolder} = preliminaries;
    const ending = openEnd();
    const api = settings.api && openApi(settings.api);
    const lacking = (facts: LivePod['facts']) => lackingFacts(facts, {mode, env});
    const podOptions = {...settings, env, dataFolder, lacking};
    const opening = openLivePod(podOptions, {api, clock, files, log: room('kubernetes')}, ending.asked);
    const pod = await opening.catch(fault => {
      if (ending.asked.aborted) return undefined;
      throw fault;
    });
    if (pod === undefined) return 0;
    const {config, warnings} = loadConfig(env, deriveVariables(pod.facts, env));
    for (const reason of warnings) log.warn({room: 'config', reason}, 'configuration warning');
    const {template} = config;
    return await (template === undefined
      ? serveSlaveOnly(config, room, ending, pod)
      : serve({config, template, output, ending, pod, api}));
  } catch (err) {
    reportFatal(log, err);
    throw err;
  } finally {
    sink.flushSync();
  }
}

function openOutput({logLevel, logFormat}: Preliminaries, sink: Output['sink']): Output {
  const recent = {
    daemon: createRecentLines(RECENT.lines, RECENT.characters),
    access: createRecentLines(RECENT.lines, RECENT.characters),
  };
  const opened = openLog(logLevel, {
    write(line) {
      recent.daemon.add(line);
      sink.write(logFormat === 'pretty' ? `${prettyLine(line, process.stdout.isTTY === true)}\n` : line);
    },
  });
  return {opened, sink, recent};
}

const reportFatal = (log: Logger, err: unknown): void =>
  log.fatal({err, detail: err instanceof DaemonError ? err.detail : undefined}, 'daemon failed');

/** What ends the daemon: a first signal asks for a stop, a second one skips the stop's waits; a fatal fault ends it. */
function openEnd(): Ending {
  const ended = Promise.withResolvers<void>();
  // Awaited only once the daemon serves; until then its fault waits here.
  ended.promise.catch(() => {});
  const asked = new AbortController();
  const skip = new AbortController();
  const onStop = () => {
    if (asked.signal.aborted) skip.abort();
    asked.abort();
    ended.resolve();
  };
  process
    .on('SIGTERM', onStop)
    .on('SIGINT', onStop)
    .on('SIGHUP', () => {});
  return {
    reached: ended.promise,
    asked: asked.signal,
    skip: skip.signal,
    // Asked for twice over the control socket, it is still one stop, with all its waits.
    ask: () => {
      if (!asked.signal.aborted) onStop();
    },
    fail: error => ended.reject(error),
  };
}

interface Ending {
  /** Resolves when a stop is asked for; rejects with a fatal fault. */
  readonly reached: Promise<void>;
  /** Aborts when a stop is asked for. */
  readonly asked: AbortSignal;
  readonly skip: AbortSignal;
  /** A stop, as a first signal asks for it. */
  ask(): void;
  fail(error: DaemonError): void;
}

interface Served {
  readonly config: Config;
  readonly template: TemplateSource;
  readonly output: Output;
  readonly ending: Ending;
  readonly pod: LivePod;
  readonly api: Api | undefined;
}

async function serve({config, template, output, ending, pod, api}: Served): Promise<number> {
  const {dataFolder, self} = config;
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
  let tellFatal = (_error: DaemonError): void => {};
  const opened = await openProxy(config, room, {
    firewall,
    version: haproxy,
    logFileFor: observation.logFileFor,
    onLine: haproxyTail.add,
    onFatal(error) {
      tellFatal(error);
      ending.fail(error);
    },
  });

  const snapshotFile = openSnapshotFile({files, clock, log: room('members')}, dataFolder);
  const snapshot = await snapshotFile.load();
  const guard = createGuard({ttlMs: config.ttlMs});
  const shared = await openStore({config, snapshot, guard, room});
  const {store} = shared;
  let isDraining = false;
  const generations = takingTurns(opened, applyInTurn(opened, shared), () => isDraining);
  const registry = openRegistry({
    clock,
    log: room('members'),
    store,
    table: createTable({
      ttlMs: config.ttlMs,
      ownApp: self.app,
      maxMembers: config.maxMembers,
      maxPayloadBytes: config.maxPayloadBytes,
      guard,
    }),
    snapshotFile,
    snapshot,
    onChange: ({cause}) => converger.changed(cause),
    onEvent: observation.noteMember,
  });

  const hosts = () => mergeHosts(registry.hosts(), cluster.serviceHosts());
  using renderer = createRenderer({timeoutMs: config.renderTimeoutMs});
  const templateText = openTemplateText(template, {files, clock, annotations: () => pod.facts.annotations});
  const loadInput = async (visit?: Visit): Promise<TemplateInput> => ({
    template: observation.hold.current?.template ?? (await templateText.load()),
    variables: {
      hosts: (visit && givenHosts(visit)) ?? hosts(),
      pods: registry
        .members()
        .map(({app, id, ip, key, role, seq, payload}) => ({app, id, ip, key, role, seq, payload})),
      node: {labels: pod.facts.nodeLabels, annotations: pod.facts.nodeAnnotations},
      labels: pod.facts.labels,
      annotations: pod.facts.annotations,
      env: config.env,
      certs: cluster.certificates.paths(),
    },
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
  tellFatal = cluster.failed;

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
    takeVariable(name, value) {
      if (name !== LOG_LEVEL_VARIABLE) return true;
      const level = LOG_LEVELS.find(one => one === value.trim());
      if (level !== undefined) output.opened.setLevel(level);
      return level !== undefined;
    },
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

  const remembers = () => registry.restored || store.remembers();
  const isWarm = () => remembers() || clock.nowMs() - startedMs >= config.ttlMs * KEEPALIVE_OF_TTL;
  const converger = openConverger({
    clock,
    damper: () => {
      const {damperMs: quietMs, damperMaxMs: maxMs} = config;
      if (isWarm()) return {quietMs, maxMs};
      return {quietMs: Math.min(quietMs, WARMUP_DAMPER.quietMs), maxMs: Math.min(maxMs, WARMUP_DAMPER.maxMs)};
    },
    isStale: async () => {
      const input = await loadInput().catch(() => undefined);
      return input === undefined || digestInput(input) !== passes.applied?.digest;
    },
    runPass: cause => lifecycle.goTo(CONFIGURE, {cause, origin: 'daemon'}),
  });

  let phase: 'starting' | 'ready' | 'stopping' = 'starting';
  const isReady = (): boolean => {
    const serves = generations.text !== undefined && generations.status.state === 'RUNNING';
    const warmedUp = remembers() || clock.nowMs() - startedMs >= config.warmupMs;
    if (phase === 'starting' && serves && warmedUp) phase = 'ready';
    return phase === 'ready' && serves;
  };
  const lastFailed = () => passes.last?.verdict === 'failed';
  const isInSync = () =>
    passes.applied !== undefined &&
    !lastFailed() &&
    isSettled(converger.state) &&
    generations.status.state === 'RUNNING';

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
  const countPing: typeof metrics.countPing = result => {
    metrics.countPing(result);
    if (result !== 'bad') statsd?.count('kontrol.ping');
    if (result === 'joined' || result === 'replaced') statsd?.count('kontrol.up');
    if (result === 'left') statsd?.count('kontrol.down');
  };
  const {tokenFile: tokenPath} = config.verify;
  const tokenFile =
    tokenPath === undefined ? undefined : await openTokenFile(tokenPath, {files, clock, log: room('http')});
  const gatekeeper = openGatekeeper({settings: config.verify, api, tokenFile, registry, clock, log: room('http')});
  const master = createMaster({
    receive: createReceiver({
      parse: parsePing,
      verify: gatekeeper.verify,
      record: registry.record,
      refusal: store.refusal,
      count: countPing,
    }),
    state: () => ({
      md5: passes.applied === undefined ? null : digestHosts(passes.applied.input.variables.hosts),
      hosts: Object.fromEntries(passes.applied?.input.variables.hosts ?? []),
    }),
    script: scripting.script,
    clock,
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
    status: () => ({
      version,
      mode: modeTokens(config),
      uptimeMs: Math.round(clock.nowMs() - startedMs),
      ready: isReady(),
      inSync: isInSync(),
      lastError: lastFailed() ? (passes.last?.error ?? null) : null,
      lifecycle: {state: lifecycle.state.tag, sinceMs: lifecycle.state.sinceMs, error: lifecycle.lastFault},
      digest: digestHosts(hosts()),
      hosts: Object.fromEntries(hosts()),
      memberCount: registry.size,
      ttlMs: config.ttlMs,
      store: {kind: store.kind, healthy: store.healthy()},
      guard: {held: registry.guard.held, holds: registry.guard.holds},
      ...(shared.replicas && {fleet: shared.replicas}),
      proxy: {...generations.status, version: haproxy.text},
      reload: {...generations.reload, last: passes.last ?? null},
      kubernetes: kubernetes(),
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
    askProxy: command => ask(generations.socket, command, {timeoutMs: RUNTIME_LIMIT_MS}),
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
      if (phase !== 'stopping') await startFromDisk(fault, template, generations, passes.applyText, log);
    });
    process.on('SIGHUP', () => void converger.demand('SIGHUP').catch(() => {}));
    closing.defer(templateText.follow(() => converger.changed('template changed')));
    await ending.reached;
  };
  await Promise.race([boot(), ending.reached]);
  phase = 'stopping';
  log.info({delayMs: config.lingerMs}, 'daemon stops: lingering until endpoints are withdrawn');
  await sleep(clock, config.lingerMs, ending.skip).catch(() => {});
  converger.close();
  await slave.close(ending.skip);
  const fault = await lifecycle.stop();
  // A manifest of 2017 does not name it.
  if (drained === undefined) await drain();
  log.info({drained}, 'daemon stopped');
  if (!drained) return EXIT_CODES.DRAIN;
  return fault === undefined ? 0 : EXIT_CODES.LIFECYCLE;
}

/** `KONTROL_MODE=slave`: keepalives and a status port that answers probes; no proxy, no members. */
async function serveSlaveOnly(config: Config, room: Room, ending: Ending, pod: LivePod): Promise<number> {
  const probes = createProbes({isReady: () => true});
  await using closing = new AsyncDisposableStack();
  const statusPort = await listen(probes, {port: config.statusPort, label: 'status port', clock});
  closing.defer(() => statusPort.close());
  const {tokenFile: tokenPath} = config.verify;
  const tokenFile =
    tokenPath === undefined ? undefined : await openTokenFile(tokenPath, {files, clock, log: room('slave')});
  const slave = await openSlaveRole(config, room('slave'), tokenFile);
  closing.defer(() => pod.close());
  pod.follow(() => slave.annotated(pod.facts.annotations));
  room('main').info({version: loadPackageVersion(), statusPort: statusPort.port}, 'slave started');
  await ending.reached;
  await slave.close(ending.skip);
  return 0;
}

/** A boot whose first pass fails starts from the last good configuration when there is one; its own fault is fatal else. */
async function startFromDisk(
  fault: unknown,
  template: TemplateSource,
  generations: Generations,
  applyText: (text: string) => Promise<void>,
  log: Log,
): Promise<void> {
  const text = await files.readText(generations.committedPath).catch(() => undefined);
  const isServed = generations.status.state === 'RUNNING';
  if (text === undefined) {
    if (!isServed) throw withAdvice(fault, template, 'there is no last good proxy.cfg');
    return;
  }
  log.warn({reason: reasonOf(fault)}, 'the first pass failed: starting from the last good proxy.cfg');
  try {
    await applyText(text);
  } catch (err) {
    log.error({err}, 'the last good proxy.cfg cannot be started either');
    if (!isServed) throw withAdvice(fault, template, 'the last good proxy.cfg cannot be started either');
  }
}

const placeOf = (template: TemplateSource): string => {
  switch (template.is) {
    case 'annotation':
      return `annotation ${CONFIG_ANNOTATION}`;
    case 'text':
      return template.from;
    case 'file':
      return template.path;
  }
};

/** What an operator can do about a first pass that failed with nothing to fall back on. */
function withAdvice(fault: unknown, template: TemplateSource, why: string): unknown {
  if (!(fault instanceof DaemonError)) return fault;
  const {code, message, detail} = fault;
  if (code !== 'RENDER' && code !== 'VALIDATE' && code !== 'APPLY') return fault;
  const mend = `mend the template (${placeOf(template)})`;
  const advice = code === 'APPLY' ? `free what it needs or ${mend}` : mend;
  return new DaemonError(code, `${message}; ${advice}: ${why}`, {cause: fault, detail});
}

/**
 * A pass and a `restart haproxy` of somebody's own never apply at once, and nothing is started any more once the daemon
 * drains. `apply` is the proxy's own, in turn with other replicas. All else is read through to `proxy`.
 */
function takingTurns(proxy: Generations, apply: Generations['apply'], isDraining: () => boolean): Generations {
  const turns = createTurns();
  const inTurn: Pick<Generations, 'apply' | 'drain'> = {
    apply: (candidate, options) =>
      turns(() => {
        if (!isDraining()) return apply(candidate, options);
        throw new DaemonError('APPLY', `cannot apply generation ${candidate.generation}: the daemon stops`);
      }),
    drain: (graceMs, skip) => turns(() => proxy.drain(graceMs, skip)),
  };
  return Object.assign(Object.create(proxy), inTurn);
}

/** The hosts that came with a request, which serve its pass alone; undefined when its input is something else. */
function givenHosts({origin, input}: Visit): Hosts | undefined {
  const parsed = origin === 'socket' && input !== undefined ? parseHosts(input.toString()) : undefined;
  if (parsed?.is === 'fault') throw new DaemonError('RENDER', `cannot use INPUT as hosts: ${parsed.reason}`);
  return parsed?.is === 'hosts' ? parsed.hosts : undefined;
}

/** HAProxy and all that carries it. */
async function openProxy(
  config: Config,
  room: Room,
  given: {
    firewall: Firewall;
    version: Version;
    logFileFor: Observation['logFileFor'];
    onLine: (line: string) => void;
    onFatal: (error: DaemonError) => void;
  },
): Promise<Generations> {
  const {firewall, version, logFileFor, onLine, onFatal} = given;
  const capabilities = await probeCapabilities({
    files,
    version,
    build: await loadBuild({spawn, haproxy: config.haproxy}),
    gate: firewall.capability,
    bindObstacle: probeBindOnly(),
  });
  const outputFile = openOutputFile(`${config.dataFolder}/proxy.out`);
  const log = room('proxy');
  return openGenerations({
    clock,
    files,
    spawn,
    processes: openProcessTable(),
    firewall,
    bind: bindOnly,
    giveWay,
    capabilities,
    version,
    log: room('reload'),
    dataFolder: config.dataFolder,
    haproxy: config.haproxy,
    setting: config.reload,
    settleMs: config.settleMs,
    drain: config.drain,
    supervise: superviseJob,
    readyWithinMs: READY_WITHIN_MS,
    ask: (socket, command) => ask(socket, command, {timeoutMs: RUNTIME_LIMIT_MS}),
    logFileFor,
    pidIn: answer => Number(parseInfo(answer).get('Pid')),
    onOutput(generation, pid, line) {
      const {level, text} = parseOutputLine(line);
      log[level]({generation, pid, line: text}, 'haproxy wrote');
      outputFile.write(line);
      onLine(line);
    },
    onFatal,
  });
}

function loadManifest(given: string | undefined) {
  const path = given ?? fileURLToPath(new URL('lifecycle.yml', PACKAGE_ROOT));
  try {
    return parseManifest(readFileSync(path, 'utf8'), path);
  } catch (cause) {
    if (cause instanceof DaemonError) throw cause;
    throw new DaemonError('LIFECYCLE', `cannot read ${path} (KONTROL_LIFECYCLE): ${reasonOf(cause)}`, {cause});
  }
}

const loadPackageVersion = (): string =>
  JSON.parse(readFileSync(new URL('package.json', PACKAGE_ROOT), 'utf8')).version;

const modeTokens = ({mode}: Config): string[] => [...(mode.master ? ['master'] : []), ...(mode.slave ? ['slave'] : [])];
