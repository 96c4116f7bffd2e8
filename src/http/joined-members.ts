import type {Hosts, MemberView} from '../members/member.ts';
import type {ServersByIp, ServerView} from '../proxy/server-view.ts';
import type {Steps} from '../steps.ts';
import type {LiveMember, ProxyState} from './page-types.ts';
import type {QuarantineLine} from './status-types.ts';

/** A member with what HAProxy makes of it. */
export type JoinedMember = MemberView & Pick<LiveMember, 'proxyState' | 'servers' | 'quarantine'>;

/** What `/members` has of one. */
export type ShownMember = Omit<JoinedMember, 'nonce' | 'payloadText'>;

/** Joins what pods say with what HAProxy sees: by address. Pure; `servers` is undefined when HAProxy did not answer. */
export function joinMembers(
  members: readonly MemberView[],
  hosts: Hosts,
  servers: ServersByIp | undefined,
  quarantined: readonly QuarantineLine[],
): JoinedMember[] {
  const refused = new Map(quarantined.map(({ip, reason, sinceAt, served}) => [ip, {reason, sinceAt, served}]));
  const inHosts = new Set([...hosts.values()].flat());
  return members.map(member => {
    const quarantine = refused.get(member.ip) ?? null;
    if (servers === undefined) return {...member, proxyState: 'unknown', servers: null, quarantine};
    const own = servers.get(member.ip) ?? [];
    return {...member, proxyState: stateOf(own, inHosts.has(member.ip)), servers: own, quarantine};
  });
}

/**
 * The same as whoever asks may see them: payloads hidden, since a configuration may have its secrets from there, and
 * without what their goodbyes are known by. In steps.
 */
export function* hidePayloads(
  members: readonly JoinedMember[],
  hideInValue: (payload: JoinedMember['payload']) => JoinedMember['payload'],
): Steps<ShownMember[]> {
  const shown: ShownMember[] = [];
  for (const member of members) {
    // A payload of 20 kB takes a millisecond, or some.
    yield;
    const {payloadText: _, nonce: _nonce, ...rest} = member;
    shown.push({...rest, payload: hideInValue(member.payload)});
  }
  return shown;
}

function stateOf(servers: readonly ServerView[], isInHosts: boolean): ProxyState {
  if (servers.length === 0) return isInHosts ? 'no server' : 'not in hosts';
  const up = servers.filter(({state}) => state === 'up').length;
  if (up > 0) return up === servers.length ? 'up' : 'partly up';
  return servers.some(({state}) => state === 'down') ? 'down' : 'out of service';
}
