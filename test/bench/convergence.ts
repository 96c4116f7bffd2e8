import {createFrontedPod} from '../support/front.ts';
import {cutOff, killDaemon, killEtcd, killNode, outlastLeases, pauseDaemon, stepClock} from '../support/mishaps.ts';
import {type Agreement, openReplicaSet} from '../support/replica-set.ts';
import {startService} from '../support/service.ts';
import {type Figure, median, quantile} from './figure.ts';

const ROUNDS = 3;
const TTL_MS = 4000;
const POD_IPS = Array.from({length: 5}, (_, index) => `10.78.1.${11 + index}`);
const MISHAPS = [killDaemon(0), killNode, killEtcd, cutOff(1), pauseDaemon(2), stepClock(3_600_000)];
const WANTED = 'wanted: < 2,000';

/**
 * How soon three replicas know and serve the same hosts again after each of what can befall them and etcd, counted from
 * the moment at which the outside is well (docs/replicas.md#when-something-is-missing). Needs root; touches namespaces
 * of its own only.
 */
export async function benchConvergence(): Promise<Figure[]> {
  await using set = await openReplicaSet({ttlMs: TTL_MS, podIps: POD_IPS});
  await using service = startService(set);
  const pods = POD_IPS.map(ip =>
    createFrontedPod({
      ip,
      place: set.net.hub,
      periodMs: 0.75 * TTL_MS,
      endpoints: service.endpoints,
    }),
  );
  using _silence = {
    [Symbol.dispose]() {
      for (const {silence} of pods) silence();
    },
  };
  for (const {ip, run} of pods) {
    run();
    set.live.add(ip);
  }
  await set.agree('pods join');
  const figures: Figure[] = [];
  for (const mishap of MISHAPS) {
    const agreements: Agreement[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const heal = await mishap.befall(set);
      await outlastLeases(set);
      await heal();
      agreements.push(await set.agree(mishap.what));
    }
    const name = `${mishap.what}: the same hosts`;
    const [known, served] = [agreements.map(({knownMs}) => knownMs), agreements.map(({servedMs}) => servedMs)];
    figures.push(
      {name: `${name} known, median`, value: median(known), unit: 'ms', better: 'less', beside: WANTED},
      {name: `${name} known, max of ${ROUNDS}`, value: quantile(known, 1), unit: 'ms', better: 'less', beside: WANTED},
      {name: `${name} served, median`, value: median(served), unit: 'ms', better: 'less'},
    );
  }
  return figures;
}
