import type {KubernetesStatus} from '../kubernetes/status.ts';
import type {PassRecord} from '../lifecycle/passes.ts';
import type {ProxyStatus, ReloadStatus} from '../reload/generations.ts';
import type {Problem} from './problems.ts';

/** `GET /status` (DESIGN, "Status port"): fields are added, never renamed. */
export interface Status {
  readonly version: string;
  readonly mode: readonly string[];
  readonly uptimeMs: number;
  readonly ready: boolean;
  /** The proxy serves what the inputs say: nothing failed, and no change waits for its pass. */
  readonly inSync: boolean;
  readonly lastError: string | null;
  /** `error` is what the last finished state failed of. */
  readonly lifecycle: {readonly state: string; readonly sinceMs: number; readonly error: string | null};
  readonly digest: string;
  readonly hosts: Readonly<Record<string, readonly string[]>>;
  readonly memberCount: number;
  /** A member that is not heard for so long is gone. */
  readonly ttlMs: number;
  readonly store: {readonly kind: string; readonly healthy: boolean};
  /** Silent members that stay because too many fell silent at once, and how often that happened. */
  readonly guard: {readonly held: number; readonly holds: number};
  /** All replicas, this one included, as they told each other; only with a store that they share. */
  readonly fleet?: readonly {
    readonly id: string;
    readonly version: string;
    readonly generation: number;
    readonly digest: string;
    readonly inSync: boolean;
    readonly startedAt: number;
  }[];
  readonly proxy: ProxyStatus & {readonly version: string};
  readonly reload: ReloadStatus & {readonly last: PassRecord | null};
  /** The rollback that holds, if one does. `sinceAt` in epoch ms. */
  readonly held: {readonly pass: number; readonly sinceAt: number} | null;
  readonly logLevel: string;
  /** HAProxy's log lines: where they are taken in, and what became of them. */
  readonly accessLog: {
    readonly port: number;
    readonly written: number;
    readonly overRate: number;
    readonly slowOutput: number;
    readonly malformed: number;
  } | null;
  readonly problems: readonly Problem[];
  readonly kubernetes?: KubernetesStatus;
}
