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
}

interface Line {
  moments: TimelineLine[];
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
  /** Of an address, or of the address that the pod of this name had last. */
  find(name: string): Timeline | undefined;
  /** The newest first. */
  departures(): readonly Departure[];
  /** Why this pod went last; undefined when nothing is known of it. */
  whyLeft(pod: {readonly app: string; readonly ip: string; readonly id: string}): string | undefined;
}

/** Pods that only changed their payload a hundred times may not push out when they came. */
const REPEATABLE: ReadonlySet<Happening> = new Set(['changed']);

const HAPPENINGS = {joined: 'first ping', restored: 'restored', changed: 'changed'} as const;

export function createTimelines(options: TimelineOptions = {}): Timelines {
  const {maxGone = 2000, maxMomentsEach = 40, maxDepartures = 500} = options;
  const lines = new Map<string, Line>();
  /** IPs without a live pod, the longest gone first. */
  const gone = new Set<string>();
  const pending = new Set<string>();
  let departures: Departure[] = [];

  const lineOf = (ip: string): Line => {
    const line = lines.get(ip) ?? {moments: [], gone: false, pending: undefined};
    lines.set(ip, line);
    return line;
  };

  const append = (line: Line, moment: TimelineLine): void => {
    const last = line.moments.at(-1);
    if (last !== undefined && REPEATABLE.has(moment.what) && last.what === moment.what) line.moments.pop();
    line.moments.push(moment);
    // The first one says when the story began.
    if (line.moments.length > maxMomentsEach) line.moments.splice(1, 1);
  };

  const depart = ({app, id, ip}: Member, departure: Pick<Departure, 'at' | 'why' | 'reason'>): void => {
    departures = [{...departure, app, id, ip}, ...departures].slice(0, maxDepartures);
  };

  const leave = (line: Line, member: Member): void => {
    line.gone = true;
    line.pending = 'removed';
    gone.delete(member.ip);
    gone.add(member.ip);
    for (const ip of gone) {
      if (gone.size <= maxGone) break;
      gone.delete(ip);
      pending.delete(ip);
      lines.delete(ip);
    }
  };

  const timelineOf = (ip: string): Timeline | undefined => {
    const line = lines.get(ip);
    return line === undefined ? undefined : {ip, gone: line.gone, moments: [...line.moments]};
  };

  return {
    note(event, at) {
      const isNothingNew = event.is === 'settled' || (event.is === 'replaced' && event.alternating);
      if (isNothingNew) return;
      const {app, id, ip} = event.member;
      const line = lineOf(ip);
      pending.add(ip);
      if (event.is === 'left') {
        const reason = event.why === 'evicted' ? {reason: event.reason} : {};
        append(line, {at, what: event.why, app, id, ...reason});
        depart(event.member, {at, why: event.why, ...reason});
        leave(line, event.member);
        return;
      }
      line.pending = 'config';
      if (event.is === 'replaced') {
        depart(event.previous, {at, why: 'replaced'});
        append(line, {at, what: 'replaced another pod', app, id});
        return;
      }
      append(line, {at, what: HAPPENINGS[event.is], app, id});
      line.gone = false;
      gone.delete(ip);
    },
    applied(pass, ips, at) {
      for (const ip of pending) {
        const line = lines.get(ip);
        const last = line?.moments.at(-1);
        if (line?.pending === undefined || last === undefined || ips.has(ip) !== (line.pending === 'config')) continue;
        append(line, {at, what: line.pending, app: last.app, id: last.id, pass});
        line.pending = undefined;
        pending.delete(ip);
      }
    },
    of: timelineOf,
    find(name) {
      const lastOf = ({moments}: Line) => moments.findLast(({id}) => id === name)?.at ?? 0;
      const named = [...lines].filter(([, line]) => lastOf(line) > 0).sort(([, a], [, b]) => lastOf(b) - lastOf(a));
      return timelineOf(name) ?? (named[0] && timelineOf(named[0][0]));
    },
    departures: () => departures,
    whyLeft: ({app, ip, id}) => departures.find(one => one.ip === ip && one.app === app && one.id === id)?.why,
  };
}
