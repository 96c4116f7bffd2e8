import type {Place} from './place.ts';
import {createSlave, isAccepted, RETRY_DELAYS_MS, type SlaveOptions} from './slave.ts';

/** A pod whose keepalives go through a Service: every connection to a replica chosen at random. */
export interface FrontedPod {
  readonly ip: string;
  /** Answers by status, failures by kind. */
  readonly answers: ReadonlyMap<string, number>;
  /** Each keepalive: when, to whom, and what came of it. */
  readonly story: readonly string[];
  run(): void;
  silence(): void;
  /** Says down at random replicas until one takes it. */
  down(): Promise<void>;
}

interface FrontOptions {
  readonly ip: string;
  readonly place: Place;
  readonly periodMs: number;
  /** Whom the Service sends connections to. */
  readonly endpoints: () => readonly SlaveOptions['master'][];
}

/**
 * A real slave's longest wait is 10 s, its period 18.75 s and its TTL 25 s: whatever it waits for, it is back within a
 * TTL of the end. One with a shorter period waits for the same part of it.
 */
const LONGEST_WAIT_PERIODS = 10 / 18.75;

export function createFrontedPod({ip, place, periodMs, endpoints}: FrontOptions): FrontedPod {
  const answers = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let run = 0;
  const story: string[] = [];
  const choose = (): SlaveOptions['master'] => {
    const masters = endpoints();
    return masters[Math.floor(Math.random() * masters.length)] ?? {host: '', port: 0};
  };
  const silence = () => {
    run += 1;
    clearTimeout(timer);
  };
  const ping = async (down = false): Promise<boolean> => {
    const master = choose();
    const sentAt = new Date().toISOString();
    const outcome = await createSlave({ip, master, place, localAddress: ip}).ping(down ? {down} : {});
    const name = outcome.is === 'answered' ? String(outcome.answer.status) : outcome.kind;
    story.push(`${sentAt} ${ip} to ${master.host}:${master.port}: ${name}`);
    answers.set(name, (answers.get(name) ?? 0) + 1);
    return isAccepted(outcome);
  };
  return {
    ip,
    answers,
    story,
    silence,
    run() {
      silence();
      const mine = run;
      const beat = async (failures: number) => {
        const isTaken = await ping();
        if (mine !== run) return;
        const retryMs = RETRY_DELAYS_MS[failures] ?? Number.POSITIVE_INFINITY;
        const waitMs = isTaken ? periodMs : Math.min(retryMs, LONGEST_WAIT_PERIODS * periodMs);
        timer = setTimeout(beat, waitMs, isTaken ? 0 : failures + 1);
      };
      void beat(0);
    },
    async down() {
      silence();
      while (!(await ping(true))) await new Promise(resolve => setTimeout(resolve, 200));
    },
  };
}
