import {isIPv4} from 'node:net';
import type {Outcome} from './exchange.ts';
import {machine, type Place} from './place.ts';

/** Any value of a ping's fields. */
type Field = string | number | boolean | null | readonly Field[] | {readonly [key: string]: Field};
export type Fields = Readonly<Record<string, Field>>;

/** A pod with the 2017 client in it: docs/contract-2017.md#keepalive. Only `ip` must be said. */
export interface SlaveOptions {
  readonly master: {readonly host: string; readonly port: number};
  readonly ip: string;
  readonly app?: string;
  readonly role?: string;
  readonly id?: string;
  readonly payload?: Field;
  /** Only later clients send one. */
  readonly nonce?: string;
  readonly place?: Place;
  /** The address that the connections come from; the kernel's choice when absent. */
  readonly localAddress?: string;
}

export interface Slave {
  /** One keepalive; `fields` override what it says. */
  ping(fields?: Fields): Promise<Outcome>;
  /** The keepalive of a graceful stop. Stops `run`. */
  down(): Promise<Outcome>;
  /** Pings now and then every `intervalMs`, sooner after a failure, as the real client does. */
  run(intervalMs: number, heard?: (outcome: Outcome) => void): void;
  /** Stops `run` without a word: a pod that died. */
  silence(): void;
}

/** A real slave waits this long for its answer. */
const TIMEOUT_MS = 1000;

/** The waits of a real slave after failed pings: about eight at once, then ever longer (docs/contract-2017.md#keepalive). */
export const RETRY_DELAYS_MS = [...Array<number>(8).fill(180), 400, 700, 1200, 2200, 4200, 8200, 10_000];

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** The key of a ping: an IPv4 address as a base-62 number. An IPv6 address has none of its own and gives `0`. */
export function keyOf(ip: string): string {
  if (!isIPv4(ip)) return '0';
  let left = ip.split('.').reduce((number, octet) => number * 256 + Number(octet), 0);
  let key = '';
  do {
    key = `${DIGITS[left % 62]}${key}`;
    left = Math.floor(left / 62);
  } while (left > 0);
  return key;
}

/** JSON as Python's `json.dumps(value, sort_keys=True)` writes it. */
export function pythonJson(value: Field): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${pairs.map(([key, field]) => `${pythonJson(key)}: ${pythonJson(field)}`).join(', ')}}`;
  }
  return JSON.stringify(value).replaceAll(
    /[^ -~]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The bytes of a ping as python-requests sends them: the headers in one segment, the body in the next. */
export function pingSegments(body: string, {host, port}: SlaveOptions['master']): string[] {
  const name = host.includes(':') ? `[${host}]` : host;
  const head = [
    'PUT /ping HTTP/1.1',
    `Host: ${name}:${port}`,
    'User-Agent: python-requests/2.12.1',
    'Accept-Encoding: gzip, deflate',
    'Accept: */*',
    'Connection: keep-alive',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return [`${head.join('\r\n')}\r\n\r\n`, body];
}

/** A slave that pings when told. It holds no connection; `silence()` is all the clearing up there is. */
export function createSlave({master, place = machine, localAddress, ...options}: SlaveOptions): Slave {
  const {ip, app = 'web', role = 'frontend', id = `${app}-${keyOf(ip)}`, payload = '', nonce} = options;
  const identity: Fields = {app, id, ip, key: keyOf(ip), payload, role, ...(nonce !== undefined && {nonce})};
  let timer: NodeJS.Timeout | undefined;
  let running = 0;
  const ping = (fields: Fields = {}): Promise<Outcome> => {
    const segments = pingSegments(pythonJson({...identity, ...fields}), master);
    return place.exchange({...master, localAddress, segments, timeoutMs: TIMEOUT_MS});
  };
  const silence = () => {
    running += 1;
    clearTimeout(timer);
  };
  return {
    ping,
    silence,
    async down() {
      silence();
      return await ping({down: true});
    },
    run(intervalMs, heard) {
      silence();
      const run = running;
      const beat = async (failures: number) => {
        const outcome = await ping();
        if (run !== running) return;
        heard?.(outcome);
        const failed = !isAccepted(outcome);
        const retryMs = RETRY_DELAYS_MS[Math.min(failures, RETRY_DELAYS_MS.length - 1)];
        timer = setTimeout(beat, failed ? retryMs : intervalMs, failed ? failures + 1 : 0);
      };
      void beat(0);
    },
  };
}

/** What a real slave takes for success. */
export const isAccepted = (outcome: Outcome): boolean => outcome.is === 'answered' && outcome.answer.status < 400;
