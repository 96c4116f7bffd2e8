import type {FactSource, PodFacts} from './facts.ts';
import type {LivePod} from './pod-facts.ts';
import type {ReflectionStatus} from './reflector.ts';

/** The pod as `/status` shows it: what is known, and which source said so. Absent facts have no source. */
export interface PodStatus {
  readonly namespace: string;
  readonly id: string;
  readonly ip: string | null;
  readonly eip: string | null;
  readonly nodeName: string | null;
  readonly image: string | null;
  readonly sources: Readonly<Partial<Record<keyof PodFacts, FactSource>>>;
  /** How following the Pod object goes; null where the API is not used. */
  readonly watch: ReflectionStatus | null;
  /** What became of the last look at the node; null where the API is not used. */
  readonly node: NonNullable<LivePod['node']> | null;
}

/** A TLS certificate as `/status` shows it. */
export interface CertificateLine {
  readonly name: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number | null;
  readonly fingerprint: string | null;
  readonly names: string | null;
  readonly problem: string | null;
}

/** The folder of KONTROL_CERTS as `/status` shows it. */
export interface MountedLine {
  readonly path: string;
  /** Why nothing can be taken from it. */
  readonly problem: string | null;
}

/** What is asked of those who ping. */
export interface VerifyStatus {
  readonly source: boolean;
  readonly token: boolean;
  /** The directory of pods; null where pings are not looked up in it. */
  readonly pods: {readonly known: number; readonly watches: readonly ReflectionStatus[]} | null;
}

/** The Services whose endpoints are hosts. */
export interface ServicesStatus {
  readonly hosts: Readonly<Record<string, readonly string[]>>;
  readonly watch: ReflectionStatus | null;
}

/** `kubernetes` in `/status`. */
export interface KubernetesStatus {
  readonly pod: PodStatus;
  readonly certificates: readonly CertificateLine[];
  /** Null where KONTROL_CERTS is not set. */
  readonly mounted: MountedLine | null;
  readonly services: ServicesStatus;
  readonly verify: VerifyStatus;
}

export const describePod = (pod: LivePod, {namespace, id}: {namespace: string; id: string}): PodStatus => ({
  namespace,
  id,
  ip: pod.facts.ip ?? null,
  eip: pod.facts.eip ?? null,
  nodeName: pod.facts.nodeName ?? null,
  image: pod.facts.image ?? null,
  sources: pod.sources,
  watch: pod.watch ?? null,
  node: pod.node ?? null,
});
