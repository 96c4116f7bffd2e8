import {isSystemFault} from '../errors.ts';
import {yieldToLoop} from '../ports/event-loop.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {createQueue} from '../ports/queue.ts';
import {createSource, type OpenSource, type Source} from '../ports/source.ts';
import {adviceOn} from '../ports/write-fault.ts';
import {derivePatch, EMPTY_PATCH} from '../proxy/patch.ts';
import {redactConfiguration} from '../proxy/redact.ts';
import {
  appendEntry,
  deriveMovers,
  type History,
  type HistoryEntry,
  lastPassOf,
  lastServed,
  type Mover,
  noHistory,
  type TextRef,
  textsToKeep,
} from './history.ts';
import {decodeHistory, encodeHistory} from './history-text.ts';
import {type KeptTexts, openKeptTexts} from './kept-texts.ts';
import type {PassMaterial, PassRecord} from './passes.ts';

/** A configuration as whoever asks may see it, or as it is. */
export type TextAs = 'shown' | 'revealed';

/** A text as `as` says. */
export const textAs = (text: string | undefined, as: TextAs): string | undefined =>
  text === undefined || as === 'revealed' ? text : redactConfiguration(text);

export interface HistoryPorts {
  readonly files: Files;
  readonly log: Log;
  /** `<KONTROL_DATA>/history` */
  readonly folder: string;
  /** Why a pod that is gone went. */
  readonly whyLeft: (pod: Mover) => string;
}

/** The passes of this and earlier daemons on this data folder. */
export interface PassHistory {
  /** Oldest first. */
  readonly entries: readonly HistoryEntry[];
  /** The number of the last pass there was, 0 before the first: numbers go on across restarts. */
  readonly lastPass: number;
  /** The text of the last pass that went well and the pods that it was made for; undefined when nobody knows. */
  readonly served: {readonly text: string; readonly pods: readonly Pick<Mover, 'app' | 'ip'>[]} | undefined;
  entry(pass: number): HistoryEntry | undefined;
  /** Files a pass away, in the background: a full disk costs the memory of it and nothing else. */
  record(record: PassRecord, material: PassMaterial): void;
  /** The configuration of a pass; undefined when its text is not kept (any more). */
  configuration(entry: HistoryEntry, as: TextAs): Promise<string | undefined>;
  /** The template of a pass as it was, for a rollback. */
  template(entry: HistoryEntry): Promise<string | undefined>;
  /** Whether a text can be loaded, as far as is known: somebody may remove its file. */
  isKept(ref: TextRef): boolean;
  /** Each entry of this daemon, once it is complete. */
  readonly added: Source<HistoryEntry>;
  /** Why the passes are not on disk; each pass tries again. */
  readonly fault: string | undefined;
  /** Resolves when all that was recorded is on disk. */
  settled(): Promise<void>;
}

/** A difference longer than this is cut in the history; `/config/diff` shows all of it. */
const MAX_DIFFERENCE_CHARACTERS = 16_384;

const FILE_MODE = 0o600;

interface State {
  readonly ports: HistoryPorts;
  readonly path: string;
  readonly added: OpenSource<HistoryEntry>;
  texts: KeptTexts | undefined;
  history: History;
  /** Why what was tried last failed. */
  fault: string | undefined;
  /** The text that serves, as far as the history knows, and as it is shown. */
  served: string | undefined;
  shown: string;
  /** The texts of the last pass that went well, by digest: written again where their files are gone. */
  serving: ReadonlyMap<string, string>;
}

/** Opens the history of a data folder. What is damaged is set aside with a warning; it never stops the daemon. */
export async function openHistory(ports: HistoryPorts): Promise<PassHistory> {
  const filings = createQueue();
  const state: State = {
    ports,
    path: `${ports.folder}/passes.json`,
    added: createSource(),
    texts: undefined,
    history: noHistory,
    fault: undefined,
    served: undefined,
    shown: '',
    serving: new Map(),
  };
  await attempt(state, 'history not restored', () => restore(state));
  return {
    get entries() {
      return state.history.entries;
    },
    lastPass: lastPassOf(state.history.entries),
    get served() {
      return state.served === undefined ? undefined : {text: state.served, pods: state.history.pods};
    },
    entry: pass => state.history.entries.find(entry => entry.pass === pass),
    record(record, material) {
      void filings.add(() => file(state, record, material));
    },
    async configuration({configuration}, as) {
      const text = await load(state, configuration);
      return textAs(text, as);
    },
    template: ({template}) => load(state, template),
    isKept: ({digest}) => state.serving.has(digest) || state.texts?.has(digest) === true,
    added: state.added,
    get fault() {
      return state.fault;
    },
    settled: filings.settled,
  };
}

async function attempt(state: State, what: string, act: () => Promise<void>): Promise<void> {
  const {log} = state.ports;
  try {
    await act();
    if (state.fault !== undefined) log.info('history written again');
    state.fault = undefined;
  } catch (err) {
    if (!isSystemFault(err)) throw err;
    if (state.fault === undefined) log.warn({err}, what);
    state.fault = `${what}: ${adviceOn(state.ports.folder, err)}`;
  }
}

async function restore(state: State): Promise<void> {
  const {ports, path} = state;
  const {files, folder, log} = ports;
  await files.makeFolder(folder);
  state.texts = await openKeptTexts(files, folder);
  const text = await files.readText(path);
  if (text === undefined) return;
  const decoded = decodeHistory(text);
  if (decoded !== undefined) state.history = decoded;
  else {
    log.warn({reason: 'it was cut or altered'}, 'history not restored: set aside');
    await files.rename(path, `${path}.corrupt`);
  }
  const last = lastServed(state.history.entries);
  if (last === undefined) return;
  state.served = await load(state, last.configuration);
  state.shown = redactConfiguration(state.served ?? '');
  state.serving = textsBy(last, {text: state.served, template: await load(state, last.template)});
}

/** The texts that there are, by the digests of their pass. */
const textsBy = (
  {configuration, template: made}: Pick<HistoryEntry, 'configuration' | 'template'>,
  {text, template}: {readonly text: string | undefined; readonly template: string | undefined},
): Map<string, string> =>
  new Map(
    [[configuration, text] as const, [made, template] as const].flatMap(([ref, kept]) =>
      ref === null || kept === undefined ? [] : [[ref.digest, kept] as const],
    ),
  );

/** With thousands of servers each step takes milliseconds: pings are answered between them. */
async function file(state: State, record: PassRecord, {input, text}: PassMaterial): Promise<void> {
  const {ports, history, served, shown} = state;
  const pods = input?.variables.pods.map(({app, ip, id}) => ({app, ip, id})) ?? history.pods;
  const movers = deriveMovers(history.pods, pods, ports.whyLeft);
  await yieldToLoop();
  const isChanged = text !== undefined && text !== served;
  const to = isChanged ? redactConfiguration(text) : shown;
  await yieldToLoop();
  const difference = isChanged ? derivePatch(shown, to, MAX_DIFFERENCE_CHARACTERS) : EMPTY_PATCH;
  const secretsChanged = isChanged && served !== undefined && shown === to;
  let refs: Pick<HistoryEntry, 'configuration' | 'template'> = {configuration: null, template: null};
  await attempt(state, 'history not written', async () => {
    refs = {configuration: await keep(state, text), template: await keep(state, input?.template)};
    if (record.verdict === 'failed') for (const kept of state.serving.values()) await keep(state, kept);
  });
  const entry: HistoryEntry = {...record, ...movers, difference, secretsChanged, ...refs};
  // Who left while passes failed is taken out by the one that does not.
  state.history = appendEntry(history, entry, record.verdict === 'failed' ? history.pods : pods);
  if (record.verdict !== 'failed') {
    [state.served, state.shown] = [text ?? served, to];
    state.serving = textsBy(refs, {text, template: input?.template});
  }
  // A retry is told as the entry that it was folded into.
  state.added.tell(state.history.entries.at(-1) ?? entry);
  await attempt(state, 'history not written', () => write(state));
}

const keep = async ({texts}: State, text: string | undefined): Promise<TextRef | null> =>
  text === undefined || texts === undefined ? null : texts.keep(text);

async function write({ports, path, history, texts}: State): Promise<void> {
  await ports.files.replace(path, encodeHistory(history), FILE_MODE);
  await texts?.sweep(textsToKeep(history.entries));
}

const load = async ({texts, serving}: State, ref: TextRef | null): Promise<string | undefined> =>
  ref === null ? undefined : (serving.get(ref.digest) ?? (await texts?.load(ref.digest).catch(() => undefined)));
