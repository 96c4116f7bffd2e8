import {EtcdFault} from '../etcd/fault.ts';
import type {Gateway} from '../etcd/gateway.ts';
import {batchRequest, keyRequest, parseBatch, parseRangeAnswer} from '../etcd/wire.ts';
import {type Clock, pause} from '../ports/clock.ts';

/** A text in etcd that any replica may replace: what was offered last, by whom ever, is there. */
export interface SharedText {
  /** The one in etcd now; undefined when there is none, or etcd does not answer. */
  load(): Promise<string | undefined>;
  /** Has it written, as soon as etcd answers; one that is too long for it is not. */
  offer(text: string): void;
  close(): void;
}

export interface SharedTextPorts {
  readonly gateway: Pick<Gateway, 'ask'>;
  readonly key: string;
  /** What is written only in place of something else that was offered here. */
  readonly empty: string;
  readonly clock: Clock;
}

/** Etcd takes requests of up to 1.5 MiB (`--max-request-bytes`), in base64 here. */
const MAX_BYTES = 1 << 20;
const RETRY_MS = 3000;

/** Etcd that does not answer is no fault of ours. */
function onlyAway(error: unknown): undefined {
  if (!(error instanceof EtcdFault)) throw error;
}

export function openSharedText(ports: SharedTextPorts): SharedText {
  const closing = new AbortController();
  let wanted = ports.empty;
  let isWriting = false;
  const keepWriting = async () => {
    isWriting = true;
    let written: string | undefined;
    while (!closing.signal.aborted && written !== wanted) {
      const text = wanted;
      if (await write(ports, text).catch(onlyAway)) written = text;
      else await pause(ports.clock, RETRY_MS, closing.signal);
    }
    isWriting = false;
  };
  return {
    load: async () => (await read(ports).catch(onlyAway))?.value,
    offer(text) {
      if (text === wanted || Buffer.byteLength(text) > MAX_BYTES) return;
      wanted = text;
      if (!isWriting) void keepWriting();
    },
    close: () => closing.abort(new Error('closed')),
  };
}

async function read({gateway, key}: SharedTextPorts) {
  return parseRangeAnswer(await gateway.ask('/kv/range', keyRequest(key))).kvs[0];
}

/** False when another replica was faster. */
async function write(ports: SharedTextPorts, value: string): Promise<boolean> {
  const {gateway, key} = ports;
  const there = await read(ports);
  if (there?.value === value) return true;
  const upon = there?.revision ?? 0;
  const [answer] = parseBatch(await gateway.ask('/kv/txn', batchRequest([{key, value, upon}])));
  return answer?.is === 'written';
}
