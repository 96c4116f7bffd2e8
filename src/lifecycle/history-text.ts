import type {History, HistoryEntry, Mover} from './history.ts';

const FORMAT = 'haproxy-kontrol history';
const VERSION = 1;

/** Writes a history as JSON text. */
export const encodeHistory = (history: History): string =>
  `${JSON.stringify({format: FORMAT, version: VERSION, ...history})}\n`;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What comes back as it was when it is written as JSON: 1e999 is read as Infinity, -0 is written as 0. */
const isWritable = (value: unknown): boolean => {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  return typeof value !== 'object' || value === null || Object.values(value).every(isWritable);
};

const isRef = (value: unknown): boolean =>
  value === null ||
  (isObject(value) && /^[0-9a-f]{64}$/.test(String(value.digest)) && Number.isSafeInteger(value.bytes));

const areMovers = (value: unknown): boolean =>
  isObject(value) && Array.isArray(value.pods) && value.pods.every(isMover);

const isMover = (value: unknown): value is Mover =>
  isObject(value) && [value.app, value.ip, value.id].every(field => typeof field === 'string');

const isEntry = (value: unknown): value is HistoryEntry =>
  isObject(value) &&
  Number.isSafeInteger(value.pass) &&
  Number.isSafeInteger(value.startedAt) &&
  typeof value.cause === 'string' &&
  typeof value.verdict === 'string' &&
  isObject(value.phasesMs) &&
  isObject(value.difference) &&
  typeof value.difference.text === 'string' &&
  areMovers(value.joined) &&
  areMovers(value.left) &&
  isRef(value.configuration) &&
  isRef(value.template);

/** Reads what `encodeHistory` wrote; undefined for anything else (a cut file, another version). Never throws. */
export function decodeHistory(text: string): History | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value) || value.format !== FORMAT || value.version !== VERSION) return undefined;
  if (!isWritable(value)) return undefined;
  const {entries, pods} = value;
  if (!Array.isArray(entries) || !entries.every(isEntry)) return undefined;
  if (!Array.isArray(pods) || !pods.every(isMover)) return undefined;
  return {entries, pods};
}
