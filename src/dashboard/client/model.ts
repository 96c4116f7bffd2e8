import type {LiveMember, MemberChanges} from '../../http/page-types.ts';

/** A member, and when by our own clock it will expire. */
export interface TimedMember extends LiveMember {
  readonly expiresAtMs: number;
}

/** Takes a `members` event in. `nowMs` is our own monotonic clock: the server's and ours need not agree. */
export function applyMembers(
  members: ReadonlyMap<string, TimedMember>,
  {all, changed, gone}: MemberChanges,
  nowMs: number,
): Map<string, TimedMember> {
  const next = new Map(all ? [] : members);
  for (const ip of gone) next.delete(ip);
  for (const member of changed) {
    next.set(member.ip, {...member, expiresAtMs: nowMs + member.expiresInMs});
  }
  return next;
}

/** The members of each app, apps by name, members by `seq`. */
export function groupByApp(members: Iterable<TimedMember>): [string, TimedMember[]][] {
  const groups = Map.groupBy(members, ({app}) => app);
  for (const group of groups.values()) group.sort((a, b) => (a.seq ?? Infinity) - (b.seq ?? Infinity));
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Whether a member is one that a person who typed `query` looks for. */
export const matches = ({app, ip, id, role}: LiveMember, query: string): boolean =>
  [app, ip, id, role].some(text => text.toLowerCase().includes(query.trim().toLowerCase()));
