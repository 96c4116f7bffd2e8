import type {Jobs} from '../../jobs/jobs.ts';
import type {Converger} from '../../lifecycle/converge.ts';
import type {Fallback} from '../../lifecycle/fallback.ts';
import type {Lifecycle} from '../../lifecycle/lifecycle.ts';
import type {Ending} from './ending.ts';
import type {Scripts} from './scripts.ts';

export interface BootPorts {
  readonly isOf2017: boolean;
  readonly scripts: Pick<Scripts, 'telegraf'> & {readonly jobs: Pick<Jobs, 'autostart'>};
  readonly lifecycle: Pick<Lifecycle, 'boot'>;
  readonly converger: Pick<Converger, 'start'>;
  readonly fallback: Pick<Fallback, 'refusal'>;
  readonly ending: Pick<Ending, 'asked' | 'throwIfReached'>;
  /** When the first pass fails: see `startFromDisk`. */
  readonly startFromDisk: (fault: unknown) => Promise<void>;
}

/** The initial state, the jobs, the first pass. A stop that is asked for on the way ends it, which is no fault of the pass. */
export async function boot(ports: BootPorts): Promise<void> {
  const {isOf2017, scripts, lifecycle, converger, fallback, ending, startFromDisk} = ports;
  // Its blocks start telegraf; nothing of theirs writes its configuration.
  if (isOf2017) await scripts.telegraf();
  await lifecycle.boot().catch(fault => {
    // It is said by then. What `setup` failed of ended nothing in 2017: to start haproxy before there is a proxy.cfg, say.
    if (!isOf2017) throw fault;
  });
  ending.throwIfReached();
  scripts.jobs.autostart();
  await converger.start('start').catch(async fault => {
    if (ending.asked.aborted || fallback.refusal?.serving) return;
    await startFromDisk(fault);
  });
}
