import {setFlagsFromString} from 'node:v8';
import {destination} from 'pino';
import {lackingFacts} from '../config/lacking.ts';
import {loadConfig, loadPreliminaries} from '../config/load.ts';
import {DaemonError} from '../errors.ts';
import {openApi} from '../kubernetes/api.ts';
import {deriveVariables} from '../kubernetes/facts.ts';
import {type LivePod, openLivePod} from '../kubernetes/pod-facts.ts';
import {systemClock as clock} from '../ports/clock.ts';
import {systemFiles as files} from '../ports/files.ts';
import {openEnd} from './ending.ts';
import {openOutput} from './output.ts';
import {serve} from './serve.ts';
import {serveSlaveOnly} from './slave-only.ts';

/** A stdout that nobody reads may cost this much memory; what does not fit is lost. */
const MAX_UNWRITTEN_BYTES = 16 << 20;

/**
 * Runs the daemon until it is told to stop: the composition root, the only place that knows every room. Resolves with
 * the exit code (docs/exit-codes.md); 0 only after a drained, orderly stop. Rejects with what was fatal.
 */
export async function run(): Promise<number> {
  // What a ping allocates dies with it: once the modules are loaded, V8's space for young objects needs no room to double
  // in. A daemon with 1,000 members takes some 124 MiB instead of 143; set any earlier, it would cost CPU when idle.
  setFlagsFromString('--semi-space-growth-factor=1');
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
    log.fatal({err, detail: err instanceof DaemonError ? err.detail : undefined}, 'daemon failed');
    throw err;
  } finally {
    sink.flushSync();
  }
}
