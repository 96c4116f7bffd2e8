import type {ReloadWay} from './ways.ts';

/** How a candidate came to serve. `runtime`: the running HAProxy was told over its socket. */
export interface Applied {
  readonly generation: number;
  readonly way: ReloadWay | 'runtime' | 'start';
  readonly why: string;
}

/** How a text would come to serve, as far as can be told before; `unchanged`: it serves already. */
export interface Foreseen {
  readonly way: 'unchanged' | 'start' | 'runtime' | 'reload';
  readonly why: string;
}

/** A configuration on disk under its generation's number, to be validated and applied. */
export interface Candidate {
  readonly text: string;
  readonly generation: number;
  /** The `-f` files, in order. */
  readonly files: readonly string[];
  /** The one of them that is the user's text. */
  readonly configuration: string;
}

/** A text that nobody has written to disk: it may do to tell HAProxy of it. */
export type Unstaged = Pick<Candidate, 'text'>;

export interface ApplyOptions {
  /**
   * Given where nobody has checked the candidate. Asked before it comes to a new generation; beside what HAProxy is told at
   * run time, which is taken back when this rejects; never where the text is as valid as the one that runs.
   */
  readonly check?: (candidate: Candidate) => Promise<unknown>;
  /** Why it takes a new generation, whatever the texts say. */
  readonly because?: string;
  /** Ends a start that is under way, with all as before, and any wait for a turn. */
  readonly signal?: AbortSignal;
}
