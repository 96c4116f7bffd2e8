import type {Look, Row} from './answers.ts';
import {sumOf} from './unanswered.ts';

/*
 * INVARIANTS
 * - Who connects and says nothing (checks of load balancers, `tcpSocket` probes, scanners) fails as well, all day long. So
 *   failures tell something only where handshakes went well of late, and where there are many more of them than then.
 * - A scanner may fail any number of times. Clients that get no TLS any more are missing: fewer than half as many succeed.
 * - HAProxy counts both per frontend (`ssl_sess`, `ssl_failed_handshake`) since 2.4.
 */

/** Counters of a frontend that go on over reloads, as the others do. */
export const HANDSHAKE_FIELDS: readonly string[] = ['ssl_sess', 'ssl_failed_handshake'];

/** Hardly a TLS handshake of a frontend succeeds any more. */
export interface FailedHandshakes {
  readonly name: string;
  readonly percent: number;
  readonly handshakes: number;
  readonly beganMs: number;
}

/** Between two looks. */
interface Counted {
  readonly fromMs: number;
  readonly atMs: number;
  readonly good: number;
  readonly failed: number;
}

interface FrontendState {
  readonly counted: readonly Counted[];
  readonly well: Well | undefined;
  readonly isTold: boolean;
}

/** When handshakes went well last, how many, and how few failed meanwhile: in the time since `sinceMs`, and in the one before it. */
interface Well {
  readonly atMs: number;
  readonly good: number;
  readonly sinceMs: number;
  readonly fewest: number;
  readonly fewestBefore: number;
}

/** What is remembered of each frontend, by its name. */
export type HandshakeHistory = ReadonlyMap<string, FrontendState>;

const MIN_HANDSHAKES = 10;
const MIN_PERCENT = 90;

/** So many may fail at any time, beside twice as many as when all was well. */
const MORE = 5;

/** How few failed is learnt anew so often. */
const LEARNT_MS = 300_000;

/** What went well longer ago says nothing of who connects now. */
const OF_LATE_MS = 600_000;

const isFrontend = ({type, ssl_failed_handshake}: Row): boolean => type === '0' && Boolean(ssl_failed_handshake);

/** Takes in a look after `before`. Pure: what is remembered with it, and where handshakes fail, within `windowMs`. */
export function noteHandshakes(
  history: HandshakeHistory,
  before: Look,
  {atMs, rows}: Look,
  windowMs: number,
): readonly [HandshakeHistory, readonly FailedHandshakes[]] {
  const earlier = new Map(before.rows.filter(isFrontend).map(row => [row.pxname ?? '', row] as const));
  const next = new Map<string, FrontendState>();
  const found: FailedHandshakes[] = [];
  for (const row of rows) {
    const name = row.pxname ?? '';
    const was = earlier.get(name);
    if (!isFrontend(row) || was === undefined) continue;
    const known = history.get(name) ?? {counted: [], well: undefined, isTold: false};
    const grown = (field: string) => Math.max(0, sumOf([row], [field]) - sumOf([was], [field]));
    const one = {fromMs: before.atMs, atMs, good: grown('ssl_sess'), failed: grown('ssl_failed_handshake')};
    const counted = [...known.counted, one].filter(entry => entry.atMs > atMs - windowMs);
    const [good, failed] = [sum(counted, 'good'), sum(counted, 'failed')];
    // Of none, it is no number: neither few nor many.
    const percent = (100 * failed) / (good + failed);
    const isWell = good >= MIN_HANDSHAKES && percent < MIN_PERCENT / 2;
    const well = isWell ? noteWell(known.well, {atMs, good}, failed) : known.well;
    const isMany =
      well !== undefined &&
      good < well.good / 2 &&
      failed > 2 * Math.min(well.fewest, well.fewestBefore) + MORE &&
      atMs - well.atMs <= OF_LATE_MS;
    const isTold = percent >= MIN_PERCENT && failed >= MIN_HANDSHAKES && (known.isTold || isMany);
    next.set(name, {counted, well, isTold});
    const firstMs = counted.find(entry => entry.failed > entry.good)?.fromMs ?? before.atMs;
    if (isTold) found.push({name, percent: Math.round(percent), handshakes: good + failed, beganMs: firstMs});
  }
  return [next, found];
}

function noteWell(known: Well | undefined, now: Pick<Well, 'atMs' | 'good'>, failed: number): Well {
  if (known === undefined) return {...now, sinceMs: now.atMs, fewest: failed, fewestBefore: failed};
  if (now.atMs - known.sinceMs > LEARNT_MS)
    return {...now, sinceMs: now.atMs, fewest: failed, fewestBefore: known.fewest};
  return {...known, ...now, fewest: Math.min(known.fewest, failed)};
}

const sum = (counted: readonly Counted[], field: 'good' | 'failed'): number =>
  counted.reduce((total, entry) => total + entry[field], 0);
