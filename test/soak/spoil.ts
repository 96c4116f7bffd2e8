import {setTimeout as sleep} from 'node:timers/promises';
import {waitFor} from '../support/wait.ts';
import {BACK_MS, disturbed} from './faults.ts';
import {loadView} from './haproxy-view.ts';
import {goodTemplate, parseServed, SPOILT, type Spoilt} from './templates.ts';
import type {World} from './world.ts';

/** The next good one, unless a refused one is there on purpose. */
export async function nextTemplate(world: World): Promise<void> {
  world.template.n += 1;
  if (!world.template.isSpoilt) await world.writeTemplate(goodTemplate(world.template.n, world.form));
}

/** A pod comes, or goes if it is there: HAProxy must follow, whatever is refused. */
export async function moveGuest(world: World, why: string): Promise<void> {
  const guest = world.pods.find(({part}) => part === 'guest');
  if (guest === undefined) return;
  if (guest.isOn) await guest.leave();
  else guest.join();
  let seen = 'nothing';
  const isServed = async () => {
    const view = await loadView(world.proxySocket).catch(() => undefined);
    seen = JSON.stringify(view?.map(({ip}) => ip));
    return view !== undefined && view.some(({ip}) => ip === guest.ip) === guest.isOn;
  };
  const what = `${guest.ip} ${guest.isOn ? 'served' : 'gone'} ${why}`;
  await waitFor(isServed, what, {timeoutMs: BACK_MS, evidence: () => `HAProxy serves ${seen}`});
}

/** It is refused, whatever is wrong with it, and the one before serves pods that come and go. */
export const spoil = (world: World, kind: Spoilt, forMs: number): Promise<void> =>
  disturbed(world, 'spoilt template', async () => {
    if (kind === 'guest') return await refuseGuest(world);
    const {template} = world;
    template.isSpoilt = true;
    await refused(world, kind, SPOILT[kind](goodTemplate(template.n + 1_000_000, world.form)));
    await Promise.all([moveGuest(world, `while a template is refused (${kind})`), sleep(forMs)]);
    template.isSpoilt = false;
    await nextTemplate(world);
  });

/** Refused with a pod of today alone: once that has gone, it serves. */
async function refuseGuest(world: World): Promise<void> {
  const {template} = world;
  const isThere = world.pods.some(({part, isOn}) => part === 'guest' && isOn);
  if (!isThere) await moveGuest(world, 'before a template is refused');
  template.n += 1;
  template.isSpoilt = true;
  const n = template.n;
  await refused(world, 'guest', SPOILT.guest(goodTemplate(n, world.form)));
  await moveGuest(world, 'whom a template was refused with');
  await world.daemon.waitFor(status => status.refused === null, 'the template whose pod has gone', BACK_MS);
  template.isSpoilt = false;
  await nextTemplate(world);
  // Until another one worked, that one is the last good one, and what is refused next would have it serve.
  const isNext = async () => (parseServed(await world.served())?.n ?? 0) > n;
  await waitFor(isNext, 'the next template', {timeoutMs: BACK_MS});
}

async function refused(world: World, kind: Spoilt, text: string): Promise<void> {
  const {pass} = (await world.daemon.status())?.reload.last ?? {pass: 0};
  await world.writeTemplate(text);
  await world.daemon.waitFor(
    ({inSync, lastError, reload, refused: seen}) =>
      !inSync && lastError !== null && (reload.last?.pass ?? 0) > pass && seen?.serving != null,
    `the refusal of a template (${kind})`,
    BACK_MS,
  );
}
