import {DaemonError, reasonOf} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import type {Spawn} from '../ports/spawn.ts';
import {type GateCapability, probeGate} from './capability.ts';
import {openIptables, reopen} from './iptables.ts';
import {deriveGateIn, deriveRemedy, deriveWindow} from './rules.ts';

/**
 * A shut gate: SYN packets to its ports are dropped, connections made before go on. Disposing opens it, once, and
 * never throws; undisposed it opens by itself within 4 s. Hold it with `await using`.
 */
export interface Gate extends AsyncDisposable {
  /** When the last family was shut, on the monotonic clock. */
  readonly closedAtMs: number;
}

export interface Firewall {
  readonly capability: GateCapability;
  /**
   * Drops new TCP connections to `ports` in every usable family, from all sources, loopback included; no ports, no
   * rules. One gate at a time. Rejects with APPLY, everything open again, when any family refuses.
   */
  closeGate(ports: readonly number[]): Promise<Gate>;
  /** How long gates were shut since the start, in all, ms. */
  shutMs(): number;
  /** How long the gate that opened last had been shut, ms; 0 before the first. */
  lastShutMs(): number;
}

/**
 * Finds out what this process may do and sweeps what an earlier one left. Never rejects: without iptables the
 * capability says why. `lockFile` is where xtables' lock is put, in a folder that can be written.
 */
export async function openFirewall({
  spawn,
  clock,
  log,
  lockFile,
}: {
  spawn: Spawn;
  clock: Clock;
  log: Log;
  lockFile: string;
}): Promise<Firewall> {
  const families = (['ipv4', 'ipv6'] as const).map(family => openIptables(family, {spawn, lockFile}));
  const capability = await probeGate(families, log);
  const usable = families.filter(({family}) => capability.is === 'able' && capability.families.includes(family));
  let shutMs = 0;
  let lastShutMs = 0;

  async function openGate(): Promise<void> {
    const opened = await Promise.allSettled(usable.map(reopen));
    opened.forEach((outcome, index) => {
      const iptables = usable[index];
      if (iptables === undefined || outcome.status === 'fulfilled') return;
      const {family, tool} = iptables;
      log.error(
        {family, err: outcome.reason, remedy: deriveRemedy(tool)},
        'cannot open the SYN gate: its rules expire by themselves, or run the remedy where the proxy runs',
      );
    });
  }

  async function shut(ports: readonly number[]): Promise<void> {
    if (capability.is === 'unable') throw new Error(capability.why);
    const batch = deriveGateIn(ports, deriveWindow(clock.epochMs()));
    const closed = await Promise.allSettled(usable.map(iptables => iptables.restore(batch)));
    const refused = closed.find(outcome => outcome.status === 'rejected');
    if (refused === undefined) return;
    await openGate();
    throw refused.reason;
  }

  return {
    capability,
    shutMs: () => shutMs,
    lastShutMs: () => lastShutMs,
    async closeGate(ports) {
      if (ports.length === 0) return {closedAtMs: clock.nowMs(), [Symbol.asyncDispose]: async () => {}};
      try {
        await shut(ports);
      } catch (cause) {
        throw new DaemonError('APPLY', `cannot close the SYN gate: ${reasonOf(cause)}`, {cause});
      }
      const closedAtMs = clock.nowMs();
      let opened: Promise<void> | undefined;
      const open = async () => {
        await openGate();
        lastShutMs = clock.nowMs() - closedAtMs;
        shutMs += lastShutMs;
      };
      return {closedAtMs, [Symbol.asyncDispose]: () => (opened ??= open())};
    },
  };
}
