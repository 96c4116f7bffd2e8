import {type FollowPorts, followPrefix} from '../../../src/etcd/follow.ts';
import {type Gateway, openGateway, type Secrets} from '../../../src/etcd/gateway.ts';
import {openTransport} from '../../../src/etcd/transport.ts';
import {createEtcdStore} from '../../../src/members/etcd/etcd-store.ts';
import {keysOf} from '../../../src/members/etcd/keys.ts';
import {createGuard} from '../../../src/members/guard.ts';
import type {Ping} from '../../../src/members/member.ts';
import type {MemberChange} from '../../../src/members/member-change.ts';
import {openRegistry, type Registry} from '../../../src/members/registry.ts';
import {isForeign} from '../../../src/members/snapshot.ts';
import {openSnapshotFile} from '../../../src/members/snapshot-file.ts';
import {createTable} from '../../../src/members/table.ts';
import {type Clock, systemClock} from '../../../src/ports/clock.ts';
import {waitFor} from '../../support/wait.ts';
import {createMemoryFiles, openLogSink, pingOf} from '../fixtures.ts';

const OWN_APP = 'haproxy';

export const KEYS = keysOf('default', 'lb');

/** The membership of one replica on a real etcd, without a proxy. */
export interface TestReplica extends AsyncDisposable {
  ping(changes?: Partial<Ping>): string;
  /** In their order. */
  ips(): string[];
  readonly store: ReturnType<typeof createEtcdStore>;
  readonly registry: Registry;
  readonly changes: readonly MemberChange[];
  readonly sink: ReturnType<typeof openLogSink>;
  /** Leases that it has renewed. */
  readonly renewals: number;
  close(): Promise<void>;
}

export interface TestReplicaOptions {
  /** As `KONTROL_ETCD`. */
  readonly endpoints: string;
  readonly ttlMs?: number;
  readonly memory?: ReturnType<typeof createMemoryFiles>;
  readonly secrets?: Secrets;
  readonly follow?: (ports: FollowPorts) => ReturnType<typeof followPrefix>;
  readonly clock?: Clock;
  readonly confirmMs?: number;
}

/** The system's clock, which a test sets forward: what is due by then is due at once. */
export interface LeapingClock extends Clock {
  leap(byMs: number): void;
}

export function createLeapingClock(): LeapingClock {
  let leaptMs = 0;
  return {
    nowMs: () => systemClock.nowMs() + leaptMs,
    epochMs: () => systemClock.epochMs() + leaptMs,
    after: systemClock.after,
    leap(byMs) {
      leaptMs += byMs;
    },
  };
}

export async function openReplica(options: TestReplicaOptions): Promise<TestReplica> {
  const {endpoints, ttlMs = 25_000, memory = createMemoryFiles(), follow = followPrefix} = options;
  const {secrets = {tls: {}, credentials: undefined}, clock = systemClock, confirmMs = 1000} = options;
  const sink = openLogSink();
  const {log} = sink;
  const snapshotFile = openSnapshotFile({files: memory.files, clock, log}, '/data');
  const snapshot = await snapshotFile.load();
  const guard = createGuard({ttlMs});
  const opened = openGateway({
    endpoints: endpoints.split(','),
    loadSecrets: async () => secrets,
    openTransport,
    clock,
    log,
  });
  let renewals = 0;
  const gateway: Gateway = {
    ask: opened.ask,
    listen: opened.listen,
    close: opened.close,
    get answeredMs() {
      return opened.answeredMs;
    },
    async askEach(path, requests, timeoutMs) {
      const answers = await opened.askEach(path, requests, timeoutMs);
      renewals += answers.length;
      return answers;
    },
  };
  const store = createEtcdStore({
    clock,
    log,
    gateway,
    follow,
    keys: KEYS,
    guard,
    ttlMs,
    ownApp: OWN_APP,
    ownReplicaKeys: KEYS.replicasOf('own'),
    confirmMs,
    isForeign: isForeign(snapshot),
  });
  const changes: MemberChange[] = [];
  const registry = openRegistry({
    clock,
    log,
    store,
    table: createTable({ttlMs, ownApp: OWN_APP, maxMembers: 20_000, maxPayloadBytes: 1 << 20, guard}),
    snapshotFile,
    snapshot,
  });
  registry.follow(change => changes.push(change));
  const close = async () => {
    await registry.close();
    gateway.close();
  };
  return {
    store,
    registry,
    changes,
    sink,
    get renewals() {
      return renewals;
    },
    ping: changed => registry.record(pingOf(changed)).is,
    ips: () => registry.members().map(({ip}) => ip),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Waits until all replicas have exactly these members, in this order. */
export const seeSame = (replicas: readonly TestReplica[], ips: readonly string[]): Promise<boolean> =>
  waitFor(
    () => replicas.every(replica => JSON.stringify(replica.ips()) === JSON.stringify(ips)),
    `${ips.join(', ')} everywhere`,
    {
      timeoutMs: 30_000,
      evidence: () => replicas.map(({ips: seen, sink}) => JSON.stringify([seen(), ...sink.lines.slice(-5)])).join('\n'),
    },
  );
