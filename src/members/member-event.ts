import type {Member} from './member.ts';

/**
 * What became of a member, whoever noticed: a ping, the store, or the cluster. `settled` got its `seq`; `previous` lost
 * its IP to `member`, and `alternating` says that the two ping in turns from there. Who left said `down`, was `silent`
 * for too long, or was `evicted` for the reason given, since its pod is gone.
 */
export type MemberEvent =
  | {readonly is: 'joined' | 'restored' | 'changed' | 'settled'; readonly member: Member}
  | {readonly is: 'replaced'; readonly member: Member; readonly previous: Member; readonly alternating: boolean}
  | {readonly is: 'left'; readonly member: Member; readonly why: 'down' | 'silent'}
  | {readonly is: 'left'; readonly member: Member; readonly why: 'evicted'; readonly reason: string};

/** What a line of the log says of it: `member joined`; who was silent for too long `expired`. */
export function verbOf(event: MemberEvent): string {
  if (event.is !== 'left') return event.is;
  return {down: 'left', silent: 'expired', evicted: 'evicted'}[event.why];
}

/**
 * Why a pass is due, in a few words: `joined web 10.2.0.17 and 3 more`. A settled member moves because it joined, and
 * people see one cause.
 */
export function describeEvents(events: readonly MemberEvent[]): string {
  const unsettled = events.filter(({is}) => is !== 'settled');
  const counted = unsettled.length > 0 ? unsettled : events;
  const [first] = counted;
  if (first === undefined) return 'nothing';
  const others = counted.length > 1 ? ` and ${counted.length - 1} more` : '';
  const verb = first.is === 'settled' ? 'joined' : verbOf(first);
  return `${verb} ${first.member.app} ${first.member.ip}${others}`;
}
