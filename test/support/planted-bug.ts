import {registerHooks} from 'node:module';
import {fileURLToPath} from 'node:url';

/*
 * Loaded into a daemon before its own code (`--import`): the built code is the real one, but the step that takes a change
 * in throws a TypeError for a cause that holds the text of PLANTED_BUG. It is called back from wherever a change comes.
 */

const STEP = /(export function stepConvergence\((\w+), (\w+), \w+\) \{)/;

/** Settings of a daemon with that bug. */
export const withBug = (cause: string): Readonly<Record<string, string>> => ({
  NODE_OPTIONS: `--disable-warning=ExperimentalWarning --import=${fileURLToPath(import.meta.url)}`,
  PLANTED_BUG: cause,
});

const {PLANTED_BUG} = process.env;
if (PLANTED_BUG !== undefined) {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith('/dist/lifecycle/convergence.js')) return loaded;
      const source = String(loaded.source);
      if (!STEP.test(source)) throw new Error('the step to plant a bug in was not found');
      const bug = `if ($3.is === 'changed' && $3.cause.includes(${JSON.stringify(PLANTED_BUG)})) undefined.planted;`;
      return {...loaded, source: source.replace(STEP, `$1 ${bug}`)};
    },
  });
}
