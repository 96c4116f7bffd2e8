import {startHelper} from './helper.ts';
import {machine, type Place} from './place.ts';

/** One HTTP server that answers every path with its name. */
export interface Backend {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** The path whose body takes `SLOW_MS` to come, in `SLOW_BYTES` bytes: for what drains. */
export const SLOW_PATH = '/slow';
export const SLOW_BYTES = 400_000;
export const SLOW_MS = 3000;
/** The same, in a time that no stop waits for: for what is cut. */
export const ENDLESS_PATH = '/endless';
export const ENDLESS_MS = 60_000;

/** Names the backend in every answer. */
export const BACKEND_HEADER = 'x-backend';

/** Starts all `backends` in one process at `place`; they listen when this resolves, and stop when it is disposed. */
export const startBackends = (backends: readonly Backend[], place: Place = machine): Promise<AsyncDisposable> =>
  startHelper('backend-process.ts', import.meta.url, place, backends);
