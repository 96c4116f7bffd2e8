import type {DemoPod} from './backend.ts';

/** What the demo prints once it serves: where things are, and what to try. */
export function describeDemo(given: {
  readonly web: number;
  readonly master: number;
  readonly status: number;
  readonly pods: readonly DemoPod[];
  readonly logFile: string;
  readonly ttlMs: number;
  /** How this program is called from here. */
  readonly program: string;
}): string {
  const {web, master, status, pods, logFile, ttlMs, program} = given;
  const kontrol = `KONTROL_STATUS_PORT=${status} ${program}`;
  const addressOf = (pod: DemoPod | undefined) => `http://${pod?.ip}:${pod?.port}`;
  const [, second, third] = pods;
  return `
haproxy-kontrol serves ${pods.length} backends. The dashboard is at http://127.0.0.1:${status}/. In another terminal:

  curl http://127.0.0.1:${web}/                     one backend's name; again: the next one's
  curl http://127.0.0.1:${status}/status              what it is doing
  curl http://127.0.0.1:${status}/config              what HAProxy runs
  curl http://127.0.0.1:${master}/state               the hosts map, as the 2017 master showed it

  curl -X POST ${addressOf(second)}/leave     ${second?.name} says down: out within a second
  curl -X POST ${addressOf(third)}/silence   ${third?.name} falls silent: out after its TTL of ${ttlMs / 1000} s
  curl -X POST ${addressOf(second)}/return    ${second?.name} is in again

  ${kontrol} status         is it well, and if not, why?
  ${kontrol} history        what changed, and when?
  ${kontrol} members        who is alive, and what HAProxy sees of each?

The daemon's log is in ${logFile}. Ctrl-C stops everything.
`;
}
