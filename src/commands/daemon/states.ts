import {createBlockEffect} from '../../lifecycle/block-effect.ts';
import {type Lifecycle, openLifecycle} from '../../lifecycle/lifecycle.ts';
import type {Passes} from '../../lifecycle/passes.ts';
import {systemClock as clock} from '../../ports/clock.ts';
import {systemFiles as files} from '../../ports/files.ts';
import type {Context} from './context.ts';
import type {PipelineNeeds} from './pipeline.ts';
import {type Scripts, tellCallback} from './scripts.ts';

/** The states of `lifecycle.yml` with what their steps do. */
export function openStates(
  {room}: Context,
  {ground, proxy}: PipelineNeeds,
  {passes, scripts}: {readonly passes: Passes; readonly scripts: Scripts},
): Lifecycle {
  const {manifest} = ground;
  const log = room('lifecycle');
  const effect = createBlockEffect({
    log,
    manifest,
    files,
    path: proxy.generations.committedPath,
    isServing: proxy.generations.isServing,
    status: () => proxy.generations.status,
    hostsOf: passes.hostsOf,
    servedHosts: () => passes.applied?.input.variables.hosts,
  });
  return openLifecycle({
    manifest,
    clock,
    log,
    actions: {
      ...passes.actions,
      async drain() {
        await proxy.drain();
      },
      telegraf: scripts.telegraf,
    },
    runJob: scripts.runJob,
    async runShell(block, visit, signal) {
      effect.blockEnded(visit, await scripts.blocks.run(block, visit, signal));
    },
    async onVisitBegun(visit) {
      await passes.begin(visit);
      await effect.begin(visit);
    },
    onStepsDone: effect.check,
    async onVisitEnded(visit, fault) {
      await passes.conclude(visit, fault);
      tellCallback(scripts.callback, visit, fault, passes.applied);
    },
  });
}
