import {reasonOf} from '../errors.ts';
import type {Log} from '../ports/log.ts';
import type {Family} from './family.ts';
import {type Iptables, reopen, sweep} from './iptables.ts';
import {parseVariant} from './iptables-answers.ts';
import {deriveGateIn, PAST_WINDOW} from './rules.ts';

/** Whether this process can close the SYN gate, for `/status` and the choice of a way to reload. */
export type GateCapability =
  | {
      readonly is: 'able';
      readonly families: readonly Family[];
      /** iptables' kind and version: `nf_tables 1.8.9`, `legacy 1.6.0`. */
      readonly variant: string;
    }
  | {readonly is: 'unable'; readonly why: string};

/** Any port does: the rule's window is in the past. */
const PROBE_PORTS = [9];

/** Sweeps what an earlier daemon left, then has the kernel take and give back a gate that drops nothing. */
async function tryGate(iptables: Iptables): Promise<void> {
  await sweep(iptables);
  await iptables.restore(deriveGateIn(PROBE_PORTS, PAST_WINDOW));
  await reopen(iptables, Promise.resolve());
}

/**
 * Tries the gate for real in each family. One that cannot is logged with what iptables wrote and left out, the other
 * serves alone; with none the reason given is the first family's. Never rejects, drops nothing.
 */
export async function probeGate(families: readonly Iptables[], log: Log): Promise<GateCapability> {
  const tried = await Promise.allSettled(families.map(tryGate));
  const reasons: string[] = [];
  tried.forEach((outcome, index) => {
    if (outcome.status === 'fulfilled') return;
    reasons.push(reasonOf(outcome.reason));
    log.info({family: families[index]?.family, err: outcome.reason}, 'SYN gate not usable');
  });
  const usable = families.filter((_, index) => tried[index]?.status === 'fulfilled');
  const [first] = usable;
  if (first === undefined) return {is: 'unable', why: reasons[0] ?? 'no address family'};
  const version = await first.version().catch(() => '');
  return {is: 'able', families: usable.map(({family}) => family), variant: parseVariant(version)};
}
