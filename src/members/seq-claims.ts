import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import type {Member} from './member.ts';
import type {MemberTable} from './member-table.ts';

/** How long after a failure the store is asked again for all that lack a `seq`. */
const RETRY_MS = 1000;

/** Where `seq` comes from: a counter that only grows. */
export interface SeqSource {
  /** The next number, for a stay of a pod. Rejects, within a time of its own, when it cannot be had now. */
  claimSeq(member: Pick<Member, 'ip' | 'app' | 'id'>): Promise<number>;
}

interface SeqClaimsOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly source: SeqSource;
  readonly table: Pick<MemberTable, 'settle' | 'provisional'>;
  /** The highest `seq` known so far. */
  readonly seq: number;
  /** A member has got its `seq`. */
  readonly onSettled: (member: Member) => void;
}

/** The way from a source's numbers to the table's members; nobody waits for it. */
export interface SeqClaims {
  /** Asks for one stay's `seq`, again and again while the store is away. */
  claim(member: Member, arrival: number): Promise<void>;
  /** Asks for all that lack one. */
  claimMissing(): void;
  /** The highest `seq` ever seen, those that came too late for their member included: none may be given twice. */
  readonly highestSeq: number;
  close(): void;
}

/** Settles members as the source answers; its silence or failure is one warning, and they sort last meanwhile. */
export function openSeqClaims({clock, log, source, table, seq, onSettled}: SeqClaimsOptions): SeqClaims {
  const pending = new Set<number>();
  let highestSeq = seq;
  let failing = false;
  let closed = false;
  let disarm: (() => void) | undefined;

  const claim = async (member: Member, arrival: number) => {
    pending.add(arrival);
    try {
      const given = await source.claimSeq(member);
      highestSeq = Math.max(highestSeq, given);
      if (failing) log.info('store answers again');
      failing = false;
      if (table.settle(member.ip, arrival, given)) onSettled({...member, seq: given});
    } catch (err) {
      if (!failing) log.warn({err}, 'store gives no seq: new members sort last');
      failing = true;
      if (!closed) disarm ??= clock.after(RETRY_MS, claimMissing);
    } finally {
      pending.delete(arrival);
    }
  };

  const claimMissing = () => {
    disarm = undefined;
    for (const {member, arrival} of table.provisional()) {
      if (!pending.has(arrival)) void claim(member, arrival);
    }
  };

  return {
    claim,
    claimMissing,
    get highestSeq() {
      return highestSeq;
    },
    close() {
      closed = true;
      disarm?.();
    },
  };
}
