import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import type {Member} from './member.ts';
import type {MemberTable} from './member-table.ts';

/** Expiry is noticed at most this late. */
const TICK_MS = 500;

/** A tick that is later than this means that pings could not reach us either. */
const PAUSE_MS = 2000;

interface ExpiryOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly table: Pick<MemberTable, 'expire' | 'grantFreshTtl' | 'size' | 'guard'>;
  /** Never called with nobody. */
  readonly onExpired: (members: readonly Member[]) => void;
}

/**
 * Removes the silent from the table; the returned function stops it. After a pause of the process, a suspended machine
 * or a wall clock set forward, everybody gets a fresh TTL first: we may have missed pings
 * (docs/architecture.md#invariants, 6).
 */
export function watchExpiry({clock, log, table, onExpired}: ExpiryOptions): () => void {
  let nowMs = clock.nowMs();
  let epochMs = clock.epochMs();
  let {holds} = table.guard;

  const tick = () => {
    // The monotonic clock stands still while the machine is suspended; the wall clock does not.
    const lateMs = Math.max(clock.nowMs() - nowMs, clock.epochMs() - epochMs) - TICK_MS;
    nowMs = clock.nowMs();
    epochMs = clock.epochMs();
    if (lateMs > PAUSE_MS) {
      table.grantFreshTtl(nowMs);
      log.warn({durationMs: Math.round(lateMs), members: table.size}, 'paused or clock moved: members get a fresh TTL');
    }
    const expired = table.expire(nowMs);
    if (expired.length > 0) onExpired(expired);
    if (table.guard.holds > holds) {
      holds = table.guard.holds;
      const {held: members} = table.guard;
      log.warn(
        {members},
        'most of an app fell silent at once: held for two TTLs, as the fault may be on the way to us',
      );
    }
    disarm = clock.after(TICK_MS, tick);
  };

  let disarm = clock.after(TICK_MS, tick);
  return () => disarm();
}
