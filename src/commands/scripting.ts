import {readFile} from 'node:fs/promises';
import {deriveBlockEnvironment, type LiveLabels} from '../config/block-environment.ts';
import type {Config} from '../config/config.ts';
import {DaemonError} from '../errors.ts';
import type {ScriptPorts} from '../http/script.ts';
import {type Jobs, openJobs} from '../jobs/jobs.ts';
import {openProcessTable} from '../jobs/proc.ts';
import {superviseJob} from '../jobs/supervisor.ts';
import {type Blocks, openBlocks} from '../lifecycle/blocks.ts';
import {type Callback, openCallback} from '../lifecycle/callback.ts';
import {createControl} from '../lifecycle/control.ts';
import {openControlSocket} from '../lifecycle/control-socket.ts';
import {createHaproxyJob} from '../lifecycle/haproxy-job.ts';
import type {Lifecycle, Visit} from '../lifecycle/lifecycle.ts';
import {runShellBlock} from '../lifecycle/shell-block.ts';
import type {JobVerb, Manifest} from '../lifecycle/spec.ts';
import {createVariables, splitFitting} from '../lifecycle/variables.ts';
import {captureGroup} from '../ports/capture.ts';
import {systemClock as clock} from '../ports/clock.ts';
import {systemFiles as files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {systemSpawn as spawn} from '../ports/spawn.ts';
import {checkCandidate} from '../proxy/check.ts';
import type {Generations} from '../reload/generations.ts';
import {createTelegraf} from '../telegraf/telegraf.ts';

export interface ScriptingNeeds {
  readonly config: Config;
  readonly manifest: Manifest;
  /** The labels and annotations as they are now. */
  readonly live: () => LiveLabels;
  readonly room: (name: string) => Log;
  readonly proxy: Generations;
  readonly haproxyTail: () => readonly string[];
  /** Cuts the waits of a stop short. */
  readonly skip: AbortSignal;
  readonly requestStop: () => void;
  readonly lifecycle: () => Lifecycle;
  readonly inputOf: (visit: Visit) => Buffer;
}

/** Everything that the pod's scripts touch: blocks, jobs, telegraf, the callback and the control socket. */
export interface Scripting {
  readonly blocks: Blocks;
  readonly jobs: Jobs;
  readonly callback: Callback | undefined;
  readonly script: ScriptPorts | undefined;
  runJob(verb: JobVerb, job: string): Promise<void>;
  telegraf(): Promise<void>;
  listen(): Promise<{close(): Promise<void>}>;
}

/** Wires them; part of the composition root. */
export async function openScripting(needs: ScriptingNeeds): Promise<Scripting> {
  const {config, manifest, room, proxy} = needs;
  const {dataFolder} = config;
  const log = room('lifecycle');
  const folder = `${dataFolder}/run`;
  const whole = () => deriveBlockEnvironment(config, needs.live());
  const env = () => splitFitting(whole()).fitting;
  const variables = createVariables();

  const blocks = await openBlocks({
    files,
    log,
    folder,
    socketPath: config.socketPath,
    env: whole,
    variables,
    inputOf: needs.inputOf,
    run: (block, tag, blockEnv, signal) => runShellBlock(block, tag, blockEnv, {spawn, clock, log, signal}),
  });
  const jobs = openJobs(manifest.jobs, {
    clock,
    files,
    log: room('jobs'),
    spawn,
    supervise: superviseJob,
    processes: openProcessTable(),
    env,
    path: `${folder}/jobs.json`,
  });
  const haproxy = createHaproxyJob({
    clock,
    files,
    log,
    proxy,
    check: (candidate, signal) => checkCandidate({spawn, haproxy: config.haproxy}, candidate, signal),
    graceMs: config.graceMs,
    skip: needs.skip,
    tail: needs.haproxyTail,
    onRestarted: fault => needs.lifecycle().blame(fault),
  });
  const all = [haproxy, ...jobs.all];
  const telegraf = createTelegraf({
    files,
    log: room('telegraf'),
    path: config.telegrafConf,
    input: needs.live,
    job: jobs.find('telegraf'),
  });
  const {callback: command, script} = config;

  return {
    blocks,
    jobs,
    callback:
      command === undefined
        ? undefined
        : await openCallback({clock, files, log, capture: captureGroup, command, env, folder: dataFolder}),
    script: script && {
      capture: captureGroup,
      clock,
      log: room('http'),
      env,
      loadToken: () => readFile(script.tokenFile, 'utf8'),
    },
    async runJob(verb, name) {
      const answer = await all.find(job => job.name === name)?.[verb]();
      if (answer?.ok === false) throw new DaemonError('LIFECYCLE', `cannot ${verb} job ${name}: ${answer.text}`);
    },
    telegraf,
    listen: () =>
      openControlSocket({
        path: config.socketPath,
        clock,
        log,
        answer: createControl({
          log,
          lifecycle: needs.lifecycle(),
          terminal: manifest.terminal,
          variables,
          jobs: all,
          requestStop: needs.requestStop,
        }),
      }),
  };
}
