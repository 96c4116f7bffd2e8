/**
 * Every way the daemon can fail, and the exit code each one has when it ends the process.
 * Codes are part of the interface (docs/exit-codes.md): add, never renumber. 0 is kept for a drained, orderly stop.
 */
export const EXIT_CODES = {
  UNEXPECTED: 1,
  CONFIG: 2,
  DATA: 3,
  HAPROXY: 4,
  LISTEN: 5,
  LIFECYCLE: 6,
  RENDER: 7,
  VALIDATE: 8,
  APPLY: 9,
  PROXY: 10,
  DRAIN: 11,
  UNHEALTHY: 12,
  UNREACHABLE: 13,
  KUBERNETES: 20,
  USAGE: 64,
} as const;

export type ErrorCode = keyof typeof EXIT_CODES;

/**
 * The one error class of the daemon. `message` reads `cannot <verb> <object>: <reason>` and fits on one line;
 * `detail` holds what a child wrote or what else is too long for a line; `cause` is the error underneath.
 */
export class DaemonError extends Error {
  readonly code: ErrorCode;
  readonly detail: string | undefined;

  constructor(code: ErrorCode, message: string, options: {cause?: unknown; detail?: string | undefined} = {}) {
    super(message, 'cause' in options ? {cause: options.cause} : undefined);
    this.name = 'DaemonError';
    this.code = code;
    this.detail = options.detail;
  }
}

/** HAProxy ended by itself, with an exit code, when it was started: its configuration may be the cause, which passed the check. */
export class StartRefused extends DaemonError {}

/** Whether that is at the root of a fault, in whatever words it is told by now. */
export const isStartRefusal = (fault: unknown): boolean =>
  fault instanceof StartRefused || (fault instanceof DaemonError && isStartRefusal(fault.cause));

/** A rendering or a check that was ended from outside, since it took too much of something. */
export class OverLimit extends DaemonError {}

/** What work ends with that a stop of the daemon cut short: nothing failed. */
export class CutShort extends DaemonError {}

/** The message of anything that was thrown. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Whether an error is the system's word on a file, a socket or a process: whoever loops over such effects takes no
 * other. What else is thrown there is a bug of ours and fatal; Node's own `ERR_*` say that it was called wrongly.
 */
export const isSystemFault = (error: unknown): boolean => systemCodeOf(error)?.startsWith('ERR_') === false;

/** Whether somebody foresaw it: a fault of ours in words, or the system's. */
const isFault = (error: unknown): boolean => error instanceof DaemonError || isSystemFault(error);

/**
 * Throws again what nobody foresaw: a bug of ours, which is no fault of a template, a pod or HAProxy. First thing where a
 * `catch` goes on: nobody takes it then, and it ends the daemon (`installFatal`).
 */
export function rethrowBug(error: unknown): void {
  if (!isFault(error)) throw error;
}

/** The message of a fault; what is none is thrown again, as by `rethrowBug`. */
export function foreseenReason(error: unknown): string {
  rethrowBug(error);
  return reasonOf(error);
}

/** The `code` that Node puts on its system errors (`ENOENT`, `ECONNREFUSED`), or undefined. */
export const systemCodeOf = (error: unknown): string | undefined => {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
};
