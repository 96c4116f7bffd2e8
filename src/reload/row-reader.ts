import {DaemonError} from '../errors.ts';
import {parseStat, type Row} from '../proxy/answers.ts';
import type {CounterLedger} from '../proxy/counter-ledger.ts';
import {isSpare} from '../proxy/spare-address.ts';
import type {DrainFollowers} from './drain-followers.ts';
import type {Generations} from './generations.ts';

export interface RowReaderPorts {
  readonly ask: (socket: string, command: string) => Promise<string>;
  /** The one that serves now. */
  readonly serving: {readonly status: Pick<Generations['status'], 'pid'>; readonly socket: string};
  readonly counters: CounterLedger;
  /** Of those that finish their connections. */
  readonly followers: Pick<DrainFollowers, 'pids'>;
}

/**
 * Reads what a `show stat` answers, with counters that go on over all processes there were. Rejects with PROXY when none
 * runs, and as `ask` does.
 */
export const createRowReader =
  ({ask, serving, counters, followers}: RowReaderPorts) =>
  async (command: string): Promise<Row[]> => {
    for (;;) {
      const {pid} = serving.status;
      if (pid === null) throw new DaemonError('PROXY', 'cannot read what HAProxy counts: it does not run');
      const rows = parseStat(await ask(serving.socket, command)).filter(row => !isSpare(row));
      // Another one took over meanwhile: these counters are a follower's to tell.
      if (pid !== serving.status.pid) continue;
      counters.note(`${pid}`, rows);
      counters.keepOnly([pid, ...followers.pids].map(String));
      return counters.total(`${pid}`, rows);
    }
  };
