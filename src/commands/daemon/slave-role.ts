import {isDeepStrictEqual} from 'node:util';
import type {Config, Labels, MasterAddress} from '../../config/config.ts';
import {MASTER_ANNOTATION, parseMasters} from '../../config/masters.ts';
import {deriveKey} from '../../members/base62.ts';
import type {TokenFile} from '../../members/token-file.ts';
import {systemClock as clock} from '../../ports/clock.ts';
import type {Log} from '../../ports/log.ts';
import {createQueue} from '../../ports/queue.ts';
import {openPayload} from '../../slave/payload-file.ts';
import {createSendPing} from '../../slave/send.ts';
import {openSlave, type Slave} from '../../slave/slave.ts';

/** The slave role where it is switched on: keepalives to the masters that the annotation names now. */
export interface SlaveRole extends AsyncDisposable {
  /** The pod's annotations may have changed: other masters get keepalives, those before are told `down`. */
  annotated(annotations: Labels): void;
  close(signal?: AbortSignal): Promise<void>;
}

/** Begins keepalives to the masters of the configuration, with the first token of `tokenFile` when there is one. */
export async function openSlaveRole(
  config: Pick<Config, 'self' | 'mode' | 'port' | 'ttlMs' | 'payloadFile' | 'masters'>,
  log: Log,
  tokenFile: Pick<TokenFile, 'tokens'> | undefined,
  createSend = createSendPing,
): Promise<SlaveRole> {
  const {self, mode, port, ttlMs} = config;
  const {ip} = self;
  if (!mode.slave || ip === undefined) return {annotated() {}, async close() {}, async [Symbol.asyncDispose]() {}};
  const payload = await openPayload({path: config.payloadFile, clock, log});
  const send = createSend(() => tokenFile?.tokens[0]);
  const begin = (masters: readonly MasterAddress[]): Slave | undefined =>
    masters.length === 0
      ? undefined
      : openSlave({masters, self: {...self, ip}, ttlMs, payload, deriveKey, send, clock, log});

  let {masters} = config;
  let slave = begin(masters);
  const changes = createQueue();
  let closed = false;

  const change = async (next: readonly MasterAddress[]): Promise<void> => {
    if (closed) return;
    const previous = slave;
    slave = undefined;
    // `down` first: where a master stays the same, the keepalive that follows is the later word.
    await previous?.close();
    slave = begin(next);
  };

  const close = async (signal?: AbortSignal): Promise<void> => {
    closed = true;
    await changes.settled();
    await slave?.close(signal);
    payload.close();
  };

  return {
    annotated(annotations) {
      const parsed = parseMasters(annotations[MASTER_ANNOTATION] ?? '', port);
      if (parsed.refused.length > 0) {
        log.warn({reason: parsed.refused.join(', ')}, `entries of ${MASTER_ANNOTATION} refused: keeping the masters`);
        return;
      }
      if (isDeepStrictEqual(parsed.masters, masters)) return;
      masters = parsed.masters;
      log.info({to: masters.map(({host}) => host)}, 'masters changed');
      // It answers for whatever a network does: what it rejects with is a bug of ours, and nobody takes it.
      void changes.add(() => change(parsed.masters));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
