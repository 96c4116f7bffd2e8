import {DaemonError, foreseenReason} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import type {Spawn} from '../ports/spawn.ts';
import {type GateCapability, probeGate} from './capability.ts';
import {FAMILIES, type Family} from './family.ts';
import {type Iptables, openIptables, reopen} from './iptables.ts';
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
   * Drops new TCP connections to `ports` in each of `families` that is usable, from all sources, loopback included; no
   * ports, no rules. One gate at a time. Rejects with APPLY, everything open again, when any family refuses.
   */
  closeGate(ports: readonly number[], families: readonly Family[]): Promise<Gate>;
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
  const families = FAMILIES.map(family => openIptables(family, {spawn, lockFile}));
  const capability = await probeGate(families, log);
  const usableOf = (wanted: readonly Family[]): Iptables[] =>
    capability.is === 'unable'
      ? []
      : families.filter(({family}) => capability.families.includes(family) && wanted.includes(family));
  let shutMs = 0;
  let lastShutMs = 0;

  /** Opens it once it is time; what that takes is prepared at once, since clients wait for it. */
  async function openGate(shut: readonly Iptables[], time: Promise<void>): Promise<void> {
    const opened = await Promise.allSettled(shut.map(iptables => reopen(iptables, time)));
    opened.forEach((outcome, index) => {
      const iptables = shut[index];
      if (iptables === undefined || outcome.status === 'fulfilled') return;
      const {family, tool} = iptables;
      log.error(
        {family, err: outcome.reason, remedy: deriveRemedy(tool)},
        'cannot open the SYN gate: its rules expire by themselves, or run the remedy where the proxy runs',
      );
    });
  }

  async function shut(ports: readonly number[], usable: readonly Iptables[]): Promise<void> {
    if (capability.is === 'unable') throw new DaemonError('APPLY', capability.why);
    const batch = deriveGateIn(ports, deriveWindow(clock.epochMs()));
    const closed = await Promise.allSettled(usable.map(iptables => iptables.restore(batch)));
    const refused = closed.find(outcome => outcome.status === 'rejected');
    if (refused === undefined) return;
    await openGate(usable, Promise.resolve());
    throw refused.reason;
  }

  return {
    capability,
    shutMs: () => shutMs,
    lastShutMs: () => lastShutMs,
    async closeGate(ports, wanted) {
      if (ports.length === 0) return {closedAtMs: clock.nowMs(), [Symbol.asyncDispose]: async () => {}};
      const usable = usableOf(wanted);
      try {
        await shut(ports, usable);
      } catch (cause) {
        throw new DaemonError('APPLY', `cannot close the SYN gate: ${foreseenReason(cause)}`, {cause});
      }
      const closedAtMs = clock.nowMs();
      const time = Promise.withResolvers<void>();
      const opened = openGate(usable, time.promise).then(() => {
        lastShutMs = clock.nowMs() - closedAtMs;
        shutMs += lastShutMs;
      });
      return {
        closedAtMs,
        [Symbol.asyncDispose]() {
          time.resolve();
          return opened;
        },
      };
    },
  };
}
