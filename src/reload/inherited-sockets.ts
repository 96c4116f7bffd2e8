import {withoutIgnoredKeywords} from '../proxy/ignored-keywords.ts';
import {replaceBinds} from '../proxy/inherited.ts';
import type {SocketAddress} from './bind-only.ts';
import type {Listener} from './listeners.ts';

/** The descriptors 0, 1 and 2 are taken. */
const FIRST_DESCRIPTOR = 3;

/** What a generation inherits: the daemon's sockets, which HAProxy gets as its descriptors 3, 4, … in this order. */
export interface Inheritance {
  readonly sockets: readonly SocketAddress[];
  /** The text as HAProxy reads it: the user's, with `fd@N` for what is inherited and without keywords that are ignored. */
  rewrite(text: string): string;
}

export const nothingInherited: Inheritance = {sockets: [], rewrite: withoutIgnoredKeywords};

/** From the listeners of the text that are to be inherited. `rewrite` holds for every text with the same `bind` lines. */
export function deriveInheritance(listeners: readonly Listener[]): Inheritance {
  if (listeners.length === 0) return nothingInherited;
  const sockets: SocketAddress[] = [];
  const descriptors = new Map<number, number[]>();
  for (const {place, sockets: own} of listeners) {
    descriptors.set(
      place,
      own.map((_, index) => FIRST_DESCRIPTOR + sockets.length + index),
    );
    sockets.push(...own);
  }
  return {sockets, rewrite: text => replaceBinds(withoutIgnoredKeywords(text), descriptors)};
}
