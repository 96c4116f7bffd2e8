import {setTimeout as sleep} from 'node:timers/promises';
import type {ReplicaSet} from './replica-set.ts';
import type {SlaveOptions} from './slave.ts';

/** What Kubernetes knows of replicas: the ones that are ready get connections, or all when none is. */
export interface Service extends AsyncDisposable {
  endpoints(): readonly SlaveOptions['master'][];
}

/** The readiness probe of docker/kubernetes/base; its time-out is that of `Daemon.get`. */
const PERIOD_MS = 2000;
const FAILURE_THRESHOLD = 3;

/** Probes each replica as a kubelet would: one that hangs is given up after some seconds, and taken again at its answer. */
export function startService({daemons, net}: Pick<ReplicaSet, 'daemons' | 'net'>): Service {
  const failures = net.replicas.map(() => 0);
  const ended = new AbortController();
  const probing = failures.map(async (_, index) => {
    while (!ended.signal.aborted) {
      const answer = await daemons[index]?.get('/readyz');
      failures[index] = answer?.status === 200 ? 0 : (failures[index] ?? 0) + 1;
      await sleep(PERIOD_MS, undefined, {signal: ended.signal}).catch(() => {});
    }
  });
  return {
    endpoints() {
      const all = net.replicas.map(({ip}, index) => ({host: ip, port: daemons[index]?.port ?? 0}));
      const ready = all.filter((_, index) => (failures[index] ?? 0) < FAILURE_THRESHOLD);
      return ready.length === 0 ? all : ready;
    },
    async [Symbol.asyncDispose]() {
      ended.abort();
      await Promise.all(probing);
    },
  };
}
