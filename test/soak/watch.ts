import {isDeepStrictEqual} from 'node:util';
import type {Status} from '../support/status.ts';
import {loadView} from './haproxy-view.ts';
import type {Span} from './model.ts';
import {type Discrepancy, hasDisabled, judgeHosts, judgeText, judgeView} from './oracle.ts';
import {hostsOf, parseServed, type Server} from './templates.ts';
import type {World} from './world.ts';

/** In the midst of changes the daemon is in sync again and again; only a fault keeps it from that for so long. */
const SYNC_WITHIN_MS = 40_000;
/** Who asks while others are being answered is given the same (docs/SECURITY.md#port-8001-status). */
const STALE_MS = 1000;
/** A status port that does not answer, though nothing was done to it. */
const ANSWER_WITHIN_MS = 20_000;

/** One look at the daemon, its configuration and its HAProxy. */
export interface Sight {
  readonly status: Status;
  readonly served: string;
  /** What HAProxy says; undefined when it did not answer. */
  readonly view: readonly Server[] | undefined;
  /** Nothing moved while it was looked at: all parts have to agree. */
  readonly isStill: boolean;
}

/** Looks; undefined when nobody answered, or what was done meanwhile makes it worthless. Membership is judged on the way. */
export async function look(world: World): Promise<Sight | undefined> {
  const {era, daemon} = world;
  const status = await judgedStatus(world);
  if (status === undefined) return undefined;
  const served = await world.served();
  const view = await loadView(world.proxySocket).catch(() => undefined);
  const after = world.daemon === daemon ? await judgedStatus(world) : undefined;
  if (after === undefined || era !== world.era) return undefined;
  const isStill =
    status.inSync &&
    after.inSync &&
    status.reload.last?.pass === after.reload.last?.pass &&
    status.proxy.pid === after.proxy.pid &&
    isDeepStrictEqual(status.hosts, after.hosts);
  return {status: after, served, view, isStill};
}

async function judgedStatus(world: World): Promise<Status | undefined> {
  const {era, daemon} = world;
  const fromMs = Date.now() - STALE_MS;
  const status = await daemon.status();
  const during: Span = {fromMs, toMs: Date.now()};
  if (world.isDown || world.era !== era || status === undefined) return undefined;
  world.fail(judgeHosts(world.model.expected(during), status.hosts));
  return status;
}

/** What is wrong with a look. */
export function judgeSight({template, form, disturbances}: World, sight: Sight): Discrepancy[] {
  const {status, served, view, isStill} = sight;
  const found = judgeText(served, {from: template.servedFrom, to: template.n}, form);
  const parsed = parseServed(served);
  if (parsed === undefined || !isStill) return found;
  if (!isDeepStrictEqual(hostsOf(parsed), {...status.hosts})) {
    const detail = `in sync with ${JSON.stringify(status.hosts)}, but serves\n${served}`;
    found.push({what: 'in sync, but serves other hosts', detail});
  }
  if (hasDisabled(served)) found.push({what: 'in sync, but with disabled servers', detail: served});
  if (!disturbances.has('killed HAProxy')) {
    if (view === undefined) found.push({what: 'HAProxy does not answer', detail: 'haproxy.sock'});
    else found.push(...judgeView(served, view));
  }
  return found;
}

/**
 * Tells the model when a daemon noticed by itself that it had not run for seconds: it lacked CPU, or was stopped on
 * purpose. Only who may still be there is taken from its word, never who must be.
 */
function createStallReader(world: World): () => void {
  let read = {daemon: world.daemon, lines: 0};
  return () => {
    const {daemon, model} = world;
    if (read.daemon !== daemon) read = {daemon, lines: 0};
    for (const {msg, time, durationMs} of daemon.logs.slice(read.lines)) {
      if (!String(msg).startsWith('paused or clock moved')) continue;
      model.stalled({fromMs: Number(time) - Number(durationMs), toMs: Number(time)});
      if (!world.disturbances.has('paused daemon')) world.stalls += 1;
    }
    read.lines = daemon.logs.length;
  };
}

/** Looks again and again; each call is one look. Keeps account of when it was last answered, and in sync. */
export function createWatch(world: World): () => Promise<void> {
  let inSyncMs = Date.now();
  let answeredMs = Date.now();
  const readStalls = createStallReader(world);
  return async () => {
    readStalls();
    const sight = await look(world);
    const nowMs = Date.now();
    const isDisturbed = world.disturbances.size > 0;
    const since = (seenMs: number) => (isDisturbed ? 0 : nowMs - Math.max(seenMs, world.disturbedMs));
    if (sight === undefined) {
      const silentMs = since(answeredMs);
      if (silentMs > ANSWER_WITHIN_MS) world.fail([{what: 'no answer', detail: `/status, for ${silentMs} ms`}]);
      return;
    }
    answeredMs = nowMs;
    const {status, served} = sight;
    world.fail(judgeSight(world, sight));
    world.template.servedFrom = Math.max(world.template.servedFrom, parseServed(served)?.n ?? 0);
    if (status.inSync) inSyncMs = nowMs;
    const behindMs = since(inSyncMs);
    if (behindMs > SYNC_WITHIN_MS) {
      world.fail([{what: 'not in sync', detail: `for ${behindMs} ms: ${status.lastError ?? 'no error is told'}`}]);
    }
  };
}
