import type {LiveMember, LiveServer, MemberChanges, Pass, ProxyState, TrafficSample} from '../../http/page-types.ts';
import {formatPercent, formatRate} from './format.ts';

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

/** A moment of a curve; without a sample nothing is known of it. */
export interface Point {
  readonly at: number;
  readonly sample: TrafficSample | undefined;
}

/** HAProxy is looked at every two seconds: where more is missing than one look, the curve has a gap. */
const GAP_MS = 5000;

/** The samples as points, with one that is unknown in each gap. */
export const toPoints = (samples: readonly TrafficSample[]): Point[] =>
  samples.flatMap((sample, index) => {
    const before = samples[index - 1];
    const isGap = before !== undefined && sample.at - before.at > GAP_MS;
    const unknown = isGap ? [{at: before.at + 1, sample: undefined}] : [];
    return [...unknown, {at: sample.at, sample}];
  });

/** The share of 5xx among the requests, 0 to 1; null when there were none. */
export const errorShare = ({
  requestsPerSecond,
  serverErrorsPerSecond,
}: Pick<TrafficSample, 'requestsPerSecond' | 'serverErrorsPerSecond'>): number | null =>
  requestsPerSecond === 0 ? null : Math.min(1, serverErrorsPerSecond / requestsPerSecond);

/** What is going on, in a line. Where nobody asks, nothing is said of answers. */
export function describeLoad(sample: TrafficSample): string {
  const share = errorShare(sample);
  const errors = share === null ? '' : `, ${formatPercent(share)} of them 5xx`;
  return `${formatRate(sample.requestsPerSecond)} requests/s${errors}, ${sample.sessions} sessions`;
}

export type Tone = 'good' | 'notice' | 'bad' | 'plain';

export const TONE_OF_STATE: Readonly<Record<ProxyState, Tone>> = {
  up: 'good',
  'partly up': 'notice',
  down: 'bad',
  'out of service': 'notice',
  'no server': 'notice',
  'not in hosts': 'plain',
  unknown: 'plain',
};

/** `web/a DOWN: L4CON Connection refused`; of a server that is up its name alone. */
export function describeServer({backend, server, state, status, check}: LiveServer): string {
  const name = `${backend}/${server}`;
  if (state === 'up') return name;
  const why = [check?.result, check?.reason].filter(text => text != null).join(' ');
  return `${name} ${status}${why === '' ? '' : `: ${why}`}`;
}

/** What stands in the row of a member: what it is refused for, then how HAProxy serves it. */
export function describeMember(member: LiveMember): string {
  const {quarantine} = member;
  const served = describeServing(member);
  return quarantine === null ? served : `in quarantine, served ${quarantine.served}: ${quarantine.reason}; ${served}`;
}

function describeServing({proxyState, servers}: LiveMember): string {
  if (servers === null) return 'unknown: HAProxy does not answer';
  if (proxyState === 'no server') return 'in hosts, in no backend';
  return servers.length === 0 ? proxyState : `${proxyState}: ${servers.map(describeServer).join(', ')}`;
}

/** One in quarantine is never as it should be. */
export const toneOfMember = ({proxyState, quarantine}: LiveMember): Tone =>
  quarantine === null ? TONE_OF_STATE[proxyState] : 'bad';

/** What an operator can do about a problem, and what that does. */
export type OperatorAction =
  | {readonly is: 'look'; readonly at: string; readonly label: string; readonly effect: string}
  | {readonly is: 'rollback'; readonly pass: number; readonly label: string; readonly effect: string}
  | {readonly is: 'release' | 'reconfigure'; readonly label: string; readonly effect: string};

/**
 * The action that belongs beside a problem, if there is one. `passes` the newest first; `serving` is the pass whose template
 * is used instead of a refused one.
 */
export function actionFor(kind: string, passes: readonly Pass[], serving?: number): OperatorAction | undefined {
  switch (kind) {
    case 'rollback':
      return {
        is: 'release',
        label: 'Release the rollback',
        effect: "uses today's template again; if it is refused, the last good one goes on serving",
      };
    case 'drift':
    case 'stopped':
      return {
        is: 'reconfigure',
        label: 'Reconfigure now',
        effect: 'has HAProxy run its configuration again: what was set by hand is undone',
      };
    case 'template':
    case 'pass': {
      const able = passes.filter(({verdict, template}) => verdict === 'ok' && template !== null);
      const good = able.find(({pass}) => pass === serving) ?? able[0];
      if (good === undefined) return undefined;
      return {
        is: 'rollback',
        pass: good.pass,
        label: `Go back to pass ${good.pass}`,
        effect: "uses its template with today's pods until it is released: changes of the template wait",
      };
    }
    case 'backend-down':
      return {is: 'look', at: 'members-region', label: 'See the members', effect: 'and what HAProxy sees of each'};
    case 'members':
      return {is: 'look', at: 'members-region', label: 'See who left', effect: 'when, and why'};
    default:
      return undefined;
  }
}
