/** A mutation that no test can see, since nothing that anybody may rely on changes. */
export interface Equivalent {
  readonly file: string;
  /** The line or lines, as `npm run mutate` shows them. */
  readonly was: string;
  readonly becomes: string;
  readonly why: string;
}

export const EQUIVALENT: readonly Equivalent[] = [];
