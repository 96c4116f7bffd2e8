import type {Document, Stored} from '../../../src/members/etcd/document.ts';
import {createReplica} from '../../../src/members/etcd/replica.ts';
import {createGuard} from '../../../src/members/guard.ts';
import type {Ping} from '../../../src/members/member.ts';
import {createTable} from '../../../src/members/table.ts';
import {pingOf} from '../fixtures.ts';

export const TTL_MS = 25_000;
export const CONFIRM_MS = 1000;

type Event =
  | {readonly is: 'put'; readonly ip: string; readonly stored: Stored}
  | {readonly is: 'gone'; readonly ip: string; readonly revision: number};

/** etcd as far as the membership needs it: keys at revisions, leases with a time, and the history of both. */
export function createEtcdModel() {
  const keys = new Map<string, Stored>();
  const leases = new Map<string, {ttlMs: number; endsMs: number}>();
  const history: Event[] = [];
  let revision = 0;
  let seq = 0;
  const revisionOf = (event: Event) => (event.is === 'put' ? event.stored.revision : event.revision);
  return {
    history,
    revisionOf,
    get revision() {
      return revision;
    },
    documents: (): ReadonlyMap<string, Stored> => new Map(keys),
    nextSeq: () => ++seq,
    grant(ttlMs: number, nowMs: number): string {
      const lease = String(leases.size + 1);
      leases.set(lease, {ttlMs, endsMs: nowMs + ttlMs});
      return lease;
    },
    renew(id: string, nowMs: number): void {
      const lease = leases.get(id);
      if (lease !== undefined && lease.endsMs > nowMs) lease.endsMs = nowMs + lease.ttlMs;
    },
    /** What a new leader does: every lease starts anew. */
    extendAll(nowMs: number): void {
      for (const lease of leases.values()) if (lease.endsMs > nowMs) lease.endsMs = nowMs + lease.ttlMs;
    },
    isLive: (lease: string, nowMs: number) => (leases.get(lease)?.endsMs ?? 0) > nowMs,
    /** Writes a key that is still at `upon`; what it holds instead else. */
    write(ip: string, upon: number, document: Document, lease: string): {ok: boolean; stored: Stored | undefined} {
      const current = keys.get(ip);
      if ((current?.revision ?? 0) !== upon) return {ok: false, stored: current};
      const stored = {document, lease, revision: ++revision};
      keys.set(ip, stored);
      history.push({is: 'put', ip, stored});
      return {ok: true, stored};
    },
    expire(nowMs: number): void {
      for (const [ip, {lease}] of keys) {
        if (this.isLive(lease, nowMs)) continue;
        keys.delete(ip);
        history.push({is: 'gone', ip, revision: ++revision});
      }
    },
  };
}

export type EtcdModel = ReturnType<typeof createEtcdModel>;

/** One replica on the model; its writes and its watch move when the test says so. */
export function createModelReplica(etcd: EtcdModel) {
  const table = createTable({ttlMs: TTL_MS, ownApp: 'haproxy', maxMembers: 1000, maxPayloadBytes: 1 << 20});
  const guard = createGuard({ttlMs: TTL_MS});
  const core = createReplica({table, guard, ttlMs: TTL_MS, ownApp: 'haproxy', confirmMs: CONFIRM_MS, isForeign: false});
  const at = (nowMs: number) => ({nowMs, epochMs: nowMs});
  let seen = 0;
  const tell = (event: Event, nowMs: number) =>
    event.is === 'put' ? core.put(event.ip, event.stored, at(nowMs)) : core.gone(event.ip, event.revision, nowMs);
  const load = (nowMs: number) => {
    core.loaded({revision: etcd.revision, documents: etcd.documents(), forgot: false}, at(nowMs));
    seen = etcd.history.length;
    core.passed(etcd.revision);
  };
  load(0);
  return {
    table,
    core,
    load,
    ping(changes: Partial<Ping>, nowMs: number) {
      const ping = pingOf(changes);
      const outcome = table.record(ping, at(nowMs));
      core.heard(ping, outcome, nowMs);
      return outcome;
    },
    /** Tells the next events of the watch. */
    watch(count: number, nowMs: number): void {
      for (const event of etcd.history.slice(seen, seen + count)) {
        seen += 1;
        tell(event, nowMs);
        core.passed(etcd.revisionOf(event));
      }
    },
    /** Tells some past events again, as a watch that starts anew would. */
    watchAgain(count: number, nowMs: number): void {
      for (const event of etcd.history.slice(Math.max(0, seen - count), seen)) tell(event, nowMs);
    },
    get isBehind() {
      return seen < etcd.history.length;
    },
    /** Writes and renews what waits; an answer that is lost leaves only the watch to tell. */
    flush(nowMs: number, isAnswerLost = false): void {
      const writes = core.takeWrites(100);
      // In a burst all but the first share a lease.
      const together = writes.length > 1 ? etcd.grant(TTL_MS, nowMs) : undefined;
      for (const {ip, upon, document, lease, ttlMs} of writes) {
        const member = {...document.member, seq: document.member.seq ?? etcd.nextSeq()};
        const own = lease !== undefined && etcd.isLive(lease, nowMs) ? lease : undefined;
        const shared = own === undefined && ttlMs === TTL_MS && ip !== writes[0]?.ip ? together : undefined;
        const given = own ?? shared ?? etcd.grant(ttlMs, nowMs);
        const sharesLease = shared !== undefined;
        const content = document.is === 'alive' ? {...document, member, sharesLease} : {...document, member};
        const answer = etcd.write(ip, upon, content, given);
        if (!isAnswerLost) {
          if (answer.stored !== undefined) core.put(ip, answer.stored, at(nowMs));
          else core.gone(ip, etcd.revision, nowMs);
        }
        core.settled(ip);
      }
      for (const lease of core.takeRenewals()) etcd.renew(lease, nowMs);
    },
    tick: (nowMs: number) => core.tick(at(nowMs)),
    hosts: () => [...table.hosts()],
  };
}

export type ModelReplica = ReturnType<typeof createModelReplica>;

/** Lets everything be written and told until nothing moves any more. */
export function settleAll(etcd: EtcdModel, replicas: readonly ModelReplica[], nowMs: number): void {
  for (let round = 0; round < 100; round++) {
    etcd.expire(nowMs);
    for (const replica of replicas) {
      replica.watch(Number.POSITIVE_INFINITY, nowMs);
      replica.tick(nowMs);
      replica.flush(nowMs);
    }
    if (replicas.every(replica => !replica.isBehind && replica.core.isIdle)) return;
  }
  throw new Error('the replicas do not settle');
}
