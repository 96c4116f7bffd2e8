import {rethrowBug} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import type {Row} from './answers.ts';
import {deriveProxies, deriveSample, type ProxyTraffic, type TrafficReading, type TrafficSample} from './traffic.ts';
import type {LookAnswers} from './trouble-watch.ts';

/** What the sampler last saw, and the curve that led there, oldest first. */
export interface Traffic {
  readonly samples: readonly TrafficSample[];
  readonly proxies: readonly ProxyTraffic[];
}

export interface TrafficPorts {
  readonly clock: Clock;
  readonly log: Log;
  /** Frontends and backends only: their number does not grow with the pods. Rejects while nothing serves. */
  readonly readRows: () => Promise<readonly Row[]>;
  /** Servers that have to be looked at, too, when a look has these rows. Rejects as `readRows` does. */
  readonly readServers: (rows: readonly Row[]) => Promise<readonly Row[]>;
  /** Of the process. Rejects as `readRows` does. */
  readonly readInfo: () => Promise<ReadonlyMap<string, string>>;
  /** Each look, with what was answered; undefined when nothing was. */
  readonly onLook: (answers: LookAnswers | undefined) => void;
  /** How many HAProxys died without a last word: what they served since the look before, nobody knows. */
  readonly deaths: () => number;
  readonly onSample: (sample: TrafficSample, proxies: readonly ProxyTraffic[]) => void;
}

export interface TrafficSampler {
  readonly traffic: Traffic;
  close(): void;
}

const PERIOD_MS = 2000;

/** Fifteen minutes. */
const MAX_SAMPLES = 450;

/** Looks at HAProxy's counters every two seconds. A look that fails leaves a gap in the curve, and so does a death. */
export function openTrafficSampler(ports: TrafficPorts): TrafficSampler {
  const {clock, log} = ports;
  let samples: TrafficSample[] = [];
  let proxies: readonly ProxyTraffic[] = [];
  let before: TrafficReading | undefined;
  let closed = false;

  const take = (reading: TrafficReading): void => {
    const earlier = before;
    before = reading;
    if (earlier === undefined || earlier.deaths !== reading.deaths) return;
    proxies = deriveProxies(earlier, reading);
    const sample = deriveSample(proxies, clock.epochMs());
    samples = [...samples, sample].slice(-MAX_SAMPLES);
    if (!closed) ports.onSample(sample, proxies);
  };

  const look = async (): Promise<void> => {
    const deaths = ports.deaths();
    const read = async (): Promise<LookAnswers> => {
      const [info, rows] = await Promise.all([ports.readInfo(), ports.readRows()]);
      return {info, rows, servers: await ports.readServers(rows)};
    };
    const answers = await read().catch(err => {
      rethrowBug(err);
      log.trace({err}, 'traffic not sampled');
      return undefined;
    });
    if (answers === undefined) {
      before = undefined;
      proxies = proxies.map(proxy => ({...proxy, status: 'unknown'}));
    } else take({deaths, rows: answers.rows, atMs: clock.nowMs()});
    if (!closed) ports.onLook(answers);
    if (!closed) cancel = clock.after(PERIOD_MS, () => void look());
  };
  let cancel = clock.after(PERIOD_MS, () => void look());

  return {
    get traffic() {
      return {samples, proxies};
    },
    close() {
      closed = true;
      cancel();
    },
  };
}
