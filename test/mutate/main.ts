import {existsSync, readFileSync} from 'node:fs';
import {relative, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {createRandom} from '../soak/random.ts';
import {type Compiler, openCompiler} from './compiler.ts';
import {EQUIVALENT} from './equivalent.ts';
import {type Mutation, mutate, mutationsOf, type Shown, showMutation} from './mutations.ts';
import {type Imports, ownedTests, readImports} from './owned-tests.ts';
import {openTrial, type Trial} from './trial.ts';

/*
 * `npm run mutate -- FILE...`: makes small faults in files of src, one at a time and in a copy, and has the tests that
 * belong to the file look for each. Tells the faults that no test saw; 1 when fewer than `--least` of 100 were seen.
 *
 *   --count N   faults a file (12), or `all`
 *   --seed N    which ones (1705)
 *   --least N   per cent of a file's faults that tests must see (95)
 *   --list      only says which tests belong to the files
 */
const FOLDER = fileURLToPath(new URL('../..', import.meta.url));
const TSCONFIG = 'tsconfig.build.json';
const DEFAULT_SEED = 1705;
const BUILD_LIMIT_MS = 120_000;
const SLOWEST_TEST_MS = 300_000;
/** A mutant is late after so many times of what the tests took without it, on a machine that others load. */
const PATIENCE = 5;
const LEAST_PATIENCE_MS = 15_000;

interface Wanted {
  readonly count: number;
  readonly seed: number;
}

interface Mutant extends Shown {
  readonly text: string;
}

const whole = (name: string, text: string): number => {
  if (!/^\d+$/.test(text)) throw new Error(`cannot read --${name}: ${text} is not a whole number`);
  return Number(text);
};

const isEquivalent = (file: string, {was, becomes}: Shown): boolean =>
  EQUIVALENT.some(one => one.file === file && one.was === was && one.becomes === becomes);

/** The mutants of a file to try: picked by the seed, without those that have no type or are listed as equivalent. */
function pickMutants(file: string, text: string, compiler: Compiler, {count, seed}: Wanted): Mutant[] {
  const picked: Mutant[] = [];
  const mutantOf = (mutation: Mutation): Mutant => ({...showMutation(text, mutation), text: mutate(text, mutation)});
  for (const mutation of createRandom(seed).shuffle(mutationsOf(compiler.parse(file, text)))) {
    const mutant = mutantOf(mutation);
    if (picked.length >= count) break;
    if (!isEquivalent(file, mutant) && compiler.accepts(file, mutant.text)) picked.push(mutant);
  }
  return picked.sort((one, other) => one.line - other.line);
}

/** Says which listed mutations can be made no more, as their lines were changed. */
function tellStale(file: string, text: string, compiler: Compiler): void {
  const shown = mutationsOf(compiler.parse(file, text)).map(mutation => showMutation(text, mutation));
  for (const {was, becomes} of EQUIVALENT.filter(one => one.file === file)) {
    if (shown.some(one => one.was === was && one.becomes === becomes)) continue;
    process.stderr.write(`test/mutate/equivalent.ts lists what is no mutation of ${file} any more: ${becomes}\n`);
  }
}

/** The tests that pass in the copy as it is, each with the time it may take from now on. */
async function tryUnbroken(trial: Trial, tests: readonly string[]): Promise<Map<string, number>> {
  const limits = new Map<string, number>();
  for (const test of tests) {
    const attempt = () => trial.run([process.execPath, test], SLOWEST_TEST_MS);
    const started = performance.now();
    // Once more, since on a busy machine a test may fail for time.
    const first = await attempt();
    const outcome = first === 'passed' ? first : await attempt();
    const limitMs = Math.max(LEAST_PATIENCE_MS, PATIENCE * (performance.now() - started));
    if (outcome === 'passed') limits.set(test, limitMs);
    else process.stderr.write(`${test} is left out: without any mutation, it ${outcome}\n`);
  }
  return limits;
}

const build = async (trial: Trial): Promise<boolean> =>
  (await trial.run(['npm', 'run', 'build'], BUILD_LIMIT_MS)) === 'passed';

/** Whether a test fails, or never ends, with the mutant in place. */
async function isKilled(trial: Trial, limits: ReadonlyMap<string, number>): Promise<boolean> {
  for (const [test, limitMs] of limits) {
    if ((await trial.run([process.execPath, test], limitMs)) !== 'passed') return true;
  }
  return false;
}

/** Tries the mutants of one file and prints what came of it. False when the tests see too few. */
async function mutateFile(
  file: string,
  tools: {readonly compiler: Compiler; readonly trial: Trial; readonly imports: Imports},
  wanted: Wanted & {readonly least: number},
): Promise<boolean> {
  const {compiler, trial, imports} = tools;
  const {kind, tests} = ownedTests(file, imports);
  const isBuilt = kind === 'integration';
  // Tests of a unit may run the program as well: what it was built from is the file as it is.
  if (tests.length > 0 && !(await build(trial))) throw new Error('cannot mutate: the build fails unmutated');
  const limits = await tryUnbroken(trial, tests);
  const original = readFileSync(resolve(trial.path, file), 'utf8');
  tellStale(file, original, compiler);
  const mutants = pickMutants(file, original, compiler, wanted);
  const survivors: Mutant[] = [];
  for (const mutant of mutants) {
    trial.write(file, mutant.text);
    const killed = (isBuilt && limits.size > 0 && !(await build(trial))) || (await isKilled(trial, limits));
    if (!killed) survivors.push(mutant);
  }
  trial.write(file, original);
  const killed = mutants.length - survivors.length;
  const percent = Math.floor((100 * killed) / mutants.length);
  if (mutants.length === 0) {
    process.stdout.write(`${file}: no mutant passes the type check\n`);
    return true;
  }
  const by = limits.size === 0 ? 'no test' : `${limits.size} ${kind} ${limits.size === 1 ? 'test' : 'tests'}`;
  process.stdout.write(`${file}: ${killed}/${mutants.length} killed (${percent} %) by ${by}\n`);
  for (const {line, was, becomes} of survivors) {
    process.stdout.write(`  ${file}:${line} survived\n    - ${was}\n    + ${becomes}\n`);
  }
  return percent >= wanted.least;
}

const {values, positionals} = parseArgs({
  allowPositionals: true,
  options: {
    count: {type: 'string', default: '12'},
    seed: {type: 'string', default: String(DEFAULT_SEED)},
    least: {type: 'string', default: '95'},
    list: {type: 'boolean', default: false},
  },
});
const files = positionals.map(path => relative(FOLDER, resolve(path)));
const wrong = files.filter(file => !/^src\/.*\.ts$/.test(file) || !existsSync(resolve(FOLDER, file)));
if (files.length === 0 || wrong.length > 0) {
  process.stderr.write(wrong.length > 0 ? `no such file of src: ${wrong.join(', ')}\n` : 'name the files to mutate\n');
  process.exit(64);
}
const imports = readImports(FOLDER);
if (values.list) {
  for (const file of files) {
    const {kind, tests} = ownedTests(file, imports);
    process.stdout.write(`${file}: ${kind}\n${tests.map(test => `  ${test}\n`).join('')}`);
  }
} else {
  const wanted = {
    count: values.count === 'all' ? Number.POSITIVE_INFINITY : whole('count', values.count),
    seed: whole('seed', values.seed),
    least: whole('least', values.least),
  };
  using trial = openTrial(FOLDER);
  using compiler = openCompiler(trial.path, TSCONFIG);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  for (const file of files) {
    if (!(await mutateFile(file, {compiler, trial, imports}, wanted))) process.exitCode = 1;
  }
}
