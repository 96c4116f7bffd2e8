import {randomBytes} from 'node:crypto';
import {isIPv6} from 'node:net';
import type {MasterAddress, Self} from '../config/config.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {
  derivePeriodMs,
  INITIAL_KEEPALIVE,
  type KeepaliveEffect,
  type KeepaliveEvent,
  stepKeepalive,
} from './keepalive.ts';
import {writePing} from './payload.ts';
import type {PayloadFile} from './payload-file.ts';
import type {SendPing} from './send.ts';

/** What a slave waits for an answer, name lookup and connect included (docs/contract-2017.md#keepalive). */
const ANSWER_LIMIT_MS = 1000;

const NONCE_BYTES = 8;

export interface SlavePorts {
  readonly masters: readonly MasterAddress[];
  readonly self: Pick<Self, 'app' | 'id' | 'role'> & {readonly ip: string};
  readonly ttlMs: number;
  readonly payload: Pick<PayloadFile, 'text' | 'follow'>;
  /** The `key` of an address, as the master checks it. */
  deriveKey(ip: string): string;
  readonly send: SendPing;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Slave {
  /** Sends `down` to every master, once, and waits for the answers: 1 s at most, less when `signal` aborts. Never rejects. */
  close(signal?: AbortSignal): Promise<void>;
}

/** The slave role: keepalives to every master, from now until `close`. A lost or slow master delays no other. */
export function openSlave(ports: SlavePorts): Slave {
  const {masters, self, payload, deriveKey} = ports;
  const {app, id, ip, role} = self;
  const key = deriveKey(ip);
  const nonce = randomBytes(NONCE_BYTES).toString('hex');
  const write = (down: boolean) => writePing({app, ...(down && {down}), id, ip, key, nonce, role}, payload.text());

  const keepalives = masters.map(master => openKeepalive(master, write, ports));
  const unfollow = payload.follow(() => {
    for (const keepalive of keepalives) keepalive.feed({is: 'changed'});
  });
  let closed: Promise<void> | undefined;
  return {
    close(signal) {
      closed ??= (async () => {
        unfollow();
        await Promise.all(keepalives.map(keepalive => keepalive.leave(signal)));
      })();
      return closed;
    },
  };
}

/** Drives one master's `stepKeepalive`: its timer, its request, its log lines. */
function openKeepalive(
  master: MasterAddress,
  write: (down: boolean) => string,
  {ttlMs, send, clock, log}: Pick<SlavePorts, 'ttlMs' | 'send' | 'clock' | 'log'>,
) {
  const settings = {periodMs: derivePeriodMs(ttlMs)};
  const name = isIPv6(master.host) ? `[${master.host}]:${master.port}` : `${master.host}:${master.port}`;
  const gone = Promise.withResolvers<void>();
  let state = INITIAL_KEEPALIVE;
  let cancelPending = () => {};

  const feed = (event: KeepaliveEvent): void => {
    const [next, effects] = stepKeepalive(state, event, settings);
    state = next;
    for (const effect of effects) perform(effect);
    if (state.is === 'gone') gone.resolve();
  };

  const perform = (effect: KeepaliveEffect): void => {
    switch (effect.do) {
      case 'send':
        cancelPending();
        cancelPending = ask(effect.down);
        return;
      case 'wait':
        cancelPending();
        cancelPending = clock.after(effect.delayMs, () => feed({is: 'due'}));
        return;
      case 'report-reachable':
        log.info({master: name}, 'master reachable');
        return;
      case 'report-unreachable':
        log.warn({master: name, reason: effect.reason}, 'master unreachable');
        return;
    }
  };

  /** Starts a request; the returned function gives it up, and then its outcome reaches nobody. */
  const ask = (down: boolean): (() => void) => {
    const abort = new AbortController();
    const cancelLimit = clock.after(ANSWER_LIMIT_MS, () => {
      abort.abort(new Error(`no answer within ${ANSWER_LIMIT_MS} ms`));
    });
    let wanted = true;
    void send(master, write(down), abort.signal).then(outcome => {
      cancelLimit();
      if (wanted) feed(outcome);
    });
    return () => {
      wanted = false;
      cancelLimit();
      abort.abort(new Error('given up for a newer request'));
    };
  };

  feed({is: 'due'});
  return {
    feed,
    async leave(signal?: AbortSignal): Promise<void> {
      feed({is: 'stopped'});
      const giveUp = () => {
        cancelPending();
        gone.resolve();
      };
      if (signal?.aborted) giveUp();
      else signal?.addEventListener('abort', giveUp, {once: true});
      await gone.promise;
      signal?.removeEventListener('abort', giveUp);
    },
  };
}
