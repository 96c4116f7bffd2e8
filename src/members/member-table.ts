import type {Hosts, Member, MemberView, Ping} from './member.ts';
import type {MemberEvent} from './member-event.ts';
import type {Moment, Outcome} from './outcome.ts';

/** A member whose `seq` the store has yet to give. */
export interface Provisional {
  readonly member: Member;
  readonly arrival: number;
}

/** One stay as a shared store sees it; `heardMs` is when we ourselves heard the pod (monotonic), -Infinity for never. */
export interface Stay extends Provisional {
  readonly heardMs: number;
}

/** Who is alive, keyed by IP. All methods are synchronous and none throws. */
export interface MemberTable {
  /** Takes a ping in; costs the same however many members there are. */
  record(ping: Ping, now: Moment): Outcome;
  /** Gives a stay its `seq`; false when that stay is over or was settled before. */
  settle(ip: string, arrival: number, seq: number): boolean;
  /** Removes and returns those whose time is up; the guard may hold them for a while instead. */
  expire(nowMs: number): Member[];
  /** Nobody expires before a TTL from `nowMs`: for after a time in which we could not listen. */
  grantFreshTtl(nowMs: number): void;
  /** Takes remembered members in, as they were, each with a fresh TTL; those past a bound, or in already, are left out. */
  restore(members: readonly Member[], now: Moment): void;
  /** Those without a `seq`, in the order they arrived. */
  provisional(): Provisional[];
  /** Takes a member in as a shared store says; only `drop` and a `down` end its stay. Undefined when that is no news. */
  adopt(member: Member, heldForMs: number | undefined, now: Moment): MemberEvent | undefined;
  /** The store vouches no longer for an IP; it stays in until dropped. */
  release(ip: string): void;
  /** Ends a stay; undefined when there is none. */
  drop(ip: string): Member | undefined;
  stay(ip: string): Stay | undefined;
  members(nowMs: number): MemberView[];
  find(ip: string): Member | undefined;
  hosts(): Hosts;
  readonly version: number;
  readonly size: number;
  readonly payloadBytes: number;
  readonly guard: GuardView;
}

/** What the guard does: the members that it holds now, and its holds so far. */
export interface GuardView {
  readonly held: number;
  /** When the first of those was heard last (epoch ms); undefined when it holds nobody. */
  readonly silentSince: number | undefined;
  readonly holds: number;
}
