import type {Problem, Status} from './status-types.ts';

type Given = Omit<Status, 'problems' | 'hosts' | 'digest'>;

const proxyProblem = ({proxy, uptimeMs}: Given): Problem[] => {
  if (proxy.state === 'RUNNING') return [];
  if (proxy.state === 'STARTING' || proxy.generation === 0) {
    const why = proxy.generation === 0 ? 'no generation has served yet' : `generation ${proxy.generation} is starting`;
    return [{severity: 'bad', what: 'HAProxy does not serve yet', why: `${why} (${Math.round(uptimeMs / 1000)} s up)`}];
  }
  return [
    {
      severity: 'bad',
      what: `HAProxy is ${proxy.state}`,
      why: `generation ${proxy.generation}, restarted ${proxy.restarts} times: see proxy.out and the log`,
    },
  ];
};

const timeOf = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

const whatOf = ({sinceAt, serving}: NonNullable<Given['refused']>): string => {
  const refused = `The template of ${timeOf(sinceAt)} is refused`;
  return serving === null
    ? `${refused}, and the last good one fails with the pods of today`
    : `${refused}: the one of pass ${serving.pass} (${timeOf(serving.sinceAt)}) serves the pods of today`;
};

const driftProblem = (first: Given['drift']['deviations'][number], count: number): Pick<Problem, 'what' | 'why'> => ({
  what: `HAProxy runs something else than its configuration for ${count === 1 ? 'a server' : `${count} servers`}`,
  why:
    `${first.backend}/${first.server}: ${first.what} is ${first.found}, not ${first.expected}, since ${timeOf(first.sinceAt)}; ` +
    'somebody told HAProxy so, or it did not do what it was told: POST /reconfigure has it run its configuration again',
});

/** Everything about a status that is red or amber, the worst first. Pure. */
export function deriveProblems(status: Given): Problem[] {
  const {inSync, lastError, ready, store, held, refused, drift, proxy, guard, lifecycle} = status;
  const problems = proxyProblem(status);
  if (refused !== null) {
    problems.push({severity: 'bad', what: whatOf(refused), why: refused.reason});
  } else if (lastError !== null) {
    problems.push({severity: 'bad', what: 'The last pass failed: the last good configuration serves', why: lastError});
  } else if (drift.count === 0 && !inSync && proxy.state === 'RUNNING') {
    problems.push(
      status.reload.last === null
        ? {severity: 'bad', what: 'Not in sync', why: 'no pass has ended since the daemon started'}
        : {
            severity: 'notice',
            what: 'A change is on its way',
            why: 'it waits for quiet (KONTROL_DAMPER), or its pass runs',
          },
    );
  }
  const [first] = drift.deviations;
  if (first !== undefined) problems.push({severity: 'bad', ...driftProblem(first, drift.count)});
  if (!ready && proxy.state === 'RUNNING' && status.lifecycle.state !== 'stop') {
    problems.push({
      severity: 'notice',
      what: 'Not ready',
      why: 'slaves that were here before are given one keepalive period to come back (KONTROL_WARMUP)',
    });
  }
  if (status.lifecycle.state === 'stop') {
    problems.push({severity: 'notice', what: 'Stopping', why: 'the daemon was told to stop: connections are drained'});
  }
  if (!store.healthy) {
    problems.push({
      severity: 'bad',
      what: `The ${store.kind} store does not answer`,
      why: 'members are kept as they were known; new ones sort last until it is back',
    });
  }
  if (guard.held > 0) {
    problems.push({
      severity: 'notice',
      what: `${guard.held} silent members are held`,
      why: 'more than half of an app fell silent at once: they stay for 2 x KONTROL_TTL, in case it is not them',
    });
  }
  if (lifecycle.error !== null && lifecycle.error !== lastError) {
    problems.push({severity: 'bad', what: `State ${lifecycle.state} failed`, why: lifecycle.error});
  }
  if (held !== null) {
    problems.push({
      severity: 'notice',
      what: `Rolled back to the template of pass ${held.pass}`,
      why: 'template changes are not applied until it is released (POST /release)',
    });
  }
  return problems;
}
