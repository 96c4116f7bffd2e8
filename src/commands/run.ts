import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {destination, type Logger} from 'pino';
import type {Config, TemplateSource} from '../config/config.ts';
import {openDataFolder} from '../config/data-folder.ts';
import {loadConfig} from '../config/load.ts';
import {DaemonError, EXIT_CODES, reasonOf} from '../errors.ts';
import {openFirewall} from '../firewall/gate.ts';
import {listen} from '../http/listen.ts';
import {createMaster} from '../http/master.ts';
import {createReceiver} from '../http/receive.ts';
import {createProbes, createStatus} from '../http/status.ts';
import {openProcessTable} from '../jobs/proc.ts';
import {superviseJob} from '../jobs/supervisor.ts';
import {openConverger} from '../lifecycle/converge.ts';
import {openLifecycle} from '../lifecycle/lifecycle.ts';
import {CONFIGURE, parseManifest} from '../lifecycle/manifest.ts';
import {createPasses} from '../lifecycle/passes.ts';
import {runShellBlock} from '../lifecycle/shell-block.ts';
import {deriveKey} from '../members/base62.ts';
import {digestHosts} from '../members/digest.ts';
import {createEmbeddedStore} from '../members/embedded-store.ts';
import {parsePing} from '../members/ping.ts';
import {openRegistry} from '../members/registry.ts';
import {openSnapshotFile} from '../members/snapshot-file.ts';
import {createTable} from '../members/table.ts';
import {createMetrics} from '../metrics/metrics.ts';
import {systemClock as clock, sleep} from '../ports/clock.ts';
import {systemFiles as files} from '../ports/files.ts';
import {type Log, openLog} from '../ports/log.ts';
import {systemSpawn as spawn} from '../ports/spawn.ts';
import {parseInfo} from '../proxy/answers.ts';
import {checkCandidate, loadVersion} from '../proxy/check.ts';
import {parseOutputLine} from '../proxy/output.ts';
import {redactConfiguration} from '../proxy/redact.ts';
import {ask} from '../proxy/runtime.ts';
import {type Generations, openGenerations} from '../reload/generations.ts';
import {openOutputFile} from '../reload/output-file.ts';
import {openPayload} from '../slave/payload-file.ts';
import {sendPing} from '../slave/send.ts';
import {openSlave} from '../slave/slave.ts';
import {digestInput, type TemplateInput} from '../template/input.ts';
import {createRenderer} from '../template/renderer.ts';
import {openTemplateText} from '../template/source.ts';

const PACKAGE_ROOT = new URL('../../', import.meta.url);
const RUNTIME_LIMIT_MS = 2000;

/** Until a keepalive period has passed, slaves that were here before us are still coming back: hardly damp. */
const WARMUP_DAMPER = {quietMs: 1000, maxMs: 4000};
const KEEPALIVE_OF_TTL = 0.75;

/** A second SIGTERM leaves connections this long. */
const SKIPPED_GRACE_MS = 1000;

type Room = (name: string) => Log;

/**
 * Runs the daemon until it is told to stop: the composition root, the only place that knows every room. Resolves with
 * the exit code (README "Exit codes"); 0 only after a drained, orderly stop. Rejects with what was fatal.
 */
export async function run(): Promise<number> {
  const {config, warnings} = loadConfig();
  // A reader of our log that went away is no reason to stop serving.
  const output = destination({dest: 1, sync: false}).on('error', () => {});
  const {log, room} = openLog(config.logLevel, output);
  for (const reason of warnings) log.warn({room: 'config', reason}, 'configuration warning');
  try {
    return await (config.template === undefined ? serveSlaveOnly(config, room) : serve(config, config.template, room));
  } catch (err) {
    reportFatal(log, err);
    throw err;
  } finally {
    output.flushSync();
  }
}

const reportFatal = (log: Logger, err: unknown): void =>
  log.fatal({err, detail: err instanceof DaemonError ? err.detail : undefined}, 'daemon failed');

/** What ends the daemon: a first signal asks for a stop, a second one skips the stop's waits; a fatal fault ends it. */
function openEnd(): Ending {
  const ended = Promise.withResolvers<void>();
  // Awaited only once the daemon serves; until then its fault waits here.
  ended.promise.catch(() => {});
  const skip = new AbortController();
  let asked = false;
  const onStop = () => {
    if (asked) skip.abort();
    asked = true;
    ended.resolve();
  };
  process
    .on('SIGTERM', onStop)
    .on('SIGINT', onStop)
    .on('SIGHUP', () => {});
  return {reached: ended.promise, skip: skip.signal, fail: error => ended.reject(error)};
}

interface Ending {
  /** Resolves when a stop is asked for; rejects with a fatal fault. */
  readonly reached: Promise<void>;
  readonly skip: AbortSignal;
  fail(error: DaemonError): void;
}

async function serve(config: Config, template: TemplateSource, room: Room): Promise<number> {
  const {dataFolder, self} = config;
  const startedMs = clock.nowMs();
  const log = room('main');
  await using _lock = await openDataFolder(dataFolder);
  const manifest = loadManifest(config.lifecycle);
  const haproxy = await loadVersion({spawn, haproxy: config.haproxy});
  const ending = openEnd();

  const firewall = await openFirewall({spawn, clock, log: room('firewall'), lockFile: `${dataFolder}/xtables.lock`});
  const generations = await openProxy(config, room, firewall, ending.fail);

  const snapshotFile = openSnapshotFile({files, clock, log: room('members')}, dataFolder);
  const snapshot = await snapshotFile.load();
  const store = createEmbeddedStore(snapshot.seq);
  const registry = openRegistry({
    clock,
    log: room('members'),
    store,
    table: createTable({ttlMs: config.ttlMs, ownApp: self.app, maxMembers: config.maxMembers}),
    snapshotFile,
    snapshot,
    onChange: ({cause}) => converger.changed(cause),
  });

  using renderer = createRenderer({timeoutMs: config.renderTimeoutMs});
  const templateText = openTemplateText(template, {files, clock});
  const loadInput = async (): Promise<TemplateInput> => ({
    template: await templateText.load(),
    variables: {
      hosts: registry.hosts(),
      pods: registry
        .members()
        .map(({app, id, ip, key, role, seq, payload}) => ({app, id, ip, key, role, seq, payload})),
      node: self.node,
      labels: self.labels,
      annotations: self.annotations,
      env: config.env,
      certs: {},
    },
  });

  const passes = createPasses({
    clock,
    log: room('lifecycle'),
    loadInput,
    renderer,
    proxy: generations,
    check: (candidate, signal) => checkCandidate({spawn, haproxy: config.haproxy}, candidate, signal),
    onRecord: record => metrics.countPass(record),
  });

  let drained = true;
  const lifecycle = openLifecycle({
    manifest,
    clock,
    log: room('lifecycle'),
    actions: {
      ...passes.actions,
      async drain() {
        drained = await generations.drain(ending.skip.aborted ? SKIPPED_GRACE_MS : config.graceMs, ending.skip);
      },
    },
    runShell: (block, {tag}, signal) =>
      runShellBlock(block, tag, config.env, {spawn, clock, log: room('lifecycle'), signal}),
    onVisitEnded: passes.conclude,
  });

  const isWarm = () => registry.restored || clock.nowMs() - startedMs >= config.ttlMs * KEEPALIVE_OF_TTL;
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
    runPass: cause => lifecycle.goTo(CONFIGURE, cause),
  });

  let phase: 'starting' | 'ready' | 'stopping' = 'starting';
  const isReady = (): boolean => {
    const serves = generations.text !== undefined && generations.status.state === 'RUNNING';
    const warmedUp = registry.restored || clock.nowMs() - startedMs >= config.warmupMs;
    if (phase === 'starting' && serves && warmedUp) phase = 'ready';
    return phase === 'ready' && serves;
  };
  const lastFailed = () => passes.last?.verdict === 'failed';
  const isInSync = () => passes.applied !== undefined && !lastFailed() && generations.status.state === 'RUNNING';

  const version = loadPackageVersion();
  const metrics = createMetrics({
    version,
    hosts: registry.hosts,
    memberCount: () => registry.size,
    proxy: () => generations.status,
    isInSync,
    isReady,
    isStoreHealthy: store.healthy,
    gateShutMs: firewall.shutMs,
  });
  const master = createMaster({
    receive: createReceiver({parse: parsePing, record: registry.record, count: metrics.countPing}),
    state: () => ({
      md5: passes.applied === undefined ? null : digestHosts(passes.applied.input.variables.hosts),
      hosts: Object.fromEntries(passes.applied?.input.variables.hosts ?? []),
    }),
    clock,
    log: room('http'),
  });
  const status = createStatus({
    status: () => ({
      version,
      mode: modeTokens(config),
      uptimeMs: Math.round(clock.nowMs() - startedMs),
      ready: isReady(),
      inSync: isInSync(),
      lastError: lastFailed() ? (passes.last?.error ?? null) : null,
      lifecycle: {state: lifecycle.state.tag, sinceMs: lifecycle.state.sinceMs},
      digest: digestHosts(registry.hosts()),
      hosts: Object.fromEntries(registry.hosts()),
      memberCount: registry.size,
      store: {kind: store.kind, healthy: store.healthy()},
      proxy: {...generations.status, version: haproxy.text},
      reload: {...generations.reload, last: passes.last ?? null},
    }),
    members: registry.members,
    configuration: () => (generations.text === undefined ? undefined : redactConfiguration(generations.text)),
    isReady,
    metrics: metrics.read,
    log: room('http'),
  });

  await using closing = new AsyncDisposableStack();
  closing.defer(() => registry.close());
  const masterPort = await listen(master, {port: config.port, label: 'master endpoint', clock});
  closing.defer(() => masterPort.close());
  const statusPort = await listen(status, {port: config.statusPort, label: 'status port', clock});
  closing.defer(() => statusPort.close());
  log.info(
    {version, haproxy: haproxy.text, port: masterPort.port, statusPort: statusPort.port, gate: firewall.capability},
    'daemon started',
  );

  const slave = await openSlaveRole(config, room);
  closing.defer(() => slave.close(ending.skip));
  closing.defer(() => converger.close());

  const boot = async () => {
    await lifecycle.boot();
    await converger.demand('start').catch(fault => startFromDisk(fault, generations, passes.applyText, log));
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
  await lifecycle.stop();
  log.info({drained}, 'daemon stopped');
  return drained ? 0 : EXIT_CODES.DRAIN;
}

/** `KONTROL_MODE=slave`: keepalives and a status port that answers probes; no proxy, no members. */
async function serveSlaveOnly(config: Config, room: Room): Promise<number> {
  const ending = openEnd();
  const probes = createProbes({isReady: () => true});
  await using closing = new AsyncDisposableStack();
  const statusPort = await listen(probes, {port: config.statusPort, label: 'status port', clock});
  closing.defer(() => statusPort.close());
  const slave = await openSlaveRole(config, room);
  room('main').info({version: loadPackageVersion(), statusPort: statusPort.port}, 'slave started');
  await ending.reached;
  await slave.close(ending.skip);
  return 0;
}

/** A boot whose first pass fails starts from the last good configuration when there is one; its own fault is fatal else. */
async function startFromDisk(
  fault: unknown,
  generations: Generations,
  applyText: (text: string) => Promise<void>,
  log: Log,
): Promise<void> {
  const text = await files.readText(generations.committedPath).catch(() => undefined);
  const isServed = generations.status.state === 'RUNNING';
  if (text === undefined) {
    if (!isServed) throw fault;
    return;
  }
  log.warn({reason: reasonOf(fault)}, 'the first pass failed: starting from the last good proxy.cfg');
  try {
    await applyText(text);
  } catch (err) {
    log.error({err}, 'the last good proxy.cfg cannot be started either');
    if (!isServed) throw fault;
  }
}

/** HAProxy and all that carries it. */
async function openProxy(
  config: Config,
  room: Room,
  firewall: Awaited<ReturnType<typeof openFirewall>>,
  onFatal: (error: DaemonError) => void,
): Promise<Generations> {
  const outputFile = openOutputFile(`${config.dataFolder}/proxy.out`);
  const log = room('proxy');
  return openGenerations({
    clock,
    files,
    spawn,
    processes: openProcessTable(),
    firewall,
    log: room('reload'),
    dataFolder: config.dataFolder,
    haproxy: config.haproxy,
    setting: config.reload,
    settleMs: config.settleMs,
    drain: config.drain,
    supervise: superviseJob,
    ask: (socket, command) => ask(socket, command, {timeoutMs: RUNTIME_LIMIT_MS}),
    pidIn: answer => Number(parseInfo(answer).get('Pid')),
    onOutput(generation, pid, line) {
      const {level, text} = parseOutputLine(line);
      log[level]({generation, pid, line: text}, 'haproxy wrote');
      outputFile.write(line);
    },
    onFatal,
  });
}

/** The slave role where it is switched on and has masters; otherwise something that has nothing to close. */
async function openSlaveRole(config: Config, room: Room): Promise<{close(signal?: AbortSignal): Promise<void>}> {
  const {self, masters, ttlMs} = config;
  const {ip} = self;
  if (masters.length === 0 || ip === undefined) return {close: async () => {}};
  const log = room('slave');
  const payload = await openPayload({path: config.payloadFile, clock, log});
  const slave = openSlave({masters, self: {...self, ip}, ttlMs, payload, deriveKey, send: sendPing, clock, log});
  return {
    async close(signal) {
      await slave.close(signal);
      payload.close();
    },
  };
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
