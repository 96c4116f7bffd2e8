import {mkdtemp} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {missing} from '../support/parts.ts';
import {openJournal} from './journal.ts';
import {runSoak} from './soak.ts';
import {writeSummary} from './summary.ts';

const USAGE = 'usage: npm run soak -- --minutes N [--seed S] [--store embedded|etcd] [--logs FOLDER] [--quiet]\n';

/** `npm run soak`: 0 when nothing was wrong, 1 when something was, 64 for a wrong call, 130 when interrupted. */
function readArguments() {
  const {values} = parseArgs({
    options: {
      minutes: {type: 'string', default: '10'},
      seed: {type: 'string', default: String(Date.now() % 1_000_000)},
      store: {type: 'string', default: 'embedded'},
      logs: {type: 'string'},
      quiet: {type: 'boolean', default: false},
    },
  });
  const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
  const {store} = values;
  if (!(minutes > 0) || !Number.isSafeInteger(seed) || (store !== 'embedded' && store !== 'etcd')) return undefined;
  return {minutes, seed, store, logs: values.logs, isQuiet: values.quiet} as const;
}

const settings = readArguments();
if (settings === undefined) {
  process.stderr.write(USAGE);
  process.exit(64);
}
const lack = missing('root', 'haproxy', 'netns', 'iptables', ...(settings.store === 'etcd' ? (['etcd'] as const) : []));
if (lack !== false) {
  process.stderr.write(`cannot soak: ${lack}\n`);
  process.exit(1);
}
const {isQuiet, logs = await mkdtemp(join(tmpdir(), 'kontrol-soak-'))} = settings;
const journal = openJournal(logs, isQuiet ? undefined : line => process.stdout.write(`${line}\n`));
process.stdout.write(`seed ${settings.seed}, ${settings.minutes} min, logs in ${logs}\n`);
/** Ctrl-C reaches the daemon and the helpers too: what is left to do is to take the namespaces down. */
const interrupted = new AbortController();
process.once('SIGINT', () => {
  process.stdout.write('interrupted\n');
  interrupted.abort();
  process.on('unhandledRejection', () => {});
});
try {
  const summary = await runSoak({...settings, journal, signal: interrupted.signal});
  process.stdout.write(`\n${writeSummary(summary)}`);
  if (summary.problems.length > 0) {
    process.stdout.write(`the last actions:\n${journal.tail()}\n`);
    process.exitCode = 1;
  }
} catch (error) {
  if (!interrupted.signal.aborted) throw error;
  process.exitCode = 130;
}
