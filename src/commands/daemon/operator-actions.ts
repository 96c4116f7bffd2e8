import type {Actions} from '../../http/status-actions.ts';
import type {PassHistory} from '../../lifecycle/history-file.ts';
import type {LogLevel} from '../../ports/log-level.ts';
import type {Rollback} from '../../template/rollback.ts';

export interface OperatorPorts {
  readonly history: PassHistory;
  readonly rollback: Rollback;
  /** A pass now; rejects when it failed. */
  readonly demand: (cause: string) => Promise<void>;
  readonly setLogLevel: (level: LogLevel) => void;
  /** Has the next pass reload where HAProxy runs something else than its text says. */
  readonly repair: () => void;
}

/** What operators may do over the status port, each as one pass with its cause in the history. */
export function createActions({history, rollback, demand, setLogLevel, repair}: OperatorPorts): Actions {
  const passed = async (answer: Readonly<Record<string, unknown>> = {}) => {
    await history.settled();
    return {is: 'done', answer: {...answer, last: history.entries.at(-1) ?? null}} as const;
  };

  return {
    async reconfigure() {
      repair();
      await demand('asked for by an operator');
      return passed();
    },
    async rollback(pass) {
      await history.settled();
      const entry = history.entry(pass);
      if (entry === undefined) return {is: 'unknown', reason: `there is no pass ${pass} in the history`};
      const template = await history.template(entry);
      if (template === undefined) return {is: 'gone', reason: `the template of pass ${pass} is no longer kept`};
      const before = rollback.current;
      await rollback.begin(pass, template);
      try {
        await demand(`rollback to the template of pass ${pass}`);
      } catch (error) {
        await rollback.restore(before);
        void demand('rollback undone').catch(() => {});
        throw error;
      }
      return passed({held: {pass}});
    },
    async release() {
      const {current} = rollback;
      if (current === undefined) return {is: 'idle', reason: 'no rollback is held'};
      await rollback.release();
      await demand(`rollback to pass ${current.pass} released`);
      return passed({released: {pass: current.pass}});
    },
    async setLogLevel(level) {
      setLogLevel(level);
      return {is: 'done', answer: {level}};
    },
  };
}
