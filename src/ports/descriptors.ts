import {readFileSync} from 'node:fs';

/** What Linux gives a process by default (RLIMIT_NOFILE). */
const USUAL = 1024;

/** The share of our descriptors that the connections of one port may take: files, sockets and children need the rest. */
const SHARE = 0.25;

/** How many of `wanted` connections a port may have with the descriptors that this process may open. */
export function affordableConnections(wanted: number): number {
  return Math.min(wanted, Math.floor(descriptorLimit() * SHARE));
}

/** Node raises what it was given to the most it may have. */
function descriptorLimit(): number {
  try {
    return Number(/^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? USUAL);
  } catch {
    return USUAL;
  }
}
