/** A row of /proc/net/tcp or tcp6. `acceptQueue` counts connections waiting for accept() and means that only in LISTEN. */
export interface SocketRow {
  readonly state: 'LISTEN' | 'SYN_RECV' | 'other';
  readonly localPort: number;
  readonly inode: number;
  readonly acceptQueue: number;
}

// Kernel: include/net/tcp_states.h.
const STATES: Readonly<Record<string, SocketRow['state']>> = {'0A': 'LISTEN', '03': 'SYN_RECV'};

// "0: 0100007F:1F90 00000000:0000 0A tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode …", numbers in hex.
const ROW = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) \S+ ([0-9A-F]{2}) [0-9A-F]+:([0-9A-F]+) \S+ \S+ +\d+ +\d+ (\d+)/;

/** Parses one line; undefined for the header and an empty line. LISTEN rows come before all others in the file. */
export function parseSocketRow(line: string): SocketRow | undefined {
  const [, port, state = '', queue, inode] = ROW.exec(line) ?? [];
  if (port === undefined || queue === undefined) return undefined;
  return {
    state: STATES[state] ?? 'other',
    localPort: Number.parseInt(port, 16),
    inode: Number(inode),
    acceptQueue: Number.parseInt(queue, 16),
  };
}

/** True while a connection waits there: its handshake is pending, or nobody has accepted it yet. */
export const isBusy = ({state, acceptQueue}: SocketRow): boolean =>
  state === 'SYN_RECV' || (state === 'LISTEN' && acceptQueue > 0);
