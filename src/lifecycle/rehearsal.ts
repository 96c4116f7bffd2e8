import {DaemonError} from '../errors.ts';
import type {TemplateInput} from '../template/input.ts';
import type {Failing} from './find-bad-pods.ts';
import type {Quarantine, Quarantined} from './quarantine.ts';
import type {Trial} from './trial.ts';

/** Pods that a refusal names. */
const MAX_NAMED = 5;

type Rehearsing = Pick<Quarantine, 'rehearse'>;

/**
 * What would be served of an input, and without whom: those who came or changed since `before` worked and whom it fails
 * with. Rejects as a pass would, with the pods named that are served and would have to be left out. Changes nothing.
 */
export async function rehearseInput(
  input: TemplateInput,
  {
    before,
    tryOut,
    quarantine,
  }: {
    readonly before: TemplateInput | undefined;
    readonly tryOut: (input: TemplateInput) => ReturnType<Trial['tryOut']>;
    readonly quarantine: Rehearsing;
  },
): Promise<{readonly text: string; readonly without: readonly Quarantined[]}> {
  try {
    return {text: await tryOut(input), without: []};
  } catch (fault) {
    const found = await quarantine.rehearse({input, before, fault});
    if (found !== undefined) return {text: await tryOut(found.input), without: found.without};
    const names = await nameBadPods(quarantine, {input, fault});
    if (names === '' || !(fault instanceof DaemonError)) throw fault;
    throw new DaemonError(fault.code, fault.message + names, {cause: fault, detail: fault.detail});
  }
}

/**
 * A pod that is served is not left out for another template's sake: who it is gets said, behind the words for what it
 * fails of. Empty where no pod is to blame, or nobody can tell.
 */
export async function nameBadPods(
  quarantine: Rehearsing,
  {input, fault}: Pick<Failing, 'input' | 'fault'>,
): Promise<string> {
  const found = await quarantine.rehearse({input, before: undefined, fault}).catch(error => {
    // A full disk, a stop: the refusal is told without them.
    if (!(error instanceof DaemonError)) throw error;
    return undefined;
  });
  if (found === undefined || found.without.length === 0) return '';
  const names = found.without.slice(0, MAX_NAMED).map(({app, ip, id}) => `${app} ${ip} (${id})`);
  const more = found.without.length > MAX_NAMED ? ` and ${found.without.length - MAX_NAMED} more` : '';
  return `; it works without ${names.join(', ')}${more}: mend what they send, or the template`;
}
