import {DaemonError, reasonOf} from '../errors.ts';
import type {Log} from '../ports/log.ts';
import type {BindOnly, BoundSocket, SocketAddress} from './bind-only.ts';
import {socketKey} from './listeners.ts';

/*
 * INVARIANTS
 * - A socket is bound once and the same one goes to every generation, so that nothing in its queue is lost.
 * - Our copy keeps the address alive when HAProxy has gone, and clients hang: it is closed as soon as nobody is meant
 *   to listen there (a removed listener, a stop, a proxy that cannot be kept running).
 */

/** The sockets that the daemon owns and every generation inherits. */
export interface OwnedSockets {
  /** Binds what is not held yet. The reasons, by key, for what cannot be had. */
  obtain(sockets: readonly SocketAddress[]): ReadonlyMap<string, string>;
  /** Their descriptors in order, binding again what was let go. Throws APPLY when one cannot be had. */
  descriptors(sockets: readonly SocketAddress[]): number[];
  /** Lets go of all but these. */
  keepOnly(sockets: readonly SocketAddress[]): void;
  readonly size: number;
}

export function createOwnedSockets({bind, log}: {readonly bind: BindOnly; readonly log: Log}): OwnedSockets {
  const held = new Map<string, BoundSocket>();

  const obtain = (address: SocketAddress): BoundSocket => {
    const key = socketKey(address);
    const socket = held.get(key) ?? bind(address);
    held.set(key, socket);
    return socket;
  };

  return {
    obtain(sockets) {
      const refusals = new Map<string, string>();
      for (const address of sockets) {
        try {
          obtain(address);
        } catch (error) {
          refusals.set(socketKey(address), reasonOf(error));
        }
      }
      return refusals;
    },
    descriptors(sockets) {
      try {
        return sockets.map(address => obtain(address).descriptor);
      } catch (cause) {
        throw new DaemonError('APPLY', `cannot start HAProxy: ${reasonOf(cause)}`, {cause});
      }
    },
    keepOnly(sockets) {
      const kept = new Set(sockets.map(socketKey));
      for (const [key, socket] of held) {
        if (kept.has(key)) continue;
        held.delete(key);
        socket.close();
        log.debug({socket: key}, 'let go of a listening socket');
      }
    },
    get size() {
      return held.size;
    },
  };
}
