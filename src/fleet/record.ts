/** One replica as the others see it. `digest` is of the hosts that it knows, `inSync` whether its proxy serves them. */
export interface ReplicaState {
  readonly version: string;
  readonly generation: number;
  readonly digest: string;
  readonly inSync: boolean;
}

/** A replica's entry: `run` tells one start of its daemon from the next. */
export interface ReplicaRecord extends ReplicaState {
  readonly id: string;
  readonly run: string;
  readonly startedAt: number;
  /** It stops in an orderly way: what it heard is told. */
  readonly leaving: boolean;
}

export const encodeRecord = (record: ReplicaRecord): string => JSON.stringify(record);

type Fields = Readonly<Record<string, unknown>>;

/** Reads an entry back; undefined for what is none. */
export function decodeRecord(text: string): ReplicaRecord | undefined {
  try {
    const fields = (JSON.parse(text) ?? {}) as Fields;
    const {id, run, startedAt, leaving, version, generation, digest, inSync} = fields;
    const texts = [id, run, version, digest].map(String);
    const [idText = '', runText = '', versionText = '', digestText = ''] = texts;
    if (typeof id !== 'string' || typeof digest !== 'string' || typeof generation !== 'number') return undefined;
    return {
      id: idText,
      run: runText,
      startedAt: Number(startedAt) || 0,
      leaving: leaving === true,
      version: versionText,
      generation,
      digest: digestText,
      inSync: inSync === true,
    };
  } catch {
    return undefined;
  }
}

/** One entry per replica, by id: of several runs the newest, since an older one is about to be missed. */
export function latestRuns(records: Iterable<ReplicaRecord>): ReplicaRecord[] {
  const latest = new Map<string, ReplicaRecord>();
  for (const record of records) {
    if (record.leaving) continue;
    const other = latest.get(record.id);
    if (other === undefined || other.startedAt <= record.startedAt) latest.set(record.id, record);
  }
  return [...latest.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}
