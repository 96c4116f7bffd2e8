import type {AddressRange} from '../members/address-range.ts';
import type {LogLevel} from '../ports/log-level.ts';
import type {ReloadSetting} from '../reload/ways.ts';
import type {EtcdSettings} from './etcd.ts';

export type LogFormat = 'json' | 'pretty';

export type Labels = Readonly<Record<string, string>>;

/** Where the template's text comes from: the pod's annotation as it is now, a variable, or a file that is followed. */
export type TemplateSource =
  | {readonly is: 'annotation'}
  | {readonly is: 'text'; readonly text: string; readonly from: string}
  | {readonly is: 'file'; readonly path: string};

/** A host and port that this pod's keepalives go to. */
export interface MasterAddress {
  readonly host: string;
  readonly port: number;
}

/** What this pod is, as its Pod object says. */
export interface Self {
  readonly namespace: string;
  readonly id: string;
  /** An IP literal in any spelling; absent only where nothing needs it (no slave role). */
  readonly ip: string | undefined;
  readonly app: string;
  readonly role: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  /** The node's external address, when known. */
  readonly eip: string | undefined;
  readonly node: {readonly labels: Labels; readonly annotations: Labels};
}

/** Where the pod's own facts, and what else the cluster knows, come from. */
export interface PodSettings {
  readonly namespace: string;
  /** The pod's name. */
  readonly id: string;
  /** The folder of a downward-API volume, when there is one. */
  readonly downward: string | undefined;
  /** The Kubernetes API, when it is to be used: its address and the folder with `token` and `ca.crt`. */
  readonly api: {readonly server: string; readonly credentials: string} | undefined;
  /** How long a start waits for facts that it cannot do without. */
  readonly waitMs: number;
  /** A folder of mounted certificates. */
  readonly certs: string | undefined;
}

/** Who may ping (KONTROL_VERIFY, KONTROL_VERIFY_NAMESPACES, KONTROL_PING_TOKEN_FILE). */
export interface VerifySettings {
  readonly source: boolean;
  /** The namespaces whose pods may; undefined where the cluster is not asked. `*` is all of them. */
  readonly namespaces: readonly string[] | undefined;
  readonly tokenFile: string | undefined;
}

/** Everything that can be set, read once and frozen. docs/settings.md lists the variable behind each field. */
export interface Config {
  readonly mode: {readonly master: boolean; readonly slave: boolean};
  readonly logLevel: LogLevel;
  readonly self: Self;
  readonly pod: PodSettings;
  readonly verify: VerifySettings;
  readonly template: TemplateSource | undefined;
  /** Port 0 takes any free port. */
  readonly port: number;
  readonly statusPort: number;
  /** Names beside the pod's own that the status port answers to from loopback, in lower case. */
  readonly statusHosts: readonly string[];
  readonly ttlMs: number;
  readonly damperMs: number;
  readonly damperMaxMs: number;
  readonly warmupMs: number;
  /** Addresses that members may have though no pod has such ones elsewhere. */
  readonly memberRanges: readonly AddressRange[];
  readonly maxMembers: number;
  /** All members' payloads together, as JSON. */
  readonly maxPayloadBytes: number;
  readonly lingerMs: number;
  readonly graceMs: number;
  readonly settleMs: number;
  /** How much of an app may be left out because a template fails with it, per cent; 0: nobody ever. */
  readonly quarantinePercent: number;
  /** How many servers for pods to come HAProxy is started with, by app; `auto`: some, where it cannot add any (before 2.6). */
  readonly spareServers: 'auto' | number;
  /** What a template may take to render. */
  readonly renderTimeoutMs: number;
  readonly drain: {readonly maxAgeMs: number; readonly maxCount: number};
  /** A HAProxy that answers nothing for so long is ended and started anew; 0: never. */
  readonly hangMs: number;
  /** A listener whose answers of class 5xx are more per cent than this, over this time, is a problem; 0: never. */
  readonly errorBound: {
    readonly percent: number;
    readonly windowMs: number;
    /** Frontends and backends whose answers of that class are meant. */
    readonly meant: readonly string[];
  };
  /** Frontends and backends of which nothing that HAProxy counts is a problem. */
  readonly notJudged: readonly string[];
  readonly dataFolder: string;
  readonly haproxy: string;
  readonly reload: ReloadSetting;
  /** A path, or undefined for the packaged manifest. */
  readonly lifecycle: string | undefined;
  /** The control socket. */
  readonly socketPath: string;
  readonly telegrafConf: string;
  /** Run after each new configuration with `/bin/sh -c`. */
  readonly callback: string | undefined;
  /** `PUT /script` is on, for whoever has the token in that file. */
  readonly script: {readonly tokenFile: string} | undefined;
  /** Where counters go to, if anywhere. */
  readonly statsd: {readonly host: string; readonly port: number} | undefined;
  readonly masters: readonly MasterAddress[];
  readonly payloadFile: string;
  /** Undefined for the embedded store. */
  readonly etcd: EtcdSettings | undefined;
  /** The file with the operators' token; undefined switches changes over HTTP off. */
  readonly tokenFile: string | undefined;
  readonly logFormat: LogFormat;
  /** Where HAProxy's log lines are taken in (port 0: any free one), or undefined for not at all. */
  readonly accessLog: {readonly port: number; readonly linesPerSecond: number} | undefined;
  /** The `KONTROL_*` variables as they were given: what a template may see of the environment. */
  readonly env: Labels;
}
