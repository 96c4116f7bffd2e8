import {gunzipSync, gzipSync} from 'node:zlib';
import {EtcdFault} from '../etcd/fault.ts';
import type {Gateway} from '../etcd/gateway.ts';
import {batchRequest, type KeyValue, keyRequest, parseBatch, parseRangeAnswer} from '../etcd/wire.ts';
import {type Clock, pause} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';

/** The last template that worked for a replica: the pass of that replica, and since when (epoch ms). */
export interface SharedTemplateRecord {
  readonly pass: number;
  readonly template: string;
  readonly sinceAt: number;
  readonly replica: string;
}

/** The last template that worked for any replica, in etcd: a fresh one falls back on it. */
export interface SharedTemplate {
  /** The one in etcd now; undefined when there is none, or etcd does not answer. */
  load(): Promise<SharedTemplateRecord | undefined>;
  /**
   * Has it written, as soon as etcd answers. One that worked already before this daemon started (`isNew` is false) takes
   * the place of none that is newer.
   */
  offer(record: Omit<SharedTemplateRecord, 'replica'>, isNew: boolean): void;
  close(): void;
}

export interface SharedTemplatePorts {
  readonly gateway: Pick<Gateway, 'ask'>;
  readonly key: string;
  /** This replica's. */
  readonly id: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Etcd takes requests of up to 1.5 MiB (`--max-request-bytes`), and the key and the gateway need some of it. */
const MAX_VALUE_BYTES = 1 << 20;
/** As much as a template may have. */
const MAX_TEMPLATE_BYTES = 4 << 20;
const RETRY_MS = 3000;

/** Readable where that fits, packed where it does not; undefined where it does not fit at all. */
export function encodeTemplate(record: SharedTemplateRecord): string | undefined {
  const plain = JSON.stringify(record);
  if (Buffer.byteLength(plain) <= MAX_VALUE_BYTES) return plain;
  const {template, ...rest} = record;
  const packed = JSON.stringify({...rest, gzip: gzipSync(template).toString('base64')});
  return packed.length <= MAX_VALUE_BYTES ? packed : undefined;
}

/** Reads it back; undefined for what is none. */
export function decodeSharedTemplate(value: string): SharedTemplateRecord | undefined {
  try {
    const {pass, sinceAt, replica, template, gzip} = (JSON.parse(value) ?? {}) as Readonly<Record<string, unknown>>;
    const text =
      typeof gzip === 'string'
        ? gunzipSync(Buffer.from(gzip, 'base64'), {maxOutputLength: MAX_TEMPLATE_BYTES}).toString()
        : template;
    if (typeof text !== 'string' || typeof replica !== 'string') return undefined;
    if (!Number.isSafeInteger(pass) || !Number.isSafeInteger(sinceAt)) return undefined;
    return {pass: Number(pass), sinceAt: Number(sinceAt), replica, template: text};
  } catch {
    return undefined;
  }
}

interface Offer {
  readonly record: SharedTemplateRecord;
  readonly isNew: boolean;
}

interface State {
  readonly ports: SharedTemplatePorts;
  readonly closing: AbortController;
  wanted: Offer | undefined;
  isWriting: boolean;
}

export function openSharedTemplate(ports: SharedTemplatePorts): SharedTemplate {
  const state: State = {ports, closing: new AbortController(), wanted: undefined, isWriting: false};
  return {
    async load() {
      const kv = await read(ports).catch(onlyAway);
      return kv && decodeSharedTemplate(kv.value);
    },
    offer(record, isNew) {
      if (record.template === state.wanted?.record.template) return;
      state.wanted = {record: {...record, replica: ports.id}, isNew};
      if (!state.isWriting) void keepWriting(state);
    },
    close: () => state.closing.abort(new Error('closed')),
  };
}

/** Etcd that does not answer is no fault of ours. */
function onlyAway(error: unknown): undefined {
  if (!(error instanceof EtcdFault)) throw error;
}

async function read({gateway, key}: SharedTemplatePorts): Promise<KeyValue | undefined> {
  return parseRangeAnswer(await gateway.ask('/kv/range', keyRequest(key))).kvs[0];
}

async function keepWriting(state: State): Promise<void> {
  const {closing, ports} = state;
  state.isWriting = true;
  let written: Offer | undefined;
  while (!closing.signal.aborted && state.wanted !== undefined && written !== state.wanted) {
    const offer = state.wanted;
    const isDone = await write(ports, offer).catch(onlyAway);
    if (isDone === true) written = offer;
    else await pause(ports.clock, RETRY_MS, closing.signal);
  }
  state.isWriting = false;
}

/** False when another replica was faster. */
async function write(ports: SharedTemplatePorts, {record, isNew}: Offer): Promise<boolean> {
  const {gateway, key, log} = ports;
  const kv = await read(ports);
  const there = kv && decodeSharedTemplate(kv.value);
  if (there?.template === record.template || (!isNew && (there?.sinceAt ?? 0) > record.sinceAt)) return true;
  const value = encodeTemplate(record);
  if (value === undefined) {
    log.warn(
      {bytes: record.template.length},
      'the template is too long for etcd: a fresh replica cannot fall back on it',
    );
    return true;
  }
  const upon = kv?.revision ?? 0;
  const [answer] = parseBatch(await gateway.ask('/kv/txn', batchRequest([{key, value, upon}])));
  return answer?.is === 'written';
}
