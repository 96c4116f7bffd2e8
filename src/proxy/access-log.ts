import {createSocket, type Socket} from 'node:dgram';
import {reasonOf} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {parseAccessLine} from './access-line.ts';
import {parseSyslog} from './syslog.ts';

/** Where lines go; `write` says false when it would rather wait for `drain`. */
export interface LineSink {
  write(line: string): boolean;
  once(event: 'drain', call: () => void): unknown;
}

/** What became of HAProxy's log lines so far. `malformed` is no syslog line at all and was not written. */
export interface AccessCounts {
  readonly written: number;
  readonly overRate: number;
  readonly slowOutput: number;
  readonly malformed: number;
}

export interface AccessLogOptions {
  readonly sink: LineSink;
  readonly clock: Clock;
  readonly log: Log;
  /** The UDP port on loopback; 0 takes any free one. */
  readonly port: number;
  /** More lines than this are counted and dropped. */
  readonly linesPerSecond: number;
  /** HAProxy's own words, as on a check that failed, without the secrets of its configuration. */
  readonly hideSecrets?: (said: string) => string;
  /** Also each line that was written, as JSON text without a line end. */
  readonly onLine?: (line: string) => void;
}

export interface AccessLog extends AsyncDisposable {
  readonly port: number;
  readonly counts: AccessCounts;
  /** Listens on syslog's own port 514 too; false when it cannot be had (in use, or not allowed). Asks once. */
  serveSyslogPort(): Promise<boolean>;
}

const LOOPBACK = '127.0.0.1';
const SYSLOG_PORT = 514;

/** What a burst may leave in the kernel while we do something else; the kernel lowers it to `net.core.rmem_max`. */
const RECEIVE_BUFFER_BYTES = 4 << 20;

/** Lines that wait for a slow stdout. */
const MAX_WAITING_CHARACTERS = 4 << 20;

const REPORT_PERIOD_MS = 10_000;

/** As pino's `info`, so that one reader reads both. */
const LEVEL = 30;

/** How many lines may still pass: refilled evenly, never above one second's worth. */
export interface RateCap {
  readonly tokens: number;
  readonly atMs: number;
}

export const fullCap = (perSecond: number, nowMs: number): RateCap => ({tokens: perSecond, atMs: nowMs});

/** Takes one line through at `nowMs`: whether it passes, and the cap after it. */
export function takeLine(cap: RateCap, perSecond: number, nowMs: number): readonly [boolean, RateCap] {
  const refilled = Math.min(perSecond, cap.tokens + (Math.max(0, nowMs - cap.atMs) * perSecond) / 1000);
  const passes = refilled >= 1;
  return [passes, {tokens: passes ? refilled - 1 : refilled, atMs: nowMs}];
}

interface State {
  readonly options: AccessLogOptions;
  readonly counts: {written: number; overRate: number; slowOutput: number; malformed: number};
  cap: RateCap;
  /** For a sink that is full. */
  waiting: string[];
  waitingCharacters: number;
  blocked: boolean;
  reported: number;
  cancelReport: () => void;
}

/** Opens a UDP socket on loopback and writes each of HAProxy's log lines as one JSON object. Nothing here ever waits for the sink. */
export async function openAccessLog(options: AccessLogOptions): Promise<AccessLog> {
  const state: State = {
    options,
    counts: {written: 0, overRate: 0, slowOutput: 0, malformed: 0},
    cap: fullCap(options.linesPerSecond, options.clock.nowMs()),
    waiting: [],
    waitingCharacters: 0,
    blocked: false,
    reported: 0,
    cancelReport: () => {},
  };
  const socket = await openSocket(state, options.port);
  let syslogSocket: Promise<Socket | undefined> | undefined;
  reportLater(state);
  return {
    port: socket.address().port,
    counts: state.counts,
    async serveSyslogPort() {
      syslogSocket ??= openSyslogPort(state);
      return (await syslogSocket) !== undefined;
    },
    async [Symbol.asyncDispose]() {
      state.cancelReport();
      for (const one of [socket, await syslogSocket]) one?.close();
    },
  };
}

async function openSocket(state: State, port: number): Promise<Socket> {
  const {log} = state.options;
  const socket = createSocket('udp4');
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({port, address: LOOPBACK}, resolve);
  });
  socket.on('error', err => log.warn({err}, 'access log socket failed'));
  socket.on('message', datagram => receive(state, datagram));
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  } catch (err) {
    log.debug({err}, 'receive buffer not enlarged');
  }
  return socket;
}

async function openSyslogPort(state: State): Promise<Socket | undefined> {
  const {log} = state.options;
  try {
    const opened = await openSocket(state, SYSLOG_PORT);
    log.info({port: SYSLOG_PORT}, 'access log: the syslog port is served too');
    return opened;
  } catch (error) {
    log.warn({port: SYSLOG_PORT, reason: reasonOf(error)}, 'access log: the syslog port cannot be had');
    return undefined;
  }
}

function receive(state: State, datagram: Uint8Array): void {
  const {counts, options} = state;
  const {clock, linesPerSecond, hideSecrets = said => said} = options;
  const [passes, next] = takeLine(state.cap, linesPerSecond, clock.nowMs());
  state.cap = next;
  if (!passes) {
    counts.overRate += 1;
    return;
  }
  const parsed = parseSyslog(datagram);
  if (parsed === undefined) {
    counts.malformed += 1;
    return;
  }
  const {format, fields} = parseAccessLine(parsed.message);
  const {pid, severity} = parsed;
  const shown = format === 'other' ? {message: hideSecrets(parsed.message)} : fields;
  emit(state, JSON.stringify({level: LEVEL, time: clock.epochMs(), room: 'access', pid, severity, format, ...shown}));
}

function emit(state: State, line: string): void {
  if (state.blocked && state.waitingCharacters + line.length > MAX_WAITING_CHARACTERS) {
    state.counts.slowOutput += 1;
    return;
  }
  state.counts.written += 1;
  state.options.onLine?.(line);
  if (state.blocked) {
    state.waiting.push(`${line}\n`);
    state.waitingCharacters += line.length + 1;
  } else put(state, `${line}\n`);
}

function put(state: State, text: string): void {
  const {sink} = state.options;
  if (sink.write(text)) return;
  state.blocked = true;
  sink.once('drain', () => drain(state));
}

function drain(state: State): void {
  const text = state.waiting.join('');
  state.blocked = false;
  state.waiting = [];
  state.waitingCharacters = 0;
  if (text !== '') put(state, text);
}

function reportLater(state: State): void {
  const {clock, log} = state.options;
  state.cancelReport = clock.after(REPORT_PERIOD_MS, () => {
    const {overRate, slowOutput, malformed} = state.counts;
    const lost = overRate + slowOutput + malformed;
    if (lost > state.reported) {
      log.warn({overRate, slowOutput, malformed}, 'access log lines dropped, counted from the start');
    }
    state.reported = lost;
    reportLater(state);
  });
}
