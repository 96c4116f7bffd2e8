import {randomBytes} from 'node:crypto';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import type {Api} from './api.ts';
import {ApiFault} from './api-fault.ts';
import {type EventWrite, newEventPlan, type PodEvent, planEvent} from './pod-events.ts';

const COMPONENT = 'haproxy-kontrol';

/** Writes that wait for a slow API; older ones give way. */
const MAX_WAITING = 20;

export interface EventWriterPorts {
  readonly namespace: string;
  /** The pod's name. */
  readonly id: string;
  /** The pod's UID as it is known now: without it `kubectl describe` finds no event. */
  readonly uid: () => string | undefined;
  readonly api: Api;
  readonly clock: Clock;
  readonly log: Log;
  /** Without the secrets of configurations: whoever may look at the pod reads its events. */
  readonly hideSecrets: (text: string) => string;
}

/** Tells people who look at the pod what happened to its proxy: Events on the own Pod, in the background. */
export interface EventWriter {
  /** Returns at once; never throws. PodEvent that cannot be written is logged elsewhere anyway. */
  tell(event: PodEvent): void;
  /** Resolves when all that was told is written or given up; for the end. */
  settled(): Promise<void>;
}

export function openEventWriter(ports: EventWriterPorts): EventWriter {
  const {api, clock, log, namespace, id} = ports;
  const path = `/api/v1/namespaces/${namespace}/events`;
  const names = new Map<string, string>();
  let plan = newEventPlan(clock.nowMs());
  let waiting: EventWrite[] = [];
  let writing: Promise<void> | undefined;
  let isFailing = false;

  const create = async ({key, event}: EventWrite): Promise<void> => {
    // As client-go names them: the pod, a dot, something unique.
    const name = `${id}.${randomBytes(8).toString('hex')}`;
    const {type, reason, message, count} = event;
    const at = new Date(clock.epochMs()).toISOString();
    const involvedObject = {apiVersion: 'v1', kind: 'Pod', namespace, name: id, uid: ports.uid()};
    const source = {component: COMPONENT, host: id};
    const times = {firstTimestamp: at, lastTimestamp: at, count};
    const body = {metadata: {name, namespace}, involvedObject, reason, message, type, source, ...times};
    await api.request({method: 'POST', path, body});
    names.set(key, name);
  };

  const update = async (write: EventWrite): Promise<void> => {
    const name = names.get(write.key);
    if (name === undefined) return create(write);
    const body = {count: write.event.count, lastTimestamp: new Date(clock.epochMs()).toISOString()};
    try {
      await api.request({method: 'PATCH', path: `${path}/${name}`, body});
    } catch (error) {
      if (!(error instanceof ApiFault) || error.status !== 404) throw error;
      await create(write);
    }
  };

  const drain = async (): Promise<void> => {
    for (let write = waiting.shift(); write !== undefined; write = waiting.shift()) {
      try {
        await (write.is === 'create' ? create(write) : update(write));
        isFailing = false;
      } catch (error) {
        if (!(error instanceof ApiFault)) throw error;
        if (!isFailing) log.warn({reason: error.message}, 'cannot write an event on the pod');
        isFailing = true;
      }
    }
    for (const key of names.keys()) if (!plan.events.has(key)) names.delete(key);
    writing = undefined;
  };

  return {
    tell(event) {
      const [next, write] = planEvent(plan, event, clock.nowMs(), ports.hideSecrets);
      plan = next;
      if (write === undefined) return;
      waiting = [...waiting, write].slice(-MAX_WAITING);
      writing ??= drain();
    },
    async settled() {
      await writing;
    },
  };
}
