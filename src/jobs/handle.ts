/** What a job command came to: what supervisorctl would print, and whether it went well. */
export interface JobAnswer {
  readonly ok: boolean;
  /** `started`, `stopped`, `ERROR (not running)`. */
  readonly text: string;
  /** The same of the stop before the start, in a restart. */
  readonly first?: string;
  /** It had HAProxy take a configuration, or (with a fault) tried to: the state whose block asked for it shares that. */
  readonly applied?: {readonly fault: unknown};
}

/** How a job is, as `supervisorctl status` shows it. */
export interface JobStatus {
  /** `STOPPED`, `RUNNING`, ... */
  readonly state: string;
  /** `pid 17, uptime 0:01:02`, or why it does not run. */
  readonly description: string;
}

/** A job as it is spoken to by name, whether HAProxy's generations or one child process are behind it. */
export interface JobHandle {
  readonly name: string;
  /** Resolves once it runs, or cannot. Started already is fine, and said. */
  start(): Promise<JobAnswer>;
  stop(): Promise<JobAnswer>;
  restart(): Promise<JobAnswer>;
  status(): JobStatus;
  /** The last lines it wrote, oldest first. */
  tail(): readonly string[];
}

/** `1:01:02`, with days before it from the second one on, as supervisorctl says it. */
export function formatUptime(uptimeMs: number): string {
  const seconds = Math.max(0, Math.floor(uptimeMs / 1000));
  const pad = (number: number) => String(number).padStart(2, '0');
  const days = Math.floor(seconds / 86_400);
  const clock = `${Math.floor((seconds % 86_400) / 3600)}:${pad(Math.floor((seconds % 3600) / 60))}:${pad(seconds % 60)}`;
  return days === 0 ? clock : `${days} ${days === 1 ? 'day' : 'days'}, ${clock}`;
}
