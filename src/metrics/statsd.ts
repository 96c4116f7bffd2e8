import {createSocket} from 'node:dgram';
import type {Clock} from '../ports/clock.ts';

/** The counters of the old kontrol, as far as they are remembered: pings, pods that came and went, configurations. */
const STATSD_COUNTERS = ['kontrol.ping', 'kontrol.up', 'kontrol.down', 'kontrol.configured'] as const;
export type StatsdCounter = (typeof STATSD_COUNTERS)[number];

export interface StatsdAddress {
  readonly host: string;
  readonly port: number;
}

/** Counters that are sent, not asked for. */
export interface Statsd {
  /** `result`: what a ping did, or why it was not taken. */
  countPing(result: string): void;
  countPass(pass: {readonly verdict: string}): void;
  close(): void;
}

/** What is counted within this time goes out as one datagram. */
const EVERY_MS = 1000;

/** The datagram of what was counted, `name:12|c` a line; undefined when there was nothing. */
export function encodeCounts(counts: ReadonlyMap<StatsdCounter, number>): string | undefined {
  const lines = [...counts].map(([counter, count]) => `${counter}:${count}|c`);
  return lines.length === 0 ? undefined : lines.join('\n');
}

/** Sends counters to a statsd, telegraf's as a rule; nobody need listen there, and nobody waits for it. */
export function openStatsd({host, port}: StatsdAddress, clock: Clock): Statsd {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.on('error', () => {});
  socket.unref();
  const counts = new Map<StatsdCounter, number>();
  let cancel: (() => void) | undefined;
  const flush = (): void => {
    cancel = undefined;
    const text = encodeCounts(counts);
    counts.clear();
    if (text !== undefined) socket.send(text, port, host, () => {});
  };
  const count = (counter: StatsdCounter): void => {
    counts.set(counter, (counts.get(counter) ?? 0) + 1);
    cancel ??= clock.after(EVERY_MS, flush);
  };
  return {
    countPing(result) {
      if (result !== 'bad') count('kontrol.ping');
      if (result === 'joined' || result === 'replaced') count('kontrol.up');
      if (result === 'left') count('kontrol.down');
    },
    countPass({verdict}) {
      if (verdict === 'ok') count('kontrol.configured');
    },
    close() {
      cancel?.();
      const text = encodeCounts(counts);
      counts.clear();
      if (text === undefined) socket.close();
      else socket.send(text, port, host, () => socket.close());
    },
  };
}
