import {isStartRefusal} from '../errors.ts';
import type {TemplateInput} from '../template/input.ts';
import {type InputTrial, tryInput} from './bad-pod-trials.ts';
import type {BadPod} from './find-bad-pods.ts';
import {formatEntries, type KeptEntry, parseEntries} from './quarantine-file.ts';
import {saysTheSame, withoutSuspects} from './suspects.ts';

/** What replicas share of their quarantines; the fleet's part. */
export interface SharedQuarantine {
  load(): Promise<string | undefined>;
  offer(text: string): void;
}

/** What is offered of nobody. */
export const NOBODY = formatEntries([]);

/** Tells the other replicas what pods said when they worked here. */
export const offerEarlier = (shared: SharedQuarantine, entries: readonly KeptEntry[]): void =>
  shared.offer(formatEntries(entries.filter(({suspect}) => suspect.before !== undefined)));

/**
 * Who never worked here, since this replica knows them bad alone, as they were when they worked for another one, where it
 * works with that. With whom no HAProxy can be started, no check tells.
 */
export async function asTheyWorkedElsewhere(
  {shared, ...trial}: InputTrial & {readonly shared?: SharedQuarantine},
  input: TemplateInput,
  bad: readonly BadPod[],
): Promise<readonly BadPod[]> {
  const isUnknown = ({suspect, fault}: BadPod) => suspect.before === undefined && !isStartRefusal(fault);
  if (shared === undefined || !bad.some(isUnknown)) return bad;
  const known = new Map(parseEntries((await shared.load()) ?? '').map(({suspect}) => [suspect.pod.ip, suspect]));
  const recalled = bad.map(pod => {
    const {suspect} = pod;
    const theirs = known.get(suspect.pod.ip);
    if (!isUnknown(pod) || theirs === undefined || !saysTheSame(theirs.pod, suspect.pod)) return pod;
    return {...pod, suspect: {...suspect, before: theirs.before}};
  });
  if (recalled.every((pod, place) => pod === bad[place])) return bad;
  const suspects = recalled.map(({suspect}) => suspect);
  return (await tryInput(trial, withoutSuspects(input, suspects))).is === 'works' ? recalled : bad;
}
