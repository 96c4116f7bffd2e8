import type {WaitBound} from '../ports/source.ts';
import type {MemberEvent} from './member-event.ts';

/** Something moved that a template can see, or was there from the start. */
export interface MemberChange {
  /** The table's, once all of it had happened. */
  readonly version: number;
  /** For people: `joined web 10.2.0.17`. */
  readonly cause: string;
  /** In their order; never none. */
  readonly events: readonly MemberEvent[];
  /** Epoch milliseconds. */
  readonly at: number;
}

/** So many events wait for whoever follows the membership. */
export const UNTOLD: WaitBound<MemberChange> = {most: 50_000, sizeOf: ({events}) => events.length};
