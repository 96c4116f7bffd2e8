import type {Member} from './member.ts';

/**
 * What a ping did to the table. `arrival` numbers one stay of one pod: the store's `seq` is settled for exactly that.
 * `alternating` says that two pods ping from one IP in turns (hostNetwork): the member keeps its place among the others.
 * `refused` leaves everybody in, the pod's own earlier state included; `bound` is in members or bytes.
 */
export type Outcome =
  | {readonly is: 'joined'; readonly member: Member; readonly arrival: number}
  | {
      readonly is: 'replaced';
      readonly member: Member;
      readonly previous: Member;
      readonly arrival: number;
      readonly alternating: boolean;
    }
  | {readonly is: 'changed'; readonly member: Member}
  | {readonly is: 'refreshed'; readonly alternating: boolean}
  | {readonly is: 'left'; readonly member: Member}
  | {readonly is: 'ignored'; readonly why: 'absent' | 'other-pod'}
  | {readonly is: 'refused'; readonly why: 'members' | 'payloads'; readonly bound: number};

/** A moment on both clocks: the monotonic one for deadlines, the wall clock for people. */
export interface Moment {
  readonly nowMs: number;
  readonly epochMs: number;
}
