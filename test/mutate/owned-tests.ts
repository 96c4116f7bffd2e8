import {globSync, readFileSync} from 'node:fs';
import {dirname, join, normalize} from 'node:path';

/** Not unit tests: they run the build or HAProxy, try other inputs each time, need minutes, or a machine of their own. */
const NOT_UNIT = /^test\/(integration|fuzz|docker|dashboard|soak|bench|load|faults|mutate)\/|-real\.test\.ts$/;

/**
 * What to run for a file that no unit test imports: the first entry whose key begins the file's path. These run the
 * build, which is made anew for each mutant.
 */
const INTEGRATION: readonly (readonly [prefix: string, tests: readonly string[]])[] = [
  ['src/main.ts', ['test/main.test.ts']],
  ['src/commands/daemon/run.ts', ['test/integration/start-faults.test.ts', 'test/integration/slave-mode.test.ts']],
  ['src/commands/daemon/slave-only.ts', ['test/integration/slave-mode.test.ts']],
  ['src/commands/daemon/passes.ts', ['test/integration/lifecycle-2017.test.ts']],
  ['src/commands/daemon/zerorpc.ts', ['test/integration/zerorpc.test.ts']],
  ['src/commands/', ['test/integration/story.test.ts', 'test/integration/observe-commands.test.ts']],
  ['src/config/', ['test/integration/start-faults.test.ts']],
  ['src/dashboard/', ['test/dashboard/dashboard.test.ts']],
  ['src/http/', ['test/integration/pings.test.ts', 'test/integration/observe-commands.test.ts']],
  ['src/jobs/', ['test/integration/proxy-death.test.ts']],
  ['src/kubernetes/', ['test/integration/kubernetes.test.ts', 'test/integration/kubernetes-objects.test.ts']],
  ['src/lifecycle/', ['test/integration/lifecycle-control.test.ts', 'test/integration/pass-faults.test.ts']],
  ['src/members/', ['test/integration/pings.test.ts', 'test/integration/etcd.test.ts']],
  ['src/reload/', ['test/integration/reload-ways.test.ts', 'test/integration/reload-runtime.test.ts']],
  ['src/slave/', ['test/integration/slave-mode.test.ts']],
  ['src/template/', ['test/integration/hostile-template.test.ts']],
  ['src/terminal/', ['test/integration/observe-commands.test.ts']],
];

/** The tests that a file answers to, the likeliest to fail first. */
export interface OwnedTests {
  readonly kind: 'unit' | 'integration';
  readonly tests: readonly string[];
}

const IMPORT = /^(?:import|export) (?!type )(?:[^;']*? from )?'(\.{1,2}\/[^']+)'|\bimport\('(\.{1,2}\/[^']+)'\)/gm;

/** What each file imports, types left out, as paths from the project's folder. */
export type Imports = ReadonlyMap<string, readonly string[]>;

/** The imports of every file of `src` and `test` under `folder`. */
export function readImports(folder: string): Imports {
  const files = globSync(['src/**/*.ts', 'test/**/*.ts'], {cwd: folder}).sort();
  return new Map(
    files.map(file => {
      const found = [...readFileSync(join(folder, file), 'utf8').matchAll(IMPORT)];
      return [file, found.map(([, stated, called = '']) => normalize(join(dirname(file), stated ?? called)))];
    }),
  );
}

/**
 * The unit tests of `file`: the one whose path mirrors its own, those that import it, then those that import a file that
 * does; those one import further away, through a fixture, only where there are no others. Where there is none, integration tests by the table above; empty when that has none either.
 */
export function ownedTests(file: string, imports: Imports): OwnedTests {
  const mirror = file.replace(/^src\//, 'test/').replace(/\.ts$/, '.test.ts');
  const isTest = (path: string) => path.endsWith('.test.ts') && !NOT_UNIT.test(path);
  const importersOf = (path: string) => [...imports].filter(([, to]) => to.includes(path)).map(([from]) => from);
  const direct = importersOf(file);
  const near = [mirror, ...direct].filter(path => isTest(path) && imports.has(path));
  const second = direct.flatMap(importersOf);
  const found = [...near, ...second.filter(isTest)];
  const unit = [...new Set(found.length > 0 ? found : second.flatMap(importersOf).filter(isTest))];
  if (unit.length > 0) return {kind: 'unit', tests: unit};
  return {kind: 'integration', tests: INTEGRATION.find(([prefix]) => file.startsWith(prefix))?.[1] ?? []};
}
