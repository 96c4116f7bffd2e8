import {type BadPing, badPingSegments} from './bad-pings.ts';
import {HUSHED_APP} from './cast.ts';
import {holdLock, killDaemon, killProxy, outage, pause, restart} from './faults.ts';
import type {Action} from './plan.ts';
import {poison, poisonApp} from './poison.ts';
import {nextTemplate, spoil} from './spoil.ts';
import type {World} from './world.ts';

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
    case 'poison':
      return await poison(world, action);
    case 'poisonApp':
      return await poisonApp(world, action);
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
