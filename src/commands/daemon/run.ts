import {setFlagsFromString} from 'node:v8';
import {destination} from 'pino';
import {lackingFacts} from '../../config/lacking.ts';
import {loadConfig, loadPreliminaries, type Preliminaries} from '../../config/load.ts';
import {DaemonError, EXIT_CODES} from '../../errors.ts';
import {type Api, openApi} from '../../kubernetes/api.ts';
import {deriveVariables} from '../../kubernetes/facts.ts';
import {type LivePod, openLivePod} from '../../kubernetes/pod-facts.ts';
import {systemClock as clock} from '../../ports/clock.ts';
import {installFatal} from '../../ports/fatal.ts';
import {systemFiles as files} from '../../ports/files.ts';
import {loadPackageVersion} from '../packaged.ts';
import {runDaemon} from './daemon.ts';
import {stopEarly} from './early-stop.ts';
import type {Ending} from './ending.ts';
import {type Output, openOutput} from './output.ts';
import {createOpeners} from './parts.ts';
import {runSlave} from './slave-only.ts';

/** A stdout that nobody reads may cost this much memory; what does not fit is lost. */
const MAX_UNWRITTEN_BYTES = 16 << 20;

/**
 * Runs the daemon until it is told to stop. Resolves with the exit code (docs/exit-codes.md); 0 only after a drained,
 * orderly stop. Rejects with what was fatal.
 */
export async function run(ending: Ending): Promise<number> {
  // What a ping allocates dies with it: once the modules are loaded, V8's space for young objects needs no room to double
  // in. A daemon with 1,000 members takes some 124 MiB instead of 143; set any earlier, it would cost CPU when idle.
  setFlagsFromString('--semi-space-growth-factor=1');
  const startedMs = clock.nowMs();
  const preliminaries = loadPreliminaries();
  // A reader of our log that went away is no reason to stop serving.
  const sink = destination({dest: 1, sync: false, maxLength: MAX_UNWRITTEN_BYTES}).on('error', () => {});
  const output = openOutput(preliminaries, sink);
  const {log} = output.opened;
  installFatal({log, flush: () => sink.flushSync()});
  const api = preliminaries.pod.api && openApi(preliminaries.pod.api);
  try {
    using pod = await learnPod(preliminaries, {api, output, ending});
    if (pod === undefined) return await stopUntold(preliminaries, {output, ending});
    return await runAs({preliminaries, pod, api, output, ending, startedMs});
  } catch (err) {
    log.fatal({err, detail: err instanceof DaemonError ? err.detail : undefined}, 'daemon failed');
    throw err;
  } finally {
    sink.flushSync();
  }
}

/** Waits for what a start cannot do without; undefined when a stop is asked for meanwhile. */
async function learnPod(
  {env, pod, mode, dataFolder}: Preliminaries,
  {api, output, ending}: {readonly api: Api | undefined; readonly output: Output; readonly ending: Ending},
): Promise<(LivePod & Disposable) | undefined> {
  const lacking = (facts: LivePod['facts']) => lackingFacts(facts, {mode, env});
  const ports = {api, clock, files, log: output.opened.room('kubernetes')};
  return openLivePod({...pod, env, dataFolder, lacking}, ports, ending.asked).catch(fault => {
    if (ending.asked.aborted) return undefined;
    throw fault;
  });
}

/** Stopped before it knew enough to do anything. */
async function stopUntold(
  {mode, dataFolder, graceMs}: Preliminaries,
  {output, ending: {skip}}: {readonly output: Output; readonly ending: Ending},
): Promise<number> {
  if (!mode.master) return 0;
  const log = output.opened.room('main');
  return (await stopEarly({dataFolder, graceMs, skip, log}, false)) ? 0 : EXIT_CODES.DRAIN;
}

/** In the role that the settings ask for. */
async function runAs({
  preliminaries,
  pod,
  api,
  output,
  ending,
  startedMs,
}: {
  readonly preliminaries: Preliminaries;
  readonly pod: LivePod;
  readonly api: Api | undefined;
  readonly output: Output;
  readonly ending: Ending;
  readonly startedMs: number;
}): Promise<number> {
  const {env} = preliminaries;
  const {room} = output.opened;
  const {config, warnings} = loadConfig(env, deriveVariables(pod.facts, env));
  for (const reason of warnings) room('config').warn({reason}, 'configuration warning');
  const {template, lingerMs} = config;
  const version = loadPackageVersion();
  if (template === undefined) return runSlave({config, room, ending, pod, version});
  const openers = createOpeners({config, template, output, room, ending, pod, api, version, startedMs});
  const log = room('main');
  const drainUnadopted = (isLocked: boolean) => stopEarly({...config, skip: ending.skip, log}, isLocked);
  return runDaemon(openers, {ending, pod, signals: process, clock, log, lingerMs, version, drainUnadopted});
}
