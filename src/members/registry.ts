import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {deriveKey} from './base62.ts';
import type {Hosts, Member, MemberView, Ping} from './member.ts';
import type {GuardView, MemberTable} from './member-table.ts';
import type {Outcome} from './outcome.ts';
import type {RestoredSnapshot, SnapshotFile} from './snapshot-file.ts';
import type {Store, StoreNews} from './store.ts';
import type {MemberEvent} from './timeline.ts';

/** A full table is worth one warning in this time, whatever is refused. */
const REFUSAL_WARNING_MS = 60_000;

/** Something moved that a template can see. `cause` is for people: `joined web 10.2.0.17`. */
export interface MemberChange {
  readonly version: number;
  readonly cause: string;
}

export interface RegistryOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Store;
  /** Empty; the registry owns it from here on. */
  readonly table: MemberTable;
  readonly snapshotFile: Pick<SnapshotFile, 'keep'>;
  /** What `snapshotFile.load()` found. */
  readonly snapshot: RestoredSnapshot;
  /** Called synchronously, not for what was restored; may not throw. */
  readonly onChange: (change: MemberChange) => void;
  /** What became of a pod, for its timeline; the restored ones included. Called synchronously, before `onChange`. */
  readonly onEvent?: (event: MemberEvent) => void;
}

export interface Registry {
  /** Takes a ping in, from memory: waits for nothing. */
  record(ping: Ping): Outcome;
  hosts(): Hosts;
  members(): MemberView[];
  find(ip: string): Member | undefined;
  /** Sends off, at once, each member for which `reasonOf` says why: its pod is gone. */
  evict(reasonOf: (member: Member) => string | undefined): void;
  readonly version: number;
  readonly size: number;
  readonly payloadBytes: number;
  readonly guard: GuardView;
  /** Whether the hosts of an earlier run were taken over; false when it knew none. */
  readonly restored: boolean;
  /** Stops the clockwork and writes the snapshot a last time. Never rejects. */
  close(): Promise<void>;
}

const nameOf = ({app, ip}: Member): string => `${app} ${ip}`;

/** A settled member moved because it joined: the same cause, so that people see one. */
const causeOf = (news: StoreNews): string => {
  const verb = news.is === 'left' && news.why === 'silent' ? 'expired' : news.is === 'settled' ? 'joined' : news.is;
  return `${verb} ${nameOf(news.member)}`;
};

const fieldsOf = ({app, id, ip}: Member) => ({app, ip, member: id});

/** What a store's news means for the timeline of its pod; a `seq` that was settled means nothing. */
function eventOf(news: StoreNews): MemberEvent | undefined {
  switch (news.is) {
    case 'joined':
    case 'changed':
      return {is: news.is, member: news.member};
    case 'replaced':
      return news;
    case 'left':
      return {is: news.why, member: news.member};
    case 'settled':
      return undefined;
  }
}

/**
 * The live members: the table, fed with time, `seq` numbers and remembered members, and written down as it changes.
 * Logs one line per join, replacement, leave and expiry.
 */
export function openRegistry(options: RegistryOptions): Registry {
  const {clock, log, store, table, snapshotFile, snapshot, onChange, onEvent} = options;
  const warnedIps = new Set<string>();
  let refusalWarnedMs = Number.NEGATIVE_INFINITY;

  const moment = () => ({nowMs: clock.nowMs(), epochMs: clock.epochMs()});

  const moved = (cause: string) => {
    keeper.changed();
    onChange({version: table.version, cause});
  };

  const warnOfAlternation = ({ip, id}: Ping) => {
    if (warnedIps.has(ip)) return;
    warnedIps.add(ip);
    log.warn({ip, member: id}, 'several pods ping from one IP: only one of them is served');
  };

  const warnOfRefusal = (why: string, bound: number) => {
    if (clock.nowMs() - refusalWarnedMs < REFUSAL_WARNING_MS) return;
    refusalWarnedMs = clock.nowMs();
    log.warn({reason: why, bound, members: table.size}, 'pings refused: a bound is reached');
  };

  const report = (ping: Ping, outcome: Outcome) => {
    switch (outcome.is) {
      case 'joined': {
        const cause = `joined ${nameOf(outcome.member)}`;
        if (ping.key !== deriveKey(ping.ip)) log.debug({ip: ping.ip, key: ping.key}, 'key does not belong to ip');
        log.info(fieldsOf(outcome.member), 'member joined');
        onEvent?.({is: 'joined', member: outcome.member});
        moved(cause);
        return;
      }
      case 'replaced': {
        const {member, previous, alternating} = outcome;
        log.info({...fieldsOf(member), from: previous.id}, 'member replaced');
        if (!alternating) onEvent?.({is: 'replaced', member, previous});
        moved(`replaced ${nameOf(member)}`);
        return;
      }
      case 'changed':
        log.debug(fieldsOf(outcome.member), 'member changed');
        onEvent?.({is: 'changed', member: outcome.member});
        moved(`changed ${nameOf(outcome.member)}`);
        return;
      case 'left':
        warnedIps.delete(ping.ip);
        log.info({...fieldsOf(outcome.member), reason: 'down'}, 'member left');
        onEvent?.({is: 'down', member: outcome.member});
        moved(`left ${nameOf(outcome.member)}`);
        return;
      case 'refreshed':
        if (outcome.alternating) warnOfAlternation(ping);
        return;
      case 'ignored':
        log.debug({ip: ping.ip, member: ping.id, reason: outcome.why}, 'down ignored');
        return;
      case 'refused':
        warnOfRefusal(outcome.why, outcome.bound);
        return;
    }
  };

  const onNews = (news: readonly StoreNews[]) => {
    for (const one of news) {
      if (one.is === 'left') warnedIps.delete(one.member.ip);
      const text = one.is === 'left' && one.why === 'silent' ? 'member expired' : `member ${one.is}`;
      const level = one.is === 'left' ? 'info' : 'debug';
      log[level]({...fieldsOf(one.member), ...(one.is === 'left' && {reason: one.why})}, text);
      const event = eventOf(one);
      if (event !== undefined) onEvent?.(event);
    }
    const [first, ...others] = news.map(causeOf);
    moved(`${first}${others.length > 0 ? ` and ${others.length} more` : ''}`);
  };

  if (snapshot.restored) {
    table.restore(snapshot.members, moment());
    log.info({members: table.size}, 'members restored');
    for (const member of table.members(clock.nowMs())) onEvent?.({is: 'restored', member});
  }
  // A daemon that died before anybody pinged remembers nobody: its successor has to wait for them all the same.
  const restored = snapshot.restored && table.hosts().size > 0;
  const keeping = store.keep({table, seq: snapshot.seq, onNews});
  const keeper = snapshotFile.keep(() => ({
    seq: keeping.highestSeq,
    isShared: store.kind === 'etcd',
    members: table.members(clock.nowMs()),
  }));

  return {
    record(ping) {
      const outcome = table.record(ping, moment());
      report(ping, outcome);
      keeping.heard(ping, outcome);
      return outcome;
    },
    hosts: () => table.hosts(),
    members: () => table.members(clock.nowMs()),
    find: table.find,
    evict(reasonOf) {
      for (const {expiresInMs: _, held: __, ...member} of table.members(clock.nowMs())) {
        const reason = reasonOf(member);
        if (reason === undefined) continue;
        const leaving: Ping = {...member, down: true};
        const outcome = table.record(leaving, moment());
        if (outcome.is !== 'left') continue;
        log.info({...fieldsOf(member), reason}, 'member evicted');
        moved(`evicted ${nameOf(member)}`);
        keeping.heard(leaving, outcome);
      }
    },
    get version() {
      return table.version;
    },
    get size() {
      return table.size;
    },
    get payloadBytes() {
      return table.payloadBytes;
    },
    guard: table.guard,
    restored,
    async close() {
      await keeping.close();
      await keeper.close();
    },
  };
}
