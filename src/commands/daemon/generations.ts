import {type createTail, openOutputFile} from '../../jobs/output.ts';
import {openProcessTable} from '../../jobs/proc.ts';
import {superviseJob} from '../../jobs/supervisor.ts';
import {systemClock as clock} from '../../ports/clock.ts';
import {systemFiles as files} from '../../ports/files.ts';
import {systemSpawn as spawn} from '../../ports/spawn.ts';
import {parseInfo} from '../../proxy/answers.ts';
import {loadBuild} from '../../proxy/check.ts';
import {parseOutputLine} from '../../proxy/output.ts';
import {ask} from '../../proxy/runtime.ts';
import {bindOnly, probeBindOnly} from '../../reload/bind-only.ts';
import {probeCapabilities} from '../../reload/capabilities.ts';
import type {DrainFollowers} from '../../reload/drain-followers.ts';
import {READY_WITHIN_MS} from '../../reload/generation.ts';
import {type Generations, openGenerations} from '../../reload/generations.ts';
import {createHasPendingHandshakes} from '../../reload/pending-handshakes.ts';
import type {ReadTexts} from '../../reload/read-texts.ts';
import type {Context} from './context.ts';
import type {Ground} from './ground.ts';
import type {Observation} from './observation.ts';

export const RUNTIME_LIMIT_MS = 2000;

/** One command on a runtime socket; rejects when HAProxy does not answer in time, and as soon as `signal` aborts. */
export const askRuntime = (
  socket: string,
  command: string,
  timeoutMs = RUNTIME_LIMIT_MS,
  signal?: AbortSignal,
): Promise<string> => ask(socket, command, {timeoutMs, ...(signal && {signal})});

export interface ProxyNeeds {
  readonly ground: Ground;
  readonly observation: Observation;
}

/** The HAProxy processes of the data folder; adopts what an earlier daemon left running, and starts nothing. */
export async function openOwnGenerations(
  {config, room, ending}: Context,
  {
    ground,
    observation,
    followers,
    tail,
    readTexts,
  }: ProxyNeeds & {
    readonly followers: DrainFollowers;
    readonly tail: ReturnType<typeof createTail>;
    readonly readTexts: ReadTexts;
  },
): Promise<Generations> {
  const capabilities = await probeCapabilities({
    files,
    version: ground.haproxy,
    build: await loadBuild({spawn, haproxy: config.haproxy}, ending.asked),
    gate: ground.firewall.capability,
    bindObstacle: probeBindOnly(),
  });
  const outputFile = openOutputFile(`${config.dataFolder}/proxy.out`);
  const processes = openProcessTable();
  const log = room('proxy');
  return openGenerations({
    followers,
    readAs: readTexts.readAs,
    clock,
    files,
    spawn,
    processes,
    hasPendingHandshakes: createHasPendingHandshakes({spawn, processes, log: room('reload')}),
    firewall: ground.firewall,
    bind: bindOnly,
    capabilities,
    version: ground.haproxy,
    log: room('reload'),
    dataFolder: config.dataFolder,
    haproxy: config.haproxy,
    setting: config.reload,
    settleMs: config.settleMs,
    drain: config.drain,
    hangMs: config.hangMs,
    supervise: superviseJob,
    readyWithinMs: READY_WITHIN_MS,
    ask: askRuntime,
    logFileFor: observation.logFileFor,
    pidIn: answer => Number(parseInfo(answer).get('Pid')),
    onOutput(generation, pid, line) {
      const {level, text} = parseOutputLine(line);
      log[level]({generation, pid, line: text}, 'haproxy wrote');
      outputFile.write(line);
      tail.add(line);
    },
  });
}
