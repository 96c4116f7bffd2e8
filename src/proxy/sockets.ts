/** A socket that has no owner's data yet: it LISTENs (with that many connections waiting for accept()), or its handshake is pending. */
export type WaitingSocket =
  | {readonly state: 'LISTEN'; readonly localPort: number; readonly inode: number; readonly acceptQueue: number}
  | {readonly state: 'SYN_RECV'; readonly localPort: number};

// "0: 0100007F:1F90 00000000:0000 0A tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode …", numbers in hex but
// for the inode. States: include/net/tcp_states.h of the kernel, 0A LISTEN, 03 SYN_RECV.
const ROWS = /^ *\d+: [0-9A-F]+:([0-9A-F]{4}) \S+ (0A|03) [0-9A-F]+:([0-9A-F]+) \S+ \S+ +\d+ +\d+ (\d+)/gm;

/**
 * The LISTEN and SYN_RECV rows of whole lines of /proc/net/tcp or tcp6. LISTEN rows come before all others in the file.
 * One expression over the text: a busy proxy has tens of thousands of rows of other states, which must cost nothing.
 */
export const parseWaitingSockets = (lines: string): WaitingSocket[] =>
  Array.from(lines.matchAll(ROWS), ([, port = '', state, queue = '', inode]) => {
    const localPort = Number.parseInt(port, 16);
    return state === '03'
      ? {state: 'SYN_RECV', localPort}
      : {state: 'LISTEN', localPort, inode: Number(inode), acceptQueue: Number.parseInt(queue, 16)};
  });

/** A socket that LISTENs, as /proc/net/tcp or tcp6 shows it. */
export interface ListeningSocket {
  /** In hex and the machine's byte order, as it is there. */
  readonly host: string;
  readonly port: number;
  readonly inode: number;
}

const LISTENING_ROWS = /^ *\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ 0A \S+ \S+ \S+ +\d+ +\d+ (\d+)/gm;

/** The LISTEN rows of whole lines of such a table. */
export const parseListeningSockets = (lines: string): ListeningSocket[] =>
  Array.from(lines.matchAll(LISTENING_ROWS), ([, host = '', port = '', inode]) => ({
    host,
    port: Number.parseInt(port, 16),
    inode: Number(inode),
  }));

/**
 * Whether who listens on `theirs` gets connections that came for `ours`: the kernel gives them to the narrower address, to a
 * socket of IPv4 before one of IPv6, and deals them out among equals (SO_REUSEPORT). `isV6Only`: ours takes none of IPv4.
 */
export function takesFrom(theirs: ListeningSocket, ours: ListeningSocket, isV6Only: () => boolean): boolean {
  if (theirs.port !== ours.port) return false;
  const isIn = (one: Reach | undefined, other: Reach | undefined): boolean =>
    one !== undefined &&
    other !== undefined &&
    one.rank >= other.rank &&
    (one.host === other.host || isWildcard(other.host));
  if (isIn(reachIn6(theirs), reachIn6(ours))) return true;
  return isIn(reachIn4(theirs), reachIn4(ours)) && (!isAnyOf6(ours) || !isV6Only());
}

/** The addresses of a family that a socket gets connections to; of several, those of the highest rank get them. */
interface Reach {
  readonly host: string;
  readonly rank: number;
}

const isWildcard = (host: string): boolean => /^0+$/.test(host);

const isAnyOf6 = ({host}: ListeningSocket): boolean => host.length > 8 && isWildcard(host);

/** `::ffff:10.0.0.1`: an address of IPv4 at a socket of IPv6. */
const MAPPED = /^0{16}(?:FFFF0000|0000FFFF)(.{8})$/;

function reachIn4(socket: ListeningSocket): Reach | undefined {
  if (isAnyOf6(socket)) return {host: '00000000', rank: 0};
  const mapped = MAPPED.exec(socket.host)?.[1];
  const host = mapped ?? socket.host;
  if (host.length > 8) return undefined;
  return {host, rank: (isWildcard(host) ? 1 : 3) + (mapped === undefined ? 1 : 0)};
}

function reachIn6({host}: ListeningSocket): Reach | undefined {
  return host.length === 8 || MAPPED.test(host) ? undefined : {host, rank: isWildcard(host) ? 0 : 1};
}

/** `127.0.0.1:80`, `[::1]:80`, `*:80`. */
export function describeListeningSocket({host, port}: ListeningSocket): string {
  if (/^0+$/.test(host)) return `${host.length === 8 ? '*' : '[::]'}:${port}`;
  const bytes = (host.match(/.{8}/g) ?? []).flatMap(word => [...Buffer.from(word, 'hex')].reverse());
  if (bytes.length === 4) return `${bytes.join('.')}:${port}`;
  const groups = Array.from({length: 8}, (_, n) => (((bytes[2 * n] ?? 0) << 8) | (bytes[2 * n + 1] ?? 0)).toString(16));
  return `${new URL(`http://[${groups.join(':')}]`).hostname}:${port}`;
}

/** Who has a socket open. */
export interface SocketOwner {
  readonly pid: number;
  readonly args: readonly string[];
}

/** An address of HAProxy's that somebody else listens on as well: the kernel gives them a part of its clients. */
export interface SharedBind {
  readonly address: string;
  /** Undefined where it cannot be seen, as in another container. */
  readonly owner: SocketOwner | undefined;
}

/** True while a connection waits there: its handshake is pending, or nobody has accepted it yet. */
export const isBusy = (socket: WaitingSocket): boolean => socket.state === 'SYN_RECV' || socket.acceptQueue > 0;

/** A line of `ss -nt state listening state syn-recv`: "LISTEN 0 128 [::]:80 [::]:*". Source: ss(8). */
const SS_LINE = /^(LISTEN|SYN-RECV) +(\d+) +\d+ +\S*:(\d+) /gm;

/** The local ports on which, by what `ss` printed, a connection waits. */
export const parseBusyPorts = (output: string): Set<number> =>
  new Set(
    Array.from(output.matchAll(SS_LINE))
      .filter(([, state, queue]) => state === 'SYN-RECV' || Number(queue) > 0)
      .map(([, , , port]) => Number(port)),
  );
