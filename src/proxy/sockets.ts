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
