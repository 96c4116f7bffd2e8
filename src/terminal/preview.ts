import type {Patch} from '../proxy/patch.ts';
import {type Paint, paintDiff} from './paint.ts';
import {plain} from './plain.ts';

/** What the status port says that a change would do; `pass` is the one of a rollback. */
export interface Preview {
  readonly pass?: number;
  readonly works: boolean;
  readonly reason: string | null;
  readonly difference: Patch | null;
  /** Pods with which it fails, and which are kept out of it. */
  readonly without?: readonly {
    readonly app: string;
    readonly ip: string;
    readonly id: string;
    readonly reason: string;
    readonly served: string;
  }[];
}

const WHAT: Readonly<Record<'rollback' | 'release' | 'reconfigure', (pass: number | undefined) => string>> = {
  rollback: pass => `The template of pass ${pass}, with today's pods, until it is released`,
  release: pass => `The template of today again, instead of that of pass ${pass}`,
  reconfigure: () => 'A pass now, with the template and the pods of today',
};

/** What is about to be done, and which lines of the configuration that changes. */
export function describePreview(
  name: keyof typeof WHAT,
  {pass, works, reason, difference, without = []}: Preview,
  paint: Paint,
): string {
  const what = WHAT[name](pass);
  if (!works || difference === null) {
    const outcome =
      name === 'release'
        ? 'it is refused as it is, so the last one that worked serves until it is mended'
        : 'it would be refused, nothing was changed';
    return `${what}: ${paint('bad', outcome)}\n${plain(reason ?? '')}\n`;
  }
  const {added, removed, text, tooLarge} = difference;
  const out = without.map(pod => `${plain(`${pod.app} ${pod.ip} (${pod.id})`)} ${describeOut(pod)}\n`).join('');
  if (added + removed === 0) return `${what}: no line of the configuration changes\n${out}`;
  const lines = paintDiff(text, paint);
  return `${what}: +${added} -${removed} lines\n${lines}${tooLarge ? '... too large to show in full\n' : ''}${out}`;
}

const describeOut = ({served, reason}: {readonly served: string; readonly reason: string}): string =>
  `is served ${plain(served)}, since it fails with that pod: ${plain(reason)}`;
