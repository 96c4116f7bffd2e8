import {type Clock, pause} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import type {Api} from './api.ts';
import {ApiFault} from './api-fault.ts';
import {deriveDelayMs, isLasting} from './backoff.ts';
import type {ToldFacts} from './facts.ts';
import {parseNode, parsePod} from './objects.ts';
import {openReflector, type ReflectionStatus} from './reflector.ts';

/** Nodes are read, not watched: that spares a permission, and their labels hardly ever change. */
const NODE_PERIOD_MS = 5 * 60_000;

export interface OwnPodPorts {
  readonly api: Api;
  readonly clock: Clock;
  readonly log: Log;
  /** All that the API tells of the pod and its node, after each change. */
  readonly onTold: (told: ToldFacts) => void;
}

/** The daemon's own Pod object, followed, and its node, looked at every five minutes. */
export interface OwnPod {
  readonly status: ReflectionStatus;
  /** What became of the last look at the node. */
  readonly node: 'unknown' | 'known' | 'forbidden' | 'failing';
  /** Resolves once the pod and its node were told, or the first try at either failed. */
  readonly tried: Promise<void>;
  close(): void;
}

export function openOwnPod({namespace, id}: {namespace: string; id: string}, ports: OwnPodPorts): OwnPod {
  const {api, clock, log, onTold} = ports;
  const closing = new AbortController();
  const {signal} = closing;
  const nodeTried = Promise.withResolvers<void>();
  let pod: ToldFacts = {};
  let node: ToldFacts = {};
  let nodeState: OwnPod['node'] = 'unknown';
  let nodeName: string | undefined;

  const tell = () => onTold({...pod, ...node});

  const take = (object: unknown) => {
    const seen = parsePod(object);
    if (seen === undefined || seen.name !== id) return;
    const {uid, labels, annotations, ips} = seen;
    pod = {uid, ip: ips[0], labels, annotations, nodeName: seen.nodeName, image: seen.image};
    tell();
    if (nodeName !== undefined || seen.nodeName === undefined) return;
    nodeName = seen.nodeName;
    void followNode(seen.nodeName);
  };

  const reflection = openReflector(
    {what: `pod ${namespace}/${id}`, path: `/api/v1/namespaces/${namespace}/pods`, name: id},
    {
      replace: objects => objects.forEach(take),
      upsert: take,
      // Our own pod is on its way out; whatever it said still holds.
      remove: () => {},
    },
    {api, clock, log},
  );

  const followNode = async (name: string): Promise<void> => {
    let failures = 0;
    while (!signal.aborted) {
      let delayMs = NODE_PERIOD_MS;
      try {
        const seen = parseNode(await api.request({method: 'GET', path: `/api/v1/nodes/${name}`, signal}));
        if (seen === undefined) throw new ApiFault(undefined, 'the answer is no node');
        failures = 0;
        nodeState = 'known';
        node = {nodeLabels: seen.labels, nodeAnnotations: seen.annotations, eip: seen.externalIp};
        tell();
      } catch (error) {
        if (!(error instanceof ApiFault)) throw error;
        if (signal.aborted) return;
        const {status, message} = error;
        failures += 1;
        if (failures === 1)
          log.warn({reason: message}, 'node unknown: its labels, annotations and address stay absent');
        nodeState = isLasting(status) ? 'forbidden' : 'failing';
        if (!isLasting(status)) delayMs = deriveDelayMs(failures, Math.random());
      }
      nodeTried.resolve();
      await pause(clock, delayMs, signal);
    }
  };

  return {
    get status() {
      return reflection.status;
    },
    get node() {
      return nodeState;
    },
    tried: reflection.tried.then(() => (nodeName === undefined ? undefined : nodeTried.promise)),
    close() {
      closing.abort();
      reflection.close();
    },
  };
}
