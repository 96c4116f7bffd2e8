import {deriveMultiports} from './multiport.ts';

/** The one chain that is ours; whatever refers to it may be removed at any time. */
const CHAIN = 'KONTROL-SYN';

const JUMP = `-p tcp --syn -j ${CHAIN}`;

/** A window opens this long before its gate, so that a small correction of the clock does no harm, and closes this long after. */
const EARLY_MS = 1000;
const LIFETIME_MS = 3000;

/** The wall-clock time (epoch ms, whole seconds) in which rules drop; both seconds belong to it. */
export interface Window {
  readonly fromMs: number;
  readonly untilMs: number;
}

const floorToSecond = (epochMs: number): number => Math.floor(epochMs / 1000) * 1000;

/**
 * The window of a gate that closes at `epochMs`. It has two ends on purpose: rules whose writer died expire within
 * 4 s, and a step of the wall clock, forward or back, leaves the window instead of keeping the gate shut.
 */
export const deriveWindow = (epochMs: number): Window => ({
  fromMs: floorToSecond(epochMs - EARLY_MS),
  untilMs: floorToSecond(epochMs) + LIFETIME_MS,
});

/** A window no clock is in: what it guards drops nothing, and still shows that the kernel takes such rules. */
export const PAST_WINDOW: Window = deriveWindow(Date.UTC(2001, 0, 1));

const batch = (lines: readonly string[]): string => ['*filter', ...lines, 'COMMIT', ''].join('\n');

/** A moment as xt_time reads it (UTC, no zone, no fraction): `2026-01-31T23:59:59`. */
const dateOf = (epochMs: number): string => new Date(epochMs).toISOString().slice(0, 19);

/**
 * The batch for `iptables-restore --noflush` that drops new connections (SYN) to `ports` within `window`; for IPv6
 * the same. It declares the chain, which also empties one that was left over. Throws APPLY for what is no port.
 */
export function deriveGateIn(ports: readonly number[], {fromMs, untilMs}: Window): string {
  const within = `-m time --datestart ${dateOf(fromMs)} --datestop ${dateOf(untilMs)}`;
  return batch([
    `:${CHAIN} - [0:0]`,
    ...deriveMultiports(ports).map(
      dports => `-A ${CHAIN} -p tcp --syn -m multiport --dports ${dports} ${within} -j DROP`,
    ),
    `-I INPUT 1 ${JUMP}`,
  ]);
}

const REMOVE_CHAIN = [`-F ${CHAIN}`, `-X ${CHAIN}`];

/** The batch that undoes one `deriveGateIn`. Refused as a whole when there is no gate, or more than one jump to it. */
export const GATE_OUT = batch([`-D INPUT ${JUMP}`, ...REMOVE_CHAIN]);

/**
 * The batch that removes every trace of ours from the filter table as `iptables-save -t filter` printed it: all jumps
 * to the chain, wherever they stand, and the chain. Undefined when nothing of ours is there.
 */
export function deriveSweep(saved: string): string | undefined {
  const lines = saved.split('\n');
  if (!lines.some(line => line.startsWith(`:${CHAIN} `))) return undefined;
  const jumps = lines.filter(line => line.startsWith('-A ') && line.endsWith(` -j ${CHAIN}`));
  return batch([...jumps.map(jump => jump.replace('-A', '-D')), ...REMOVE_CHAIN]);
}

/** What an operator types to remove our rules by hand, `tool` being `iptables` or `ip6tables`. */
export const deriveRemedy = (tool: string): string =>
  `while ${tool} -D INPUT ${JUMP}; do :; done; ${tool} -F ${CHAIN}; ${tool} -X ${CHAIN}`;
