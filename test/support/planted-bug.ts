import {registerHooks} from 'node:module';
import {fileURLToPath} from 'node:url';

/*
 * Loaded into a daemon before its own code (`--import`): the built code is the real one, but a step of it throws a
 * TypeError for what holds the text of PLANTED_BUG. `change`: the step that takes a change in, called back from wherever
 * one comes, for its cause. `pass`: the one that stages what was rendered, for its text.
 */

const STEPS = {
  change: {
    file: '// src/lifecycle/convergence.ts\n',
    begins: /(function stepConvergence\(\w+, (?<taken>\w+), \w+\) \{)/,
    says: "taken.is === 'changed' ? taken.cause : ''",
  },
  pass: {
    file: '// src/reload/apply.ts\n',
    begins: /(function stage\d*\(\w+, (?<taken>\w+)\) \{)/,
    says: 'taken',
  },
} as const;

/** Settings of a daemon with that bug. */
export const withBug = (text: string, step: keyof typeof STEPS = 'change'): Readonly<Record<string, string>> => ({
  NODE_OPTIONS: `--disable-warning=ExperimentalWarning --import=${fileURLToPath(import.meta.url)}`,
  PLANTED_BUG: text,
  PLANTED_IN: step,
});

const {PLANTED_BUG, PLANTED_IN} = process.env;
if (PLANTED_BUG !== undefined) {
  const {file, begins, says} = STEPS[PLANTED_IN as keyof typeof STEPS];
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const [before, source] = url.includes('/dist/') ? String(loaded.source).split(file, 2) : [];
      if (source === undefined) return loaded;
      const taken = begins.exec(source)?.groups?.taken;
      if (taken === undefined) throw new Error('the step to plant a bug in was not found');
      const bug = `if ((${says.replaceAll('taken', taken)}).includes(${JSON.stringify(PLANTED_BUG)})) undefined.planted;`;
      return {...loaded, source: `${before}${source.replace(begins, `$1 ${bug}`)}`};
    },
  });
}
