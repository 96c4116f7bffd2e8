import {setTimeout as sleep} from 'node:timers/promises';
import {type BadPing, badPingSegments} from './bad-pings.ts';
import {cast, HUSHED_APP} from './cast.ts';
import {BACK_MS, disturbed, holdLock, killDaemon, killProxy, outage, pause, restart} from './faults.ts';
import type {Action} from './plan.ts';
import {goodTemplate, SPOILT, type Spoilt} from './templates.ts';
import type {World} from './world.ts';

async function nextTemplate(world: World): Promise<void> {
  world.template.n += 1;
  if (!world.template.isSpoilt) await world.writeTemplate(goodTemplate(world.template.n, world.isOld));
}

/** It is refused, whatever is wrong with it, and what served before serves on. */
const spoil = (world: World, kind: Spoilt, forMs: number) =>
  disturbed(world, 'spoilt template', async () => {
    const {template} = world;
    const {pass} = (await world.daemon.status())?.reload.last ?? {pass: 0};
    template.isSpoilt = true;
    await world.writeTemplate(SPOILT[kind](goodTemplate(template.n + 1_000_000, world.isOld)));
    const refused = world.daemon.waitFor(
      ({inSync, lastError, reload}) => !inSync && lastError !== null && (reload.last?.pass ?? 0) > pass,
      `the refusal of a template (${kind})`,
      BACK_MS,
    );
    await Promise.all([refused, sleep(forMs)]);
    template.isSpoilt = false;
    await nextTemplate(world);
  });

async function badPing({net, fail}: World, kind: BadPing): Promise<void> {
  const master = {host: net.proxy.ip, port: 8000};
  const outcome = await net.client.exchange({...master, segments: badPingSegments(kind, master), timeoutMs: 1000});
  if (outcome.is !== 'answered' || (outcome.answer.status >= 400 && outcome.answer.status < 500)) return;
  fail([{what: 'unexpected answer', detail: `a bad ping (${kind}) was answered ${outcome.answer.status}`}]);
}

/** Does an action; what takes its time resolves late, and the next light actions need not wait for it. `check` is not one of them. */
export async function perform(world: World, action: Exclude<Action, {do: 'check'}>): Promise<void> {
  switch (action.do) {
    case 'join':
      return world.pods[action.pod]?.join();
    case 'leave':
      return await world.pods[action.pod]?.leave();
    case 'silence':
      return await world.pods[action.pod]?.silence();
    case 'replace':
      return world.pods[action.pod]?.replace();
    case 'flap':
      return await world.pods[action.pod]?.flap(action.times);
    case 'hush': {
      const app = world.pods.filter(pod => pod.app === HUSHED_APP);
      await Promise.all(app.map(pod => pod.hush()));
      return;
    }
    case 'badPing':
      return await badPing(world, action.kind);
    case 'template':
      return await nextTemplate(world);
    case 'spoil':
      return await spoil(world, action.kind, action.forMs);
    case 'killProxy':
      return await killProxy(world);
    case 'killDaemon':
      return await killDaemon(world, action);
    case 'pause':
      return await pause(world, action.forMs);
    case 'outage':
      return await outage(world, action.how, action.forMs);
    case 'restart':
      return await restart(world);
    case 'lock':
      return await holdLock(world, action.forMs);
  }
}

/** Pods that a plan may name. */
export const PODS = cast.length;
