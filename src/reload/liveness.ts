import {DaemonError, systemCodeOf} from '../errors.ts';
import type {Activity, ProcessTable} from '../jobs/proc.ts';
import {type Clock, pause, within} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {END, type StagedGeneration} from './generation.ts';

/*
 * INVARIANTS
 * - Any answer counts, however late within `hangMs`: HAProxy's runtime socket is served by the loop that serves clients,
 *   so one that is merely slow answers slowly.
 * - One connection that gets no answer proves nothing: two were asked before a process hangs.
 * - What kept the process from the CPU (others), or us from hearing it (a pause of our own), is not its fault.
 * - One that answers nothing, and yet wakes and sleeps again and again, works: others hold all connections to its runtime
 *   sockets (`stats maxconn`). Clients are served, so it is left alone, and asked on.
 */

/** How long one question has been waiting, and what the process did meanwhile. */
interface Silence {
  readonly hangMs: number;
  /** Of this question. */
  readonly waitedMs: number;
  /** Of all questions that nothing was answered to. */
  readonly silentMs: number;
  /** Undefined where it cannot be seen. */
  readonly before: Activity | undefined;
  readonly after: Activity | undefined;
}

/** A question that waited so much longer than it was to: it was us who slept. */
export const OWN_PAUSE_MS = 1000;

/** Who had the CPU for less than this share of the time, and wants it, is starved. */
const STARVED_SHARE = 0.5;

/** A starved process gets this many times the period. */
export const STARVED_PERIODS = 3;

/** Whether a silence means that the process hangs: it is stopped, sleeps, or spins. Pure. */
export function isHang({hangMs, waitedMs, silentMs, before, after}: Silence): boolean {
  if (waitedMs > hangMs + OWN_PAUSE_MS) return false;
  return !isStarved(before, after, waitedMs) || silentMs >= STARVED_PERIODS * hangMs;
}

/** Whether a process wants the CPU, and got it for less than half of the time between two looks. Pure. */
export function isStarved(before: Activity | undefined, after: Activity | undefined, betweenMs: number): boolean {
  return before !== undefined && after?.state === 'R' && after.cpuMs - before.cpuMs < STARVED_SHARE * betweenMs;
}

/** A process that is stopped, or goes on, sleeps once more for that. */
const SLEEPS_OF_WORK = 3;

/** A question that waits for less is nothing to talk about. */
const NOTICED_SILENCE_MS = 3000;

/** How long people have waited for an answer, and what is known of who owes it. */
export interface Waiting {
  /** Since the first question that was not answered; 0 when none is open. */
  readonly waitedMs: number;
  /** Since the last answer. */
  readonly silentMs: number;
  /** It works nevertheless, as was seen when the last question had waited for too long. */
  readonly works: boolean;
}

/** What people are told of it. Pure. */
export const describeSilence = (
  {waitedMs, silentMs, works}: Waiting,
  hangMs: number,
): {readonly silentMs: number; readonly isHung: boolean; readonly isDeaf: boolean} => ({
  silentMs: waitedMs < NOTICED_SILENCE_MS ? 0 : Math.round(silentMs),
  isHung: hangMs > 0 && waitedMs >= hangMs && !works,
  isDeaf: works,
});

/** A HAProxy that hung. */
export interface Hang {
  readonly generation: number;
  readonly pid: number;
  /** Since its last answer, or since it was asked for the first time. */
  readonly silentMs: number;
  /** It is started anew: otherwise it was an old one. */
  readonly restarts: boolean;
}

export interface LivenessPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly processes: Pick<ProcessTable, 'activity' | 'sleeps'>;
  /** One command on a runtime socket, on a connection of its own, within `limitMs` and until `signal` aborts. */
  readonly ask: (socket: string, command: string, limitMs: number, signal?: AbortSignal) => Promise<string>;
  /** No answer for so long is a hang; 0 switches all of this off. */
  readonly hangMs: number;
  /** It died a moment ago, and a supervised one is being started anew. */
  readonly onHang: (hang: Hang) => void;
}

/** Tells whether HAProxy answers, and ends one that hangs. */
export interface Liveness {
  /**
   * Asks until there is an answer, or the process hangs or is seen to work: one that hangs is ended, restarted on the same
   * text when it is the one that `restarts`, and told of. One question at a time for each generation; more callers wait for the same answer.
   */
  check(generation: StagedGeneration, restarts: boolean): Promise<Hang | undefined>;
  silence(generation: StagedGeneration): Waiting;
}

/**
 * Nobody is there to ask (the socket is gone, or closed by a HAProxy that was told to finish), or we cannot get there
 * (the folder is another one, or closed to us; no descriptor is free): that is not silence.
 */
const NOT_ASKED = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP', 'EMFILE', 'ENFILE']);

/** A full queue of questions (EAGAIN) refuses at once. */
const ASK_AGAIN_MS = 100;

/** TERM and KILL take no longer, unless the kernel itself holds the process. */
const END_LIMIT_MS = 5000;

export function createLiveness(ports: LivenessPorts): Liveness {
  const {clock, hangMs} = ports;
  const running = new Map<StagedGeneration, Promise<Hang | undefined>>();
  const answeredMs = new WeakMap<StagedGeneration, number>();
  /** Since when an answer is owed. */
  const owed = new WeakMap<StagedGeneration, {readonly sinceMs: number; readonly works: boolean}>();
  return {
    async check(generation, restarts) {
      if (hangMs === 0) return undefined;
      const known = running.get(generation);
      if (known !== undefined) return known;
      const askedMs = clock.nowMs();
      const since = owed.get(generation) ?? {sinceMs: askedMs, works: false};
      owed.set(generation, since);
      const outcome = checkOnce(generation, restarts, answeredMs.get(generation) ?? askedMs, ports).then(found => {
        if (found === 'works') {
          if (!since.works) ports.log.warn({generation: generation.number}, DEAF);
          owed.set(generation, {...since, works: true});
          if (!answeredMs.has(generation)) answeredMs.set(generation, askedMs);
          return undefined;
        }
        owed.delete(generation);
        answeredMs.set(generation, clock.nowMs());
        return found;
      });
      running.set(
        generation,
        outcome.finally(() => running.delete(generation)),
      );
      return running.get(generation);
    },
    silence(generation) {
      const known = owed.get(generation);
      if (known === undefined) return NO_WAITING;
      const {sinceMs, works} = known;
      const nowMs = clock.nowMs();
      return {waitedMs: nowMs - sinceMs, silentMs: nowMs - (answeredMs.get(generation) ?? sinceMs), works};
    },
  };
}

const DEAF = 'HAProxy works, but answers nothing: are all connections to its runtime sockets taken ("stats maxconn")?';

export const NO_WAITING: Waiting = {waitedMs: 0, silentMs: 0, works: false};

async function checkOnce(
  generation: StagedGeneration,
  restarts: boolean,
  answeredMs: number,
  ports: LivenessPorts,
): Promise<Hang | 'works' | undefined> {
  const {supervisor, number} = generation;
  const {child, job} = supervisor;
  if (child === undefined || job.is !== 'RUNNING') return undefined;
  const found = await listenTo(generation, child.pid, ports);
  // One that was told to finish meanwhile need not answer.
  if (found === 'answers' || supervisor.child !== child || supervisor.job.is !== 'RUNNING') return undefined;
  if (found === 'works') return found;
  const hang = {generation: number, pid: child.pid, silentMs: Math.round(ports.clock.nowMs() - answeredMs), restarts};
  ports.log.error(hang, 'HAProxy does not answer: ending it');
  await (restarts ? endForRestart(generation, ports) : endForGood(generation, ports));
  ports.onHang(hang);
  return hang;
}

/** Whether it answers (or is gone), works without an answer, or hangs. */
async function listenTo(
  generation: StagedGeneration,
  pid: number,
  ports: LivenessPorts,
): Promise<'answers' | 'works' | 'hangs'> {
  const {clock, processes, hangMs} = ports;
  const look = () => processes.activity(pid).catch(() => undefined);
  const firstMs = clock.nowMs();
  for (;;) {
    const askedMs = clock.nowMs();
    const before = await look();
    const heard = await answersWithin(hangMs, generation, pid, ports);
    if (heard !== 'nothing') return heard;
    const [waitedMs, silentMs] = [clock.nowMs() - askedMs, clock.nowMs() - firstMs];
    if (isHang({hangMs, waitedMs, silentMs, before, after: await look()})) return 'hangs';
  }
}

/** Whether it answers, or is gone. Half of the time over, a second connection is asked beside the first, and it is watched. */
async function answersWithin(
  limitMs: number,
  generation: StagedGeneration,
  pid: number,
  ports: LivenessPorts,
): Promise<'answers' | 'works' | 'nothing'> {
  const {clock, processes} = ports;
  const untilMs = clock.nowMs() + limitMs;
  const over = new AbortController();
  const sleepsNow = () => processes.sleeps(pid).catch(() => Number.NaN);
  let sleeps = Number.NaN;
  const first = askUntil(untilMs, generation, ports, over.signal);
  const second = pause(clock, limitMs / 2, over.signal).then(async () => {
    if (over.signal.aborted) return false;
    sleeps = await sleepsNow();
    return askUntil(untilMs, generation, ports, over.signal);
  });
  try {
    if ((await Promise.race([first, second])) || (await Promise.all([first, second])).includes(true)) return 'answers';
    return (await sleepsNow()) - sleeps >= SLEEPS_OF_WORK ? 'works' : 'nothing';
  } finally {
    over.abort();
  }
}

async function askUntil(
  untilMs: number,
  {paths, supervisor}: StagedGeneration,
  {clock, ask}: LivenessPorts,
  signal: AbortSignal,
): Promise<boolean> {
  const {child} = supervisor;
  while (clock.nowMs() < untilMs && !signal.aborted) {
    const answer = await ask(paths.socket, 'show info', Math.ceil(untilMs - clock.nowMs()), signal).then(
      () => 'answered',
      (error: unknown) => {
        if (!(error instanceof DaemonError)) throw error;
        return systemCodeOf(error.cause) ?? 'silent';
      },
    );
    if (answer === 'answered' || NOT_ASKED.has(answer) || supervisor.child !== child) return true;
    await pause(clock, Math.min(ASK_AGAIN_MS, Math.max(0, untilMs - clock.nowMs())), signal);
  }
  return false;
}

/** The supervisor sees a death, and starts the same text anew. */
async function endForRestart({supervisor}: StagedGeneration, {clock}: LivenessPorts): Promise<void> {
  const {child} = supervisor;
  if (child === undefined) return;
  for (const {signal, graceMs} of END) {
    child.kill(signal);
    await within(clock, graceMs || END_LIMIT_MS, child.exited);
    if (supervisor.child !== child) return;
  }
}

async function endForGood({supervisor}: StagedGeneration, {clock}: LivenessPorts): Promise<void> {
  supervisor.stop(END);
  const stopped = supervisor.reached(job => job.is === 'STOPPED');
  await within(clock, END_LIMIT_MS, stopped);
}
