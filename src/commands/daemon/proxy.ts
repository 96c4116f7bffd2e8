import type {DaemonError} from '../../errors.ts';
import {applyLocked} from '../../fleet/reload-lock.ts';
import {openListeningTable} from '../../jobs/listening.ts';
import {createTail} from '../../jobs/output.ts';
import {COUNTER_FIELDS} from '../../metrics/haproxy-table.ts';
import {systemClock as clock} from '../../ports/clock.ts';
import {systemSpawn as spawn} from '../../ports/spawn.ts';
import type {Row} from '../../proxy/answers.ts';
import {checkCandidate, deriveCheckLimitMs} from '../../proxy/check.ts';
import {openConversation} from '../../proxy/conversation.ts';
import {createCounterLedger} from '../../proxy/counter-ledger.ts';
import {type DriftWatch, openDriftWatch} from '../../proxy/drift-watch.ts';
import {HANDSHAKE_FIELDS} from '../../proxy/handshakes.ts';
import {askShort} from '../../proxy/runtime.ts';
import {type ApplyQueue, createApplyQueue} from '../../reload/apply-queue.ts';
import type {Candidate} from '../../reload/candidate.ts';
import {createDrainFollowers} from '../../reload/drain-followers.ts';
import {generationNamedBy} from '../../reload/files.ts';
import type {Generations, ProxyStatus} from '../../reload/generations.ts';
import {isV6OnlyAt} from '../../reload/listeners.ts';
import {createReadTexts, type ReadTexts} from '../../reload/read-texts.ts';
import {createRowReader} from '../../reload/row-reader.ts';
import {type SharedBindWatch, watchSharedBinds} from '../../reload/shared-binds.ts';
import type {Context} from './context.ts';
import {askRuntime, openOwnGenerations, type ProxyNeeds, RUNTIME_LIMIT_MS} from './generations.ts';
import type {Membership} from './membership.ts';

/** HAProxy and all that carries it. */
export interface ProxyPart extends AsyncDisposable {
  readonly generations: Generations;
  /** The one way to change what runs. */
  readonly queue: ApplyQueue;
  /** Whether it runs what its text says. */
  readonly drift: DriftWatch;
  /** Who else listens where it does. */
  readonly sharedBinds: SharedBindWatch;
  /** What it reads in place of texts. */
  readonly readTexts: ReadTexts;
  /** The last lines it wrote. */
  readonly tail: ReturnType<typeof createTail>;
  /** Resolves when it died too often in a row and is given up. */
  readonly failed: Promise<DaemonError>;
  /** `haproxy -c`: the warnings of a valid candidate; rejects with VALIDATE. */
  check(candidate: Candidate, signal: AbortSignal): Promise<readonly string[]>;
  /** The same for what will not be applied: its secrets are hidden in what is said of it, and not remembered. */
  tryOut: ProxyPart['check'];
  /** One command on the runtime socket of the generation that serves. */
  ask(command: string): Promise<string>;
  /** What a `show stat` answers, its counters going on over all processes there were. Rejects with PROXY. */
  readRows(command: string): Promise<Row[]>;
  /** How many connections a HAProxy that finishes them has left; undefined when it tells nothing. */
  connectionsOf(pid: number): number | undefined;
  /** Lets it finish its connections; starts nothing any more. True when all ended within the grace. */
  drain(): Promise<boolean>;
}

/** Adopts what an earlier daemon left running; starts nothing. */
export async function openProxy(
  context: Context,
  {ground, observation, membership}: ProxyNeeds & {readonly membership: Membership},
): Promise<ProxyPart> {
  const {config, room, ending, output} = context;
  const log = room('proxy');
  const tail = createTail();
  const counters = createCounterLedger([...COUNTER_FIELDS, ...HANDSHAKE_FIELDS]);
  const followers = createDrainFollowers({
    clock,
    log,
    converse: socket => openConversation(socket, RUNTIME_LIMIT_MS),
    onRows: (pid, rows) => counters.note(`${pid}`, rows),
  });
  const readTexts = createReadTexts();
  const generations = await openOwnGenerations(context, {ground, observation, followers, tail, readTexts});
  // Of what was adopted.
  if (generations.text !== undefined) output.secrets.learn(generations.text);
  const queue = createApplyQueue({
    apply: applyLocked(generations, membership.shared),
    drain: (graceMs, skip) => generations.drain(graceMs, skip),
  });
  const drift = openDriftWatch({
    clock,
    log,
    ask: askRuntime,
    askShort: (socket, command) => askShort(socket, command, RUNTIME_LIMIT_MS),
    running: () => generations.running,
    changedFiles: generations.changedFiles,
  });
  const closed = new AbortController();
  void generations.watchForHangs(closed.signal);
  const tryOut: ProxyPart['tryOut'] = (candidate, signal) => {
    const limitMs = deriveCheckLimitMs(membership.registry.size);
    return checkCandidate({spawn, haproxy: config.haproxy, limitMs}, candidate, signal);
  };
  const sharedBinds = watchSharedBinds(
    {
      clock,
      log,
      table: openListeningTable(),
      processes: () => processesOf(generations),
      isV6Only: port => isV6OnlyAt(generations.text ?? '', port, generations.reload.capabilities),
      isOurs: args => isOfGeneration(args, config.dataFolder, generations.status.generation),
    },
    closed.signal,
  );
  let drained: Promise<boolean> | undefined;
  return {
    generations,
    queue,
    drift,
    sharedBinds,
    readTexts,
    tail,
    failed: generations.failed,
    check(candidate, signal) {
      output.secrets.learn(candidate.text);
      return tryOut(candidate, signal);
    },
    tryOut,
    ask: command => askRuntime(generations.socket, command),
    readRows: createRowReader({ask: askRuntime, serving: generations, counters, followers}),
    connectionsOf: followers.connectionsOf,
    drain() {
      followers.close();
      drained ??= queue.end(config.graceMs, ending.skip);
      return drained;
    },
    // Not drained on the way out of a fault: HAProxy lives on for the next daemon.
    async [Symbol.asyncDispose]() {
      drift.close();
      closed.abort();
      followers.close();
    },
  };
}

/**
 * All that may listen where HAProxy does: the daemon as well, which keeps sockets for it. Undefined where nothing serves,
 * and while that is being changed.
 */
export function processesOf({
  isApplying,
  status: {pid, draining},
}: Pick<Generations, 'isApplying'> & {readonly status: Pick<ProxyStatus, 'pid' | 'draining'>}):
  | {serving: number; others: number[]}
  | undefined {
  if (isApplying || pid === null) return undefined;
  return {serving: pid, others: [...draining.map(one => one.pid), process.pid]};
}

/** Whether a process with these arguments is a HAProxy of this generation, such as a child that it started. */
export const isOfGeneration = (args: readonly string[], dataFolder: string, generation: number): boolean =>
  args.some(arg => generationNamedBy(arg, dataFolder) === generation);
