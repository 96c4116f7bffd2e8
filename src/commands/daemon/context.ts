import type {Config, TemplateSource} from '../../config/config.ts';
import type {Api} from '../../kubernetes/api.ts';
import type {LivePod} from '../../kubernetes/pod-facts.ts';
import type {Log} from '../../ports/log.ts';
import type {Ending} from './ending.ts';
import type {Output} from './output.ts';

/** What every part of the master knows: what was settled before the first of them was opened. */
export interface Context {
  readonly config: Config;
  readonly template: TemplateSource;
  readonly output: Output;
  readonly room: (name: string) => Log;
  readonly ending: Ending;
  readonly pod: LivePod;
  /** Undefined where the Kubernetes API is not to be used. */
  readonly api: Api | undefined;
  /** Of this package. */
  readonly version: string;
  /** Monotonic. */
  readonly startedMs: number;
}
