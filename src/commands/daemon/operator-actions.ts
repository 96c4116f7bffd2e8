import {DaemonError, reasonOf} from '../../errors.ts';
import type {ActionResult, Actions} from '../../http/status-actions.ts';
import {findRollback} from '../../lifecycle/find-rollback.ts';
import type {HistoryEntry} from '../../lifecycle/history.ts';
import type {PassHistory} from '../../lifecycle/history-file.ts';
import type {Quarantined} from '../../lifecycle/quarantine.ts';
import type {LogLevel} from '../../ports/log-level.ts';
import {derivePatch} from '../../proxy/patch.ts';
import {redactConfiguration} from '../../proxy/redact.ts';
import type {Rollback} from '../../template/rollback.ts';
import {type CheckActionPorts, createCheckAction} from './check-action.ts';

export interface OperatorPorts {
  readonly history: PassHistory;
  readonly rollback: Rollback;
  /** A pass now; rejects when it failed. */
  readonly demand: (cause: string) => Promise<void>;
  readonly setLogLevel: (level: LogLevel) => void;
  /** Has the next pass reload where HAProxy runs something else than its text says. */
  readonly doubt: () => void;
  /** Where it does. */
  readonly drift: () => {readonly count: number};
  /** Something is wrong that somebody may have told HAProxy over its socket. */
  readonly isByHandPerhaps: () => boolean;
  /** What a template (the one in use when absent) gives with today's hosts, and without whom; rejects as a pass would. */
  readonly tryOut: (template?: string) => Promise<{readonly text: string; readonly without: readonly Quarantined[]}>;
  /** Members that are left out now, or served as they were. */
  readonly quarantined: () => readonly Quarantined[];
  /** What the newest template is refused for, with the pods named that it would work without; its secrets hidden. */
  readonly refusal: () => string | undefined;
  /** The template as it is today, whatever rollback is held. */
  readonly loadTemplate: () => Promise<string>;
  /** The text that serves. */
  readonly served: () => string | undefined;
  readonly hideSecrets: (said: string) => string;
  /** What a template from outside gives, and what is to be said of it. */
  readonly examine: CheckActionPorts['examine'];
}

/** A difference is for reading. */
const MAX_DIFFERENCE_CHARACTERS = 200_000;

type Found = {readonly is: 'found'; readonly entry: HistoryEntry; readonly template: string};

/** What operators may do over the status port, each as one pass with its cause in the history, or shown before. */
export function createActions(ports: OperatorPorts): Actions {
  const {history, rollback, demand, setLogLevel, doubt, drift, isByHandPerhaps} = ports;
  const passed = async (answer: Readonly<Record<string, unknown>> = {}) => {
    await history.settled();
    return {is: 'done', answer: {...answer, last: history.entries.at(-1) ?? null}} as const;
  };

  const preview = async (load: () => Promise<string | undefined>, more: object = {}): Promise<ActionResult> => {
    try {
      const {text, without} = await ports.tryOut(await load());
      const before = redactConfiguration(ports.served() ?? '');
      const difference = derivePatch(before, redactConfiguration(text), MAX_DIFFERENCE_CHARACTERS);
      return {is: 'shown', answer: {...more, works: true, reason: null, difference, without}};
    } catch (error) {
      if (!(error instanceof DaemonError)) throw error;
      const reason = ports.hideSecrets(reasonOf(error));
      return {is: 'shown', answer: {...more, works: false, reason, difference: null, without: []}};
    }
  };

  const find = async (wish: Parameters<Actions['rollback']>[0]): Promise<ActionResult | Found> => {
    await history.settled();
    const found = findRollback(history, wish);
    if (found.is === 'unknown') return found;
    const {entry} = found;
    const template = await history.template(entry);
    if (template !== undefined) return {...found, template};
    // Its file was gone, which is known by now.
    if (wish.is === 'last' && entry.template !== null && !history.isKept(entry.template)) return find(wish);
    return {is: 'gone', reason: `the template of pass ${entry.pass} is no longer kept`};
  };

  return {
    async reconfigure(isPreview) {
      if (isPreview) return preview(async () => undefined);
      if (drift().count > 0 || isByHandPerhaps()) doubt();
      await demand('asked for by an operator');
      return passed();
    },
    async rollback(wish, isPreview) {
      const found = await find(wish);
      if (found.is !== 'found') return found;
      const {pass} = found.entry;
      if (isPreview) return preview(async () => found.template, {pass});
      const before = rollback.current;
      await rollback.begin(pass, found.template);
      try {
        await demand(`rollback to the template of pass ${pass}`);
      } catch (error) {
        const reason = ports.refusal();
        await rollback.restore(before);
        void demand('rollback undone').catch(() => {});
        if (reason === undefined || !(error instanceof DaemonError)) throw error;
        throw new DaemonError(error.code, reason, {cause: error, detail: error.detail});
      }
      return passed({held: {pass}, without: ports.quarantined()});
    },
    async release(isPreview) {
      const {current} = rollback;
      if (current === undefined) return {is: 'idle', reason: 'no rollback is held'};
      if (isPreview) return preview(ports.loadTemplate, {pass: current.pass});
      await rollback.release();
      // Released it is, whatever today's template is worth.
      const error = await demand(`rollback to pass ${current.pass} released`).then(
        () => null,
        (fault: unknown) => {
          if (!(fault instanceof DaemonError)) throw fault;
          return ports.hideSecrets(reasonOf(fault));
        },
      );
      return passed({released: {pass: current.pass}, error});
    },
    check: createCheckAction(ports),
    async setLogLevel(level) {
      setLogLevel(level);
      return {is: 'done', answer: {level}};
    },
  };
}
