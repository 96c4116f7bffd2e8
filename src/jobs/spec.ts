/** Which ends of a process that had come up are answered with another start; `unexpected`: by an exit code that is not among the expected ones, or by a signal. */
export type AutoRestart = 'always' | 'unexpected' | 'never';

/** A job as `lifecycle.yml` declares it: supervisord's settings under supervisord's names, times in ms. */
export interface JobSpec {
  readonly name: string;
  /** A line for `/bin/sh`, which is replaced by it (`exec`); or a program and its arguments. */
  readonly command: string | readonly string[];
  /** Started once the initial state is done. */
  readonly autostart: boolean;
  readonly autorestart: AutoRestart;
  /** It is RUNNING once it has lived that long. */
  readonly startMs: number;
  /** Starts that may fail in a row after the first; one more and it is FATAL. */
  readonly startretries: number;
  readonly stopsignal: NodeJS.Signals;
  /** SIGKILL follows after that, to all of its process group. */
  readonly stopWaitMs: number;
  readonly exitcodes: readonly number[];
  /** Where its program is not installed, it is not started, which is no fault. */
  readonly optional: boolean;
  /** A start that fails is said, and no fault of whoever asked for it: supervisorctl exited 0 on it in 2017. */
  readonly mayFail: boolean;
}

/** What a setting is when it is not given: supervisord's defaults. */
export const JOB_DEFAULTS = {
  autostart: true,
  autorestart: 'unexpected',
  startMs: 1000,
  startretries: 3,
  stopsignal: 'SIGTERM',
  stopWaitMs: 10_000,
  exitcodes: [0],
  optional: false,
  mayFail: false,
} as const satisfies Partial<JobSpec>;
