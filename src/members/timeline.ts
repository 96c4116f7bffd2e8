import type {Member} from './member.ts';
import type {MemberEvent} from './member-event.ts';

export type Happening =
  | 'first ping'
  | 'restored'
  | 'changed'
  | 'replaced another pod'
  | 'config'
  | 'down'
  | 'silent'
  | 'evicted'
  | 'removed';

/** One line of a timeline. `pass` is the one that put the pod into the configuration, or took it out. */
export interface TimelineLine {
  readonly at: number;
  readonly what: Happening;
  readonly app: string;
  readonly id: string;
  readonly pass?: number;
  /** Why it was evicted. */
  readonly reason?: string;
}

/** Everything that is remembered of one IP, oldest first. `gone` has no live pod on it. */
export interface Timeline {
  readonly ip: string;
  readonly gone: boolean;
  readonly moments: readonly TimelineLine[];
}

/** A pod that went: when, and why (`down`, `silent`, `replaced`, `evicted`). `reason` says more of an eviction. */
export interface Departure {
  readonly at: number;
  readonly app: string;
  readonly id: string;
  readonly ip: string;
  readonly why: string;
  readonly reason?: string;
  /** When it was heard last, which is when one that fell `silent` was there last. */
  readonly heardAt: number;
}

interface Line {
  readonly moments: TimelineLine[];
  gone: boolean;
  /** What the next successful pass will make of it. */
  pending: 'config' | 'removed' | undefined;
}

export interface TimelineOptions {
  /** IPs without a live pod that are remembered; the one gone longest is forgotten first. */
  readonly maxGone?: number;
  readonly maxMomentsEach?: number;
  readonly maxDepartures?: number;
}

/** The stories of all IPs. Synchronous and bounded; none throws. */
export interface Timelines {
  note(event: MemberEvent, at: number): void;
  /** A pass was applied (or came out equal) with these IPs in it. */
  applied(pass: number, ips: ReadonlySet<string>, at: number): void;
  of(ip: string): Timeline | undefined;
  /** Pods were at this address, and none is; false for an address that nothing is known of. */
  isGone(ip: string): boolean;
  /** Of an address, or of the address that the pod of this name had last. */
  find(name: string): Timeline | undefined;
  /** The newest first. */
  departures(): readonly Departure[];
  /** When the last pod of an app said goodbye, or was heard last (epoch ms); undefined when none is known to have left. */
  lastThereAt(app: string): number | undefined;
  /** Why this pod went last; undefined when nothing is known of it. */
  whyLeft(pod: {readonly app: string; readonly ip: string; readonly id: string}): string | undefined;
}

/** Pods that only changed their payload a hundred times may not push out when they came. */
const REPEATABLE: ReadonlySet<Happening> = new Set(['changed']);

const HAPPENINGS = {joined: 'first ping', restored: 'restored', changed: 'changed'} as const;

interface TimelinesState extends Required<TimelineOptions> {
  readonly lines: Map<string, Line>;
  /** IPs without a live pod, the longest gone first. */
  readonly gone: Set<string>;
  /** IPs of which the next successful pass will tell something. */
  readonly pending: Set<string>;
  /** The newest first. */
  departures: readonly Departure[];
}

export function createTimelines(options: TimelineOptions = {}): Timelines {
  const {maxGone = 2000, maxMomentsEach = 40, maxDepartures = 500} = options;
  const state: TimelinesState = {
    maxGone,
    maxMomentsEach,
    maxDepartures,
    lines: new Map(),
    gone: new Set(),
    pending: new Set(),
    departures: [],
  };
  return {
    note: (event, at) => note(state, event, at),
    applied: (pass, ips, at) => noteApplied(state, pass, ips, at),
    of: ip => timelineOf(state, ip),
    isGone: ip => state.lines.get(ip)?.gone === true,
    find: name => find(state, name),
    departures: () => state.departures,
    lastThereAt: app => lastThereAt(state, app),
    whyLeft: ({app, ip, id}) => state.departures.find(one => one.ip === ip && one.app === app && one.id === id)?.why,
  };
}

function note(state: TimelinesState, event: MemberEvent, at: number): void {
  const isNothingNew = event.is === 'settled' || (event.is === 'replaced' && event.alternating);
  if (isNothingNew) return;
  const {app, id, ip} = event.member;
  const line = lineOf(state, ip);
  state.pending.add(ip);
  if (event.is === 'left') {
    const reason = event.why === 'evicted' ? {reason: event.reason} : {};
    append(state, line, {at, what: event.why, app, id, ...reason});
    depart(state, event.member, {at, why: event.why, ...reason});
    leave(state, line, ip);
    return;
  }
  line.pending = 'config';
  if (event.is === 'replaced') {
    depart(state, event.previous, {at, why: 'replaced'});
    append(state, line, {at, what: 'replaced another pod', app, id});
    return;
  }
  append(state, line, {at, what: HAPPENINGS[event.is], app, id});
  line.gone = false;
  state.gone.delete(ip);
}

function noteApplied(state: TimelinesState, pass: number, ips: ReadonlySet<string>, at: number): void {
  for (const ip of state.pending) {
    const line = state.lines.get(ip);
    const last = line?.moments.at(-1);
    if (line?.pending === undefined || last === undefined || ips.has(ip) !== (line.pending === 'config')) continue;
    append(state, line, {at, what: line.pending, app: last.app, id: last.id, pass});
    line.pending = undefined;
    state.pending.delete(ip);
  }
}

function lineOf({lines}: TimelinesState, ip: string): Line {
  const line = lines.get(ip) ?? {moments: [], gone: false, pending: undefined};
  lines.set(ip, line);
  return line;
}

function append({maxMomentsEach}: TimelinesState, {moments}: Line, moment: TimelineLine): void {
  const last = moments.at(-1);
  if (last !== undefined && REPEATABLE.has(moment.what) && last.what === moment.what) moments.pop();
  moments.push(moment);
  // The first one says when the story began.
  if (moments.length > maxMomentsEach) moments.splice(1, 1);
}

function depart(
  state: TimelinesState,
  {app, id, ip, lastSeenAt}: Member,
  departure: Pick<Departure, 'at' | 'why' | 'reason'>,
): void {
  state.departures = [{...departure, app, id, ip, heardAt: lastSeenAt}, ...state.departures].slice(
    0,
    state.maxDepartures,
  );
}

function lastThereAt({departures}: TimelinesState, app: string): number | undefined {
  const times = departures
    .filter(one => one.app === app)
    .map(({why, at, heardAt}) => (why === 'silent' ? heardAt : at));
  return times.length === 0 ? undefined : Math.max(...times);
}

function leave({gone, lines, pending, maxGone}: TimelinesState, line: Line, ip: string): void {
  line.gone = true;
  line.pending = 'removed';
  gone.delete(ip);
  gone.add(ip);
  for (const longest of gone) {
    if (gone.size <= maxGone) break;
    gone.delete(longest);
    pending.delete(longest);
    lines.delete(longest);
  }
}

function timelineOf({lines}: TimelinesState, ip: string): Timeline | undefined {
  const line = lines.get(ip);
  return line === undefined ? undefined : {ip, gone: line.gone, moments: [...line.moments]};
}

function find(state: TimelinesState, name: string): Timeline | undefined {
  const lastOf = ({moments}: Line) => moments.findLast(({id}) => id === name)?.at ?? 0;
  const named = [...state.lines].filter(([, line]) => lastOf(line) > 0).sort(([, a], [, b]) => lastOf(b) - lastOf(a));
  return timelineOf(state, name) ?? (named[0] && timelineOf(state, named[0][0]));
}
