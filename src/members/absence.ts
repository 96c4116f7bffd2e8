import type {Hosts} from './member.ts';

/** An app that had members and has none. */
export interface AbsentApp {
  readonly app: string;
  /** When the last of them said goodbye, or was heard last (epoch ms); null where nobody knows. */
  readonly lastThereAt: number | null;
}

/** Remembers which apps were there, so that one without anybody is not forgotten. */
export interface Absence {
  /**
   * Takes in who is there now; those who are not, the longest absent first. Nobody is forgotten while they `areMissed`,
   * or while nobody knows whether they are (undefined).
   */
  note(hosts: Hosts, areMissed: boolean | undefined): readonly AbsentApp[];
}

/** An app that was taken away for good is nothing to talk about for ever. */
const REMEMBERED_MS = 3_600_000;

/** A hostile slave may not fill the memory. */
const MAX_APPS = 1000;

/** `lastThereAt` is asked when an app is found to have nobody left. */
export function createAbsence(ports: {
  readonly epochMs: () => number;
  readonly lastThereAt: (app: string) => number | undefined;
  /** Those of whom an earlier daemon knew that they left: who is not there at first is missed since then. */
  readonly earlier?: ReadonlyMap<string, number>;
}): Absence {
  let present = new Set<string>();
  const gone = new Map<string, AbsentApp & {readonly sinceAt: number}>();
  for (const [app, at] of ports.earlier ?? []) gone.set(app, {app, sinceAt: at, lastThereAt: at});
  return {
    note(hosts, areMissed) {
      const now = ports.epochMs();
      const isThere = (app: string) => (hosts.get(app)?.length ?? 0) > 0;
      for (const app of present) {
        if (!isThere(app)) gone.set(app, {app, sinceAt: now, lastThereAt: ports.lastThereAt(app) ?? null});
      }
      present = new Set([...hosts.keys()].filter(isThere));
      // Of a proxy that has nobody at all, the last ones to go stay known.
      const isOver = ({sinceAt}: {readonly sinceAt: number}) =>
        present.size > 0 && areMissed !== true && now - sinceAt > REMEMBERED_MS;
      for (const [app, one] of gone) {
        if (present.has(app) || (areMissed === false && isOver(one)) || gone.size > MAX_APPS) gone.delete(app);
      }
      return [...gone.values()].filter(one => !isOver(one)).map(({app, lastThereAt}) => ({app, lastThereAt}));
    },
  };
}
