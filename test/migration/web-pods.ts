import {startBackends} from '../support/backend.ts';
import type {Place} from '../support/place.ts';
import {createSlave, isAccepted, type Slave} from '../support/slave.ts';

/** A pod of the app `web` with a slave of 2017 in it, which pings each master that its annotation names. */
export interface WebPod extends AsyncDisposable {
  readonly ip: string;
  readonly masters: readonly string[];
  /** How many pings each master has answered. */
  readonly answered: ReadonlyMap<string, number>;
  /** The most pings in a row that a master left unanswered. */
  readonly worst: {readonly inARow: number; readonly of: string};
  /** Says `down` to the last master, as they did; it serves on until it is disposed. */
  leave(): Promise<void>;
}

const PING_EVERY_MS = 500;

export async function startWebPod(
  {ip, place, masters}: {readonly ip: string; readonly place: Place; readonly masters: readonly string[]},
  resolve: (name: string) => string,
): Promise<WebPod> {
  const backends = await startBackends([{name: ip, host: ip, port: 80}], place);
  const answered = new Map<string, number>();
  const worst = {inARow: 0, of: ''};
  const slaves = masters.map(name => {
    const slave = createSlave({master: {host: resolve(name), port: 8000}, ip, place, localAddress: ip});
    let inARow = 0;
    slave.run(PING_EVERY_MS, outcome => {
      const isAnswered = isAccepted(outcome);
      inARow = isAnswered ? 0 : inARow + 1;
      if (isAnswered) answered.set(name, (answered.get(name) ?? 0) + 1);
      if (inARow > worst.inARow) Object.assign(worst, {inARow, of: `${name}: ${JSON.stringify(outcome)}`});
    });
    return slave;
  });
  const silence = () => slaves.forEach((slave: Slave) => void slave.silence());
  return {
    ip,
    masters,
    answered,
    worst,
    async leave() {
      silence();
      await slaves.at(-1)?.down();
    },
    async [Symbol.asyncDispose]() {
      silence();
      await backends[Symbol.asyncDispose]();
    },
  };
}
