import type {Status} from '../support/status.ts';
import {waitFor} from '../support/wait.ts';
import {BACK_MS, disturbed, killDaemon, killProxy} from './faults.ts';
import {type Note, POISONS} from './notes.ts';
import type {Action} from './plan.ts';
import type {PlayedPod} from './pods.ts';
import {moveGuest, nextTemplate, spoil} from './spoil.ts';
import {parseServed} from './templates.ts';
import type {World} from './world.ts';

type Poisoning = Extract<Action, {do: 'poison'}>;

const SPOIL_MS = 1000;
const DAEMON_DOWN_MS = 500;

let notes = 0;
/** No two notes of a run have the same name. */
const nextNote = (): Note => ({name: `n${++notes}`, timeout: {seconds: 5 + (notes % 5)}});

/** A pod whose payload breaks the configuration costs nobody but itself; one that worked before is served as it was. */
export const poison = (world: World, {kind, was, meanwhile, ending}: Poisoning): Promise<void> =>
  disturbed(world, 'poisonous payload', async () => {
    const [sick, other] = world.pods.filter(({part}) => part === 'sick');
    if (sick === undefined || other === undefined) return;
    await Promise.all([sick.leave(), other.leave()]);
    const companion = nextNote();
    await introduce(world, other, companion);
    if (was === 'good') await introduce(world, sick, nextNote());
    sick.say(POISONS[kind](nextNote().name, companion));
    sick.join();
    // After a restart nobody knows which of two came first.
    const suspects = kind === 'twin' && meanwhile === 'killDaemon' ? [sick.ip, other.ip] : [sick.ip];
    const isKeptOut = ({quarantined, lastError, refused}: Status) => {
      const [first, ...more] = quarantined;
      const isRight = first !== undefined && more.length === 0 && suspects.includes(first.ip);
      return isRight && lastError === null && refused === null;
    };
    const keptOut = (when: string) =>
      world.daemon.waitFor(isKeptOut, `${sick.ip} (${kind}, ${was}) in quarantine ${when}`, BACK_MS);
    await keptOut('at first');
    await moveGuest(world, 'while a pod is in quarantine');
    await happen(world, meanwhile, isKeptOut);
    await keptOut(`after ${meanwhile}`);
    await moveGuest(world, `while a pod is in quarantine, after ${meanwhile}`);
    if (ending === 'mend') sick.say(nextNote());
    else await (ending === 'leave' ? sick.leave() : sick.silence());
    await world.daemon.waitFor(
      ({quarantined, inSync}) => quarantined.length === 0 && inSync,
      `nobody in quarantine (${kind}, ${was}, ${meanwhile}, ${ending})`,
      BACK_MS,
    );
  });

/** Where all pods of an app are bad, more than may be left out, the others come and go all the same. */
export const poisonApp = (world: World, {was, ending}: Extract<Action, {do: 'poisonApp'}>): Promise<void> =>
  disturbed(world, 'poisonous app', async () => {
    const doomed = world.pods.filter(({part}) => part === 'doomed');
    if (was === 'good') for (const pod of doomed) await introduce(world, pod, nextNote());
    for (const pod of doomed) {
      pod.say(POISONS.value(nextNote().name));
      pod.join();
    }
    const served = was === 'good' ? 'as before' : 'not at all';
    await world.daemon.waitFor(
      ({quarantined, lastError, refused}) =>
        quarantined.length === doomed.length &&
        quarantined.every(one => one.overBound && one.served === served) &&
        lastError === null &&
        refused === null,
      `all pods of an app in quarantine (${was})`,
      BACK_MS,
    );
    await moveGuest(world, 'while all pods of another app are in quarantine');
    for (const pod of doomed) {
      if (ending === 'mend') pod.say(nextNote());
      else await pod.leave();
    }
    await world.daemon.waitFor(
      ({quarantined, inSync}) => quarantined.length === 0 && inSync,
      `no pod of the app in quarantine (${was}, ${ending})`,
      BACK_MS,
    );
    await Promise.all(doomed.map(pod => pod.leave()));
  });

/** A pod with a good payload, and served. */
async function introduce(world: World, pod: PlayedPod, note: Note): Promise<void> {
  pod.say(note);
  pod.join();
  const isServed = async ({inSync}: Status) => inSync && (await world.served()).includes(`note-${note.name}\n`);
  await world.daemon.waitFor(isServed, `${pod.ip} served with ${note.name}`, BACK_MS);
}

async function happen(
  world: World,
  what: Poisoning['meanwhile'],
  isKeptOut: (status: Status) => boolean,
): Promise<void> {
  switch (what) {
    case 'nothing':
      return;
    case 'template':
      await nextTemplate(world);
      await waitFor(async () => parseServed(await world.served())?.n === world.template.n, 'the next template', {
        timeoutMs: BACK_MS,
      });
      return;
    case 'spoil':
      return await spoil(world, 'keyword', SPOIL_MS);
    case 'killProxy':
      return await killProxy(world);
    case 'killDaemon':
      return await killDaemon(world, {downMs: DAEMON_DOWN_MS, lockMs: 0, lockFrom: 'answer'}, isKeptOut);
  }
}
