import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {type Daemon, type DaemonOptions, startDaemon} from '../support/daemon.ts';
import {replaceFile} from '../support/replace-file.ts';
import type {Status} from '../support/status.ts';

export type Last = NonNullable<Status['reload']['last']>;

/** Machines that run suites are busy. */
const PATIENCE_MS = 60_000;

/** A daemon whose template is a file that the test changes. */
export interface Reloading extends AsyncDisposable {
  readonly daemon: Daemon;
  /** Writes the template, asks for a pass and waits until it has ended, whatever came of it. */
  change(template: string): Promise<Last>;
  /** Another daemon on the same folder and template, once the first one has ended. */
  again(env?: Readonly<Record<string, string>>): Promise<Daemon>;
}

/** Starts it on `template` and waits until that serves. */
export async function startReloading(template: string, options: Omit<DaemonOptions, 'template'>): Promise<Reloading> {
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'kontrol-reload-'));
  undo.defer(() => rm(folder, {recursive: true, force: true}));
  const file = join(folder, 'template.j2');
  await writeFile(file, template);
  // Passes begin when the test asks for them.
  const env = {KONTROL_DAMPER: '600', KONTROL_WARMUP: '0', KONTROL_GRACE: '2', ...options.env};
  const start = (more: Readonly<Record<string, string>> = {}) =>
    startDaemon({...options, template: file, dataFolder: join(folder, 'data'), env: {...env, ...more}});
  const daemon = undo.use(await start());
  await daemon.waitFor(status => status.inSync && status.proxy.state === 'RUNNING', 'a running proxy', PATIENCE_MS);
  const kept = undo.move();
  return {
    daemon,
    async change(text) {
      const before = (await daemon.status())?.reload.last?.pass ?? 0;
      await replaceFile(file, text);
      daemon.signal('SIGHUP');
      const asked = await daemon.waitFor(
        ({reload: {last}}) => last !== null && last.pass > before && last.cause.includes('SIGHUP') && last,
        'the pass that was asked for',
        PATIENCE_MS,
      );
      if (asked.verdict !== 'unchanged') return asked;
      // The daemon may have seen the file change just before it was asked.
      const passes: readonly Last[] = JSON.parse((await daemon.get('/history'))?.body ?? '[]');
      return passes.findLast(({pass, verdict}) => pass > before && verdict !== 'unchanged') ?? asked;
    },
    async again(more) {
      return kept.use(await start(more));
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
