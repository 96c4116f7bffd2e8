import {registerHooks} from 'node:module';
import {fileURLToPath} from 'node:url';

/*
 * Loaded into a daemon before its own code (`--import`): sends it a signal as soon as it begins to load what comes after
 * its first lines.
 */

/** Settings of a daemon that gets this signal that early. */
export const withEarlySignal = (signal: NodeJS.Signals): Readonly<Record<string, string>> => ({
  NODE_OPTIONS: `--disable-warning=ExperimentalWarning --import=${fileURLToPath(import.meta.url)}`,
  EARLY_SIGNAL: signal,
});

const {EARLY_SIGNAL} = process.env;
if (EARLY_SIGNAL !== undefined) {
  registerHooks({
    load(url, context, nextLoad) {
      if (/\/program-\w+\.js$/.test(url)) process.kill(process.pid, EARLY_SIGNAL);
      return nextLoad(url, context);
    },
  });
}
