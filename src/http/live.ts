import type {Clock} from '../ports/clock.ts';
import type {EventStream, LiveEvent} from './events.ts';
import type {JoinedMember} from './joined-members.ts';
import type {LiveMember, MemberChanges} from './page-types.ts';
import type {LiveStatus, Status} from './status-types.ts';

export interface LiveFeedPorts {
  readonly clock: Clock;
  readonly stream: EventStream;
  readonly status: () => Status;
  /** With HAProxy's view of each as it was last read. */
  readonly members: () => readonly JoinedMember[];
  /** Reads that view again; called once a look, while somebody listens. */
  readonly refresh: () => void;
}

/** Turns what the daemon is into events: `status` and `members` when they changed. */
export interface LiveFeed {
  /** What a new listener needs to know first. */
  greeting(): readonly LiveEvent[];
  /** Something just happened: look soon, not at the next tick. */
  poke(): void;
  close(): void;
}

const PERIOD_MS = 1000;
const POKE_MS = 100;

const shown = ({payload: _, payloadText: _text, nonce: _nonce, key: _key, ...member}: JoinedMember): LiveMember =>
  member;

const brief = ({hosts: _, ...status}: Status): LiveStatus => status;

/** Durations grow all the time and are no news. */
const newsIn = (status: Status): string =>
  JSON.stringify(brief(status), (name, value) =>
    name === 'uptimeMs' || name === 'sinceMs' || name === 'endsInMs' ? undefined : value,
  );

const stampOf = ({app, id, seq, lastSeenAt, role, held, proxyState, servers, quarantine}: JoinedMember): string =>
  JSON.stringify([app, id, seq, lastSeenAt, role, held, proxyState, servers, quarantine], (name, value) =>
    name === 'sinceMs' ? undefined : value,
  );

export function openLiveFeed({clock, stream, status, members, refresh}: LiveFeedPorts): LiveFeed {
  let news = '';
  let stamps = new Map<string, string>();
  let cancel = () => {};
  /** The next look comes in at most `POKE_MS`: who pokes on and on does not put it off. */
  let isSoon = false;

  const look = (): void => {
    isSoon = false;
    cancel = clock.after(PERIOD_MS, look);
    if (stream.listeners === 0) return;
    refresh();
    const now = status();
    const latest = newsIn(now);
    if (latest !== news) stream.publish({name: 'status', value: brief(now)});
    news = latest;
    publishMembers(members());
  };

  const publishMembers = (present: readonly JoinedMember[]): void => {
    const next = new Map(present.map(member => [member.ip, stampOf(member)]));
    const changed = present.filter(({ip}) => stamps.get(ip) !== next.get(ip)).map(shown);
    const gone = [...stamps.keys()].filter(ip => !next.has(ip));
    stamps = next;
    const value: MemberChanges = {all: false, changed, gone};
    if (changed.length > 0 || gone.length > 0) stream.publish({name: 'members', value});
  };

  cancel = clock.after(PERIOD_MS, look);
  return {
    greeting() {
      const [now, present] = [status(), members()];
      if (stream.listeners === 0) {
        news = newsIn(now);
        stamps = new Map(present.map(member => [member.ip, stampOf(member)]));
      }
      const everybody: MemberChanges = {all: true, changed: present.map(shown), gone: []};
      return [
        {name: 'status', value: brief(now)},
        {name: 'members', value: everybody},
      ];
    },
    poke() {
      if (isSoon) return;
      isSoon = true;
      cancel();
      cancel = clock.after(POKE_MS, look);
    },
    close: () => cancel(),
  };
}
