import type {fc} from '../support/properties.ts';

/** What a property may take in CI; `KONTROL_FUZZ_SECONDS` gives each of them that long instead. */
const RUNS = 400;

const seconds = Number(process.env.KONTROL_FUZZ_SECONDS ?? 0);

/** How often a property is tried. A failure says its seed and path; the input itself then goes among the regressions. */
export const budget = <T>(runs = RUNS): fc.Parameters<T> =>
  seconds > 0
    ? {numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: seconds * 1000, markInterruptAsFailure: false}
    : {numRuns: runs};
