import type {Convergence} from '../lifecycle/convergence.ts';
import type {Absence} from '../members/absence.ts';
import type {Hosts} from '../members/member.ts';
import type {Clock} from '../ports/clock.ts';
import type {Unwritten} from '../ports/write-fault.ts';
import {findIdleBackends} from '../proxy/idle-backends.ts';
import type {SharedBind} from '../proxy/sockets.ts';
import type {TroubleNow} from '../proxy/trouble-watch.ts';
import type {Seen} from './problems.ts';

/** What the rooms know of when things began, in their own ways of telling it. */
export interface SeenParts {
  readonly hosts: Hosts;
  readonly absence: Absence;
  /** Undefined until HAProxy has answered once. */
  readonly troubles: readonly TroubleNow[] | undefined;
  readonly sharedBinds: readonly SharedBind[];
  /** The text that serves. */
  readonly text: string | undefined;
  /** Whether the pod at an address left. */
  readonly isGone: (ip: string) => boolean;
  /** Monotonic; undefined while it serves. */
  readonly downSinceMs: number | undefined;
  /** When the last pass was started (epoch ms), where it failed. */
  readonly failedPassAt: number | undefined;
  readonly convergence: Pick<Convergence, 'damper'>;
  readonly store: {healthy(): boolean; awayMs(): number};
  /** There is another template that worked, and is kept. */
  readonly canGoBack: boolean;
  /** Why what is remembered of the members is not on disk. */
  readonly unwritten: Unwritten | undefined;
  /** Why the passes are not. */
  readonly historyFault: string | undefined;
  /** Of members that the guard holds (epoch ms). */
  readonly silentSince: number | undefined;
}

/** What is seen beside the fields of a status, as problems are derived from it; remembers since when passes fail. */
export function createSeenReader(clock: Pick<Clock, 'nowMs' | 'epochMs'>): (parts: SeenParts) => Seen {
  let failing: number | undefined;
  let looked: Looked = {at: undefined, idle: new Map()};
  const epochOf = (monotonicMs: number | undefined): number | null =>
    monotonicMs === undefined ? null : Math.round(clock.epochMs() - (clock.nowMs() - monotonicMs));
  return parts => {
    const {hosts, absence, convergence, store} = parts;
    looked = noteIdle(looked, parts);
    const troubles = withoutIdle(parts.troubles ?? [], looked.idle);
    failing = parts.failedPassAt === undefined ? undefined : (failing ?? parts.failedPassAt);
    return {
      nowAt: clock.epochMs(),
      troubles,
      sharedBinds: parts.sharedBinds,
      absent: absence.note(hosts, parts.troubles && troubles.some(({is}) => is === 'emptied')),
      canGoBack: parts.canGoBack,
      unwritten: parts.unwritten,
      historyFault: parts.historyFault,
      isAnybodyThere: [...hosts.values()].some(({length}) => length > 0),
      began: {
        down: epochOf(parts.downSinceMs),
        failing: failing ?? null,
        change: epochOf(changedMs(convergence)),
        storeAway: store.healthy() ? null : clock.epochMs() - store.awayMs(),
        silence: parts.silentSince ?? null,
      },
    };
  };
}

/** When the first of the changes came that wait. */
const changedMs = ({damper}: SeenParts['convergence']): number | undefined =>
  damper.is === 'waiting' ? damper.firstAtMs : undefined;

/** Backends that need no server that is up, and why, as a look at HAProxy found them. */
interface Looked {
  readonly at: SeenParts['troubles'];
  readonly idle: ReadonlyMap<string, 'left' | 'meant'>;
}

/** What was idle when HAProxy was looked at is so until the next look, though servers may have come since. */
function noteIdle({at, idle: before}: Looked, {troubles, text, isGone}: SeenParts): Looked {
  const idle = new Map(at === troubles ? before : []);
  if (text === undefined || (troubles ?? []).every(({is}) => is !== 'down')) return {at: troubles, idle};
  const {left, meant} = findIdleBackends(text, isGone);
  for (const name of meant) idle.set(name, 'meant');
  for (const name of left) idle.set(name, 'left');
  return {at: troubles, idle};
}

/** That pods left is one fault: of their backends is told beside it, if at all. What the text takes out of service is none. */
const withoutIdle = (troubles: readonly TroubleNow[], idle: Looked['idle']): readonly TroubleNow[] =>
  troubles.flatMap((trouble): TroubleNow[] => {
    if (trouble.is !== 'down') return [trouble];
    const {name, beganAt} = trouble;
    if (idle.get(name) === 'left') return [{is: 'emptied', name, beganAt}];
    return idle.has(name) ? [] : [trouble];
  });
