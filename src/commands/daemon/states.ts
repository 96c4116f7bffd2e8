import {type Lifecycle, openLifecycle} from '../../lifecycle/lifecycle.ts';
import type {Passes} from '../../lifecycle/passes.ts';
import {systemClock as clock} from '../../ports/clock.ts';
import type {Context} from './context.ts';
import type {PipelineNeeds} from './pipeline.ts';
import {type Scripts, tellCallback} from './scripts.ts';

/** The states of `lifecycle.yml` with what their steps do. */
export function openStates(
  {room}: Context,
  {ground, proxy}: PipelineNeeds,
  {passes, scripts}: {readonly passes: Passes; readonly scripts: Scripts},
): Lifecycle {
  return openLifecycle({
    manifest: ground.manifest,
    clock,
    log: room('lifecycle'),
    actions: {
      ...passes.actions,
      async drain() {
        await proxy.drain();
      },
      telegraf: scripts.telegraf,
    },
    runJob: scripts.runJob,
    runShell: scripts.blocks.run,
    onVisitBegun: passes.begin,
    async onVisitEnded(visit, fault) {
      await passes.conclude(visit, fault);
      if (fault === undefined) tellCallback(scripts, visit, passes);
    },
  });
}
