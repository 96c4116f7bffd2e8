import type {Helper} from '../support/helper.ts';
import {startHelper} from '../support/helper.ts';
import type {Place} from '../support/place.ts';

/** What a stand-in for a proxy pod of 2017 is told. */
export interface OldPodSettings {
  readonly ip: string;
  readonly ttlMs: number;
  /** Where it pings as a slave, for it was master and slave at once. */
  readonly master: {readonly host: string; readonly port: number};
}

/**
 * A proxy pod as those of 2017 were seen from outside: it takes pings on port 8000 and tells of them in `/state`, sends
 * requests on port 80 to the pods that it has heard, all but its own app, in turns, and pings its own master.
 */
export const startOldPod = (settings: OldPodSettings, place: Place): Promise<Helper<null, null>> =>
  startHelper('old-pod-process.ts', import.meta.url, place, settings);
