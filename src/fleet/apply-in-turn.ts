import {isLossless, type ReloadWay} from '../reload/ways.ts';
import type {Turns} from './turn.ts';

/** Whether a reload in this way needs its turn. A lossless one does not, nor does a first start. */
export const needsTurn = (way: ReloadWay, servesAlready: boolean): boolean => servesAlready && !isLossless(way);

/** What of the proxy has to wait for its turn. */
interface Applying<Candidate, Options, Applied> {
  readonly text: string | undefined;
  readonly reload: {readonly way: ReloadWay};
  apply(candidate: Candidate, options?: Options): Promise<Applied>;
}

/** The `apply` of a proxy, in turn with the other replicas where its way of reloading asks for that. */
export const applyInTurn =
  <Candidate, Options, Applied>(proxy: Applying<Candidate, Options, Applied>, turns: Turns) =>
  (candidate: Candidate, options?: Options): Promise<Applied> =>
    needsTurn(proxy.reload.way, proxy.text !== undefined)
      ? turns.take(() => proxy.apply(candidate, options))
      : proxy.apply(candidate, options);
