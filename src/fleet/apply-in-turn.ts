import type {Turns} from './turn.ts';

/** Ways of a reload that lose or delay connections: replicas take them one after another. */
const TURN_WAYS: readonly string[] = ['syn-drop', 'classic', 'plain'];

/** Whether a reload in this way needs its turn. A lossless one does not, nor does a first start. */
export const needsTurn = (way: string, servesAlready: boolean): boolean => servesAlready && TURN_WAYS.includes(way);

/** What of the proxy has to wait for its turn. */
interface Applying<Candidate, Applied> {
  readonly text: string | undefined;
  readonly reload: {readonly way: string};
  apply(candidate: Candidate): Promise<Applied>;
}

/** The `apply` of a proxy, in turn with the other replicas where its way of reloading asks for that. */
export const applyInTurn =
  <Candidate, Applied>(proxy: Applying<Candidate, Applied>, turns: Turns) =>
  (candidate: Candidate): Promise<Applied> =>
    needsTurn(proxy.reload.way, proxy.text !== undefined)
      ? turns.take(() => proxy.apply(candidate))
      : proxy.apply(candidate);
