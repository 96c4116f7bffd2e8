import {type Exchange, exchange, type Outcome} from './exchange.ts';

/** Where something runs and speaks from: this machine's loopback, or a network namespace. */
export interface Place {
  /** `null` for this machine itself. */
  readonly namespace: string | null;
  /** The addresses by which others reach what listens here. */
  readonly ip: string;
  readonly ip6: string;
  /** The command line that runs `argv` at this place. */
  exec(argv: readonly string[]): string[];
  /** One request on one connection made at this place. */
  exchange(request: Exchange): Promise<Outcome>;
}

/** This machine. Keep its traffic on loopback, and its firewall as it is. */
export const machine: Place = {
  namespace: null,
  ip: '127.0.0.1',
  ip6: '::1',
  exec: argv => [...argv],
  exchange,
};
