import type {Ping} from './member.ts';
import type {MemberEvent} from './member-event.ts';
import type {MemberTable} from './member-table.ts';
import type {Outcome} from './outcome.ts';
import type {SeqMark} from './seq.ts';

export interface KeepPorts {
  /** Holds what was restored; the store changes it from here on, beside the pings. */
  readonly table: MemberTable;
  /** Goes on from what the snapshot knows. */
  readonly seq: SeqMark;
  /** What the store did to the table, once it is done. Never called with nothing, nor before `keep` has returned. */
  readonly onEvents: (events: readonly MemberEvent[]) => void;
}

/** A store at work on one table. */
export interface Keeping {
  /** A ping was recorded: waits for nothing, and calls nobody back. */
  heard(ping: Ping, outcome: Outcome): void;
  /** Pings can reach us from here on: before, silence says nothing. Called once. */
  listening(): void;
  /** Stops, and writes what is still unwritten if that is quick. Never rejects. */
  close(): Promise<void>;
}

/**
 * What gives members their `seq`, ends their stay and, with several replicas, tells each what the others heard. The
 * daemon keeps running on what it has while a store is away: nobody is removed for its silence.
 */
export interface Store {
  readonly kind: 'embedded' | 'etcd';
  /** Whether it answers, as far as we know. */
  healthy(): boolean;
  /** How long ago it was last heard, when it does not answer; 0 when it does. */
  awayMs(): number;
  /** Why slaves should tell another replica instead, or undefined: what they say here could reach no other one. */
  refusal(): string | undefined;
  /** Resolves once it has said what it knows, at the latest after `limitMs`. */
  loaded(limitMs: number): Promise<void>;
  /** Whether it knew members before this daemon heard any: then nobody has to wait for the slaves to come back. */
  remembers(): boolean;
  /** Begins to keep a table; called once. */
  keep(ports: KeepPorts): Keeping;
}
