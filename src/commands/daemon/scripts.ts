import {deriveBlockEnvironment} from '../../config/block-environment.ts';
import {DaemonError} from '../../errors.ts';
import type {JobHandle} from '../../jobs/handle.ts';
import {type Jobs, openJobs} from '../../jobs/jobs.ts';
import {openProcessTable} from '../../jobs/proc.ts';
import {superviseJob} from '../../jobs/supervisor.ts';
import {type Blocks, openBlocks} from '../../lifecycle/blocks.ts';
import {type Callback, openCallback} from '../../lifecycle/callback.ts';
import {createHaproxyJob} from '../../lifecycle/haproxy-job.ts';
import type {Visit} from '../../lifecycle/lifecycle.ts';
import {CONFIGURE} from '../../lifecycle/manifest.ts';
import type {Passes} from '../../lifecycle/passes.ts';
import {runShellBlock} from '../../lifecycle/shell-block.ts';
import type {JobVerb} from '../../lifecycle/spec.ts';
import {type BlockVariables, createBlockVariables, splitFitting} from '../../lifecycle/variables.ts';
import {digestHosts, encodeHosts} from '../../members/hosts.ts';
import {captureGroup} from '../../ports/capture.ts';
import {systemClock as clock} from '../../ports/clock.ts';
import {systemFiles as files} from '../../ports/files.ts';
import type {OpenedLog} from '../../ports/log.ts';
import {systemSpawn as spawn} from '../../ports/spawn.ts';
import {createTelegraf} from '../../telegraf/telegraf.ts';
import type {Context} from './context.ts';
import type {Ground} from './ground.ts';
import {takeLogLevel} from './output.ts';
import type {ProxyPart} from './proxy.ts';

/** Everything that the pod's scripts touch and that touches them: blocks, jobs, telegraf and the callback. */
export interface Scripts extends AsyncDisposable {
  readonly blocks: Blocks;
  readonly variables: BlockVariables;
  readonly jobs: Jobs;
  /** Those of `lifecycle.yml` and HAProxy. */
  readonly all: readonly JobHandle[];
  readonly callback: Callback | undefined;
  /** A block's environment without what is too long for one. */
  env(): Readonly<Record<string, string>>;
  runJob(verb: JobVerb, job: string): Promise<void>;
  telegraf(): Promise<void>;
}

/** `supervisorctl` of that time hardly ever ended otherwise, and blocks that end at the first fault rely on it. */
const AS_IN_2017 = {SUPERVISORCTL_EXIT: '0'} as const;

export interface ScriptsNeeds {
  readonly ground: Ground;
  readonly proxy: ProxyPart;
  /** What a state's blocks are given. */
  readonly inputOf: (visit: Visit) => Buffer;
}

export async function openScripts(context: Context, {ground, proxy, inputOf}: ScriptsNeeds): Promise<Scripts> {
  const {config, room, pod, output, ending} = context;
  const {dataFolder, callback: command} = config;
  const log = room('lifecycle');
  const folder = `${dataFolder}/run`;
  const whole = () => deriveBlockEnvironment(config, pod.facts);
  const env = () => splitFitting(whole()).fitting;
  const variables = withLogLevel(createBlockVariables(), output.opened);

  const blocks = await openBlocks({
    files,
    log,
    folder,
    socketPath: config.socketPath,
    env: () => ({...(ground.manifest.isOf2017 && AS_IN_2017), ...whole()}),
    variables,
    inputOf,
    run: (block, tag, blockEnv, signal) => runShellBlock(block, tag, blockEnv, {spawn, clock, log, signal}),
  });
  const callback =
    command === undefined
      ? undefined
      : await openCallback({clock, files, log, capture: captureGroup, command, env, folder: dataFolder});
  const jobs = openJobs(ground.manifest.jobs, {
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
    proxy: proxy.generations,
    queue: proxy.queue,
    check: proxy.check,
    graceMs: config.graceMs,
    skip: ending.skip,
    tail: proxy.tail.lines,
  });
  const all = [haproxy, ...jobs.all];

  return {
    blocks,
    variables,
    jobs,
    all,
    callback,
    env,
    runJob: (verb, name) => runJob(all, verb, name),
    telegraf: createTelegraf({
      files,
      log: room('telegraf'),
      path: config.telegrafConf,
      input: () => pod.facts,
      job: jobs.find('telegraf'),
    }),
    async [Symbol.asyncDispose]() {
      await callback?.close();
      await jobs.close();
    },
  };
}

/** Variables of which one sets the level of the daemon's log. */
export const withLogLevel = (variables: BlockVariables, opened: Pick<OpenedLog, 'setLevel'>): BlockVariables => ({
  ...variables,
  set: (name, value) => takeLogLevel(opened, name, value) ?? variables.set(name, value),
});

/** Rejects with LIFECYCLE when the job does not obey. */
export async function runJob(jobs: readonly JobHandle[], verb: JobVerb, name: string): Promise<void> {
  const answer = await jobs.find(job => job.name === name)?.[verb]();
  if (answer?.ok === false) throw new DaemonError('LIFECYCLE', `cannot ${verb} job ${name}: ${answer.text}`);
}

/** What came with the request, or the hosts of the pass. */
export function blockInputOf(visit: Visit, passes: Pick<Passes, 'hostsOf'>): Buffer {
  if (visit.input !== undefined && visit.input.length > 0) return visit.input;
  const hosts = passes.hostsOf(visit);
  return Buffer.from(hosts === undefined ? '' : encodeHosts(hosts));
}

/** A visit ended: where it was a pass of the daemon's own that went well, the callback hears of it (docs/contract-2017.md). */
export function tellCallback(
  callback: Pick<Callback, 'tell'> | undefined,
  visit: Visit,
  fault: unknown,
  applied: Passes['applied'],
): void {
  if (fault !== undefined) return;
  if (visit.tag !== CONFIGURE || visit.origin === 'socket' || applied === undefined) return;
  const {hosts, pods} = applied.input.variables;
  callback?.tell({digest: applied.digest, md5: digestHosts(hosts), pods: JSON.stringify(pods)});
}
