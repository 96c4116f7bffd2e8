import type {LogLevel} from '../ports/log.ts';

export type Labels = Readonly<Record<string, string>>;

/** Where the template's text comes from: given as text (annotation or variable), or a file that is followed. */
export type TemplateSource =
  | {readonly is: 'text'; readonly text: string; readonly from: string}
  | {readonly is: 'file'; readonly path: string};

/** A host and port that this pod's keepalives go to. */
export interface MasterAddress {
  readonly host: string;
  readonly port: number;
}

export type ReloadSetting = 'auto' | 'syn-drop' | 'classic' | 'plain';

/** What this pod is, as its Pod object says. */
export interface Self {
  readonly namespace: string;
  readonly id: string;
  /** Canonical address; absent only where nothing needs it (no slave role). */
  readonly ip: string | undefined;
  readonly app: string;
  readonly role: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  /** The node's external address, when known. */
  readonly eip: string | undefined;
  readonly node: {readonly labels: Labels; readonly annotations: Labels};
}

/** Everything that can be set, read once and frozen. README "Settings" lists the variable behind each field. */
export interface Config {
  readonly mode: {readonly master: boolean; readonly slave: boolean};
  readonly logLevel: LogLevel;
  readonly self: Self;
  readonly template: TemplateSource | undefined;
  /** Port 0 takes any free port. */
  readonly port: number;
  readonly statusPort: number;
  readonly ttlMs: number;
  readonly damperMs: number;
  readonly damperMaxMs: number;
  readonly warmupMs: number;
  readonly maxMembers: number;
  readonly lingerMs: number;
  readonly graceMs: number;
  readonly settleMs: number;
  /** What a template may take to render. */
  readonly renderTimeoutMs: number;
  readonly drain: {readonly maxAgeMs: number; readonly maxCount: number};
  readonly dataFolder: string;
  readonly haproxy: string;
  readonly reload: ReloadSetting;
  /** A path, or undefined for the packaged manifest. */
  readonly lifecycle: string | undefined;
  readonly masters: readonly MasterAddress[];
  readonly payloadFile: string;
  /** The `KONTROL_*` variables as they were given: what a template may see of the environment. */
  readonly env: Labels;
}
