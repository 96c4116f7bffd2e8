import fc from 'fast-check';

const {KONTROL_FUZZ_SECONDS = '0', KONTROL_SEED} = process.env;

/** The day of the last look elsewhere. */
const SEED = 20_261_129;

/**
 * What every property of a suite is drawn by: the same inputs in each run, so that a change is judged by what it
 * changes. `KONTROL_SEED=N` draws others, `KONTROL_FUZZ_SECONDS` others each time.
 */
export const seed =
  KONTROL_SEED === undefined && KONTROL_FUZZ_SECONDS !== '0'
    ? Math.floor(Math.random() * 2 ** 31)
    : Number(KONTROL_SEED ?? SEED);

fc.configureGlobal({seed});

export {fc};
