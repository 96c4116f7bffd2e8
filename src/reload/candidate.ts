import type {ReloadWay} from './plan.ts';

/** How a candidate came to serve. `runtime`: the running HAProxy was told over its socket. */
export interface Applied {
  readonly generation: number;
  readonly way: ReloadWay | 'runtime' | 'start';
  readonly why: string;
}

/** A configuration on disk under its generation's number, to be validated and applied. */
export interface Candidate {
  readonly text: string;
  readonly generation: number;
  /** The `-f` files, in order. */
  readonly files: readonly string[];
  /** Asked first where it comes to a new generation: nobody has checked the text yet. Rejects with VALIDATE. */
  readonly check?: () => Promise<unknown>;
  /** Files that the text names have changed, or somebody wants it: only a new generation will do. */
  readonly reloads?: boolean;
}
