import type {Daemon} from '../support/daemon.ts';

type Texts = Readonly<Record<string, string>>;
type Changes = Readonly<Record<string, string | null>>;

export interface PodOptions {
  readonly annotations: Texts;
  /** Those of a proxy when absent. */
  readonly labels?: Texts;
  /** Lacks, until `complete`, a fact that a start cannot do without. */
  readonly isIncomplete?: boolean;
  /** Something that the API gives and the shipped Role alone does not reach. */
  readonly permits?: 'certificates';
}

/** What lies around one pod, as a cluster moves it: the same cases run for every way in which a daemon can see it. */
export interface PodWorld extends AsyncDisposable {
  /** The environment of the pod's container. */
  readonly env: Texts;
  /** Sets annotations, removes those that are null. */
  annotate(changes: Changes): Promise<void>;
  complete(): Promise<void>;
  /** The files of the TLS Secret `secret-a`; null: there is none any more. */
  setCertificate(files: Texts | null): Promise<void>;
  /** The source fails; resolves once the daemon has noticed. What is annotated meanwhile is there when it is mended. */
  fail(daemon: Daemon): Promise<void>;
  mend(): Promise<void>;
  /** Whether people were told of something that went wrong with the configuration, where they look in this world. */
  isTold(daemon: Daemon, reason: 'ConfigurationRefused' | 'Recovered'): Promise<boolean>;
}

/** One way in which a daemon sees its pod. */
export interface PodSource {
  /** As `/status` names it. */
  readonly name: 'api' | 'downward';
  open(options: PodOptions): Promise<PodWorld>;
  /** What it says of things that are not there for it. */
  readonly says: {
    /** A start ends for want of a fact. */
    readonly incomplete: RegExp;
    readonly noCertificate: RegExp;
    readonly lostCertificate: RegExp;
    readonly noServices: RegExp;
  };
  /** The node, where only the Role of `base` is granted. */
  readonly node: 'forbidden' | null;
}
