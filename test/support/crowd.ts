import {type Helper, startHelper} from './helper.ts';
import type {Place} from './place.ts';

/** Many pods that ping through a Service, in one process: each connection goes to a replica chosen at random. */
export interface CrowdSettings {
  readonly masters: readonly {readonly host: string; readonly port: number}[];
  readonly count: number;
  readonly periodMs: number;
}

/** What a crowd is told. Pods are numbered from 0; `to` is not included. */
export interface CrowdOrder {
  /** `run`: ping from now on, begun within `withinMs`. `down`: say goodbye until it is taken. `silence`: die. */
  readonly is: 'run' | 'down' | 'silence';
  readonly from: number;
  readonly to: number;
  readonly withinMs?: number;
}

export type CrowdQuestion = CrowdOrder | {readonly is: 'tally'};

/** Answers so far by status, failures by kind. */
export type CrowdTally = Readonly<Record<string, number>>;

export interface Crowd extends AsyncDisposable {
  order(order: CrowdOrder): Promise<void>;
  tally(): Promise<CrowdTally>;
}

/** The network that holds them: the pods' place must take its addresses for its own. */
export const CROWD_NETWORK = '10.79.0.0/16';

export const crowdIp = (index: number): string => `10.79.${(index + 1) >> 8}.${(index + 1) & 255}`;

export async function startCrowd(settings: CrowdSettings, place: Place): Promise<Crowd> {
  const helper: Helper<CrowdQuestion, CrowdTally> = await startHelper(
    'crowd-process.ts',
    import.meta.url,
    place,
    settings,
  );
  return {
    order: async order => void (await helper.ask(order)),
    tally: () => helper.ask({is: 'tally'}),
    [Symbol.asyncDispose]: () => helper[Symbol.asyncDispose](),
  };
}
