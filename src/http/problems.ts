import type {AbsentApp} from '../members/absence.ts';
import type {Trouble} from '../proxy/troubles.ts';
import type {StatedProblem, Status} from './status-types.ts';

type Given = Omit<Status, 'problems' | 'hosts' | 'digest'>;

/** What is known beside the fields of a status. */
export interface Seen {
  /** What HAProxy's own counters say. */
  readonly troubles: readonly Trouble[];
  readonly absent: readonly AbsentApp[];
  readonly isAnybodyThere: boolean;
}

const NOTHING_SEEN: Seen = {troubles: [], absent: [], isAnybodyThere: true};

/** Of the same kind, no more are listed. */
const MAX_ALIKE = 20;

const bad = (kind: string, what: string, why: string, todo: string, subject: string | null = null): StatedProblem => ({
  kind,
  subject,
  severity: 'bad',
  what,
  why,
  todo,
});

const notice = (...words: Parameters<typeof bad>): StatedProblem => ({...bad(...words), severity: 'notice'});

/** Everything about a status that is red or amber, the worst first. Pure. */
export function deriveProblems(status: Given, seen: Seen = NOTHING_SEEN): StatedProblem[] {
  return [
    ...proxyProblems(status),
    ...seen.troubles.slice(0, MAX_ALIKE).map(problemOfTrouble),
    ...absenceProblems(seen),
    ...syncProblems(status),
    ...quarantineProblems(status),
    ...standingProblems(status),
  ];
}

function proxyProblems({proxy, uptimeMs}: Given): StatedProblem[] {
  const {state, generation, restarts, pid, silentMs, isHung} = proxy;
  if (state === 'RUNNING') {
    if (silentMs === 0) return [];
    const what = `HAProxy has not answered for ${Math.round(silentMs / 1000)} s`;
    const why = `PID ${pid} says nothing over its runtime socket, so clients are not served either`;
    const todo = 'wait: it is ended and started anew after KONTROL_HANG; if that recurs, see the log before it';
    return [(isHung ? bad : notice)('hung', what, why, todo)];
  }
  if (state === 'STARTING' || generation === 0) {
    const why = generation === 0 ? 'no generation has served yet' : `generation ${generation} is starting`;
    const up = `${why} (${Math.round(uptimeMs / 1000)} s up)`;
    return [bad('down', 'HAProxy does not serve yet', up, 'wait; if it lasts, see the log')];
  }
  const why = `generation ${generation}, restarted ${restarts} times: see proxy.out and the log`;
  return [bad('down', `HAProxy is ${state}`, why, 'mend what HAProxy complains of, or go back to an earlier pass')];
}

function problemOfTrouble(trouble: Trouble): StatedProblem {
  switch (trouble.is) {
    case 'down':
      return bad(
        'backend-down',
        `No server of backend ${trouble.name} is up`,
        'it has servers, and their checks fail or they are in maintenance: its requests get 503',
        'see why they are down: haproxy-kontrol members; then look at those pods',
        trouble.name,
      );
    case 'queue':
      return notice(
        'queue',
        `${trouble.waiting} requests wait for a server of backend ${trouble.name}`,
        'all its servers have as many connections as their maxconn allows',
        'add pods, or raise maxconn of the servers in the template',
        trouble.name,
      );
    case 'full':
      return bad(
        'sessions',
        `Frontend ${trouble.name} takes no more connections`,
        `it has the ${trouble.limit} that its maxconn allows: more clients wait`,
        'add replicas of the proxy, or raise its maxconn in the template',
        trouble.name,
      );
    case 'full-process':
      return bad(
        'sessions',
        'HAProxy takes no more connections',
        `it has the ${trouble.limit} that the global maxconn allows: more clients wait`,
        'add replicas of the proxy, or raise the global maxconn in the template',
      );
    case 'errors':
      return bad(
        'errors',
        `${trouble.percent} % of what ${trouble.name} answers are errors of class 5xx`,
        `of its last ${trouble.requests} requests (KONTROL_5XX says how many are too many)`,
        'see which servers they come from: haproxy-kontrol logs --access, haproxy-kontrol top',
        trouble.name,
      );
  }
}

function absenceProblems({absent, isAnybodyThere}: Seen): StatedProblem[] {
  const apps = absent.map(({app}) => app).join(', ');
  if (absent.length === 0) return [];
  if (!isAnybodyThere) {
    const why = `all pods of ${apps} left or fell silent: whatever the template sends to them gets 503`;
    const todo = 'see whether those pods run and reach this one on port 8000: haproxy-kontrol members --gone';
    return [bad('members', 'Nobody is left to serve', why, todo)];
  }
  return absent.slice(0, MAX_ALIKE).map(({app}) => {
    const why = 'the others are there; this is forgotten an hour after the last one left';
    return notice('members', `No pod of ${app} is left`, why, 'see whether that is meant', app);
  });
}

const timeOf = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

const ofReplica = (id: string | null): string => (id === null ? '' : ` of replica ${id}`);

function refusalProblem({sinceAt, serving, reason}: NonNullable<Given['refused']>): StatedProblem {
  const refused = `The template of ${timeOf(sinceAt)} is refused`;
  const what =
    serving === null
      ? `${refused}, and the last good one fails with the pods of today`
      : `${refused}: the one of pass ${serving.pass}${ofReplica(serving.replica)} (${timeOf(serving.sinceAt)}) serves the pods of today`;
  const todo = 'mend the template; haproxy-kontrol check --template FILE tries one out before it is used';
  return bad('template', what, reason, todo);
}

/** Of the pods in quarantine, so many are named with the words for each. */
const MAX_NAMED_PODS = 5;

function quarantineProblems({quarantined}: Given): StatedProblem[] {
  if (quarantined.length === 0) return [];
  const count = quarantined.length;
  const who = count === 1 ? 'A pod is' : `${count} pods are`;
  const what = `${who} in quarantine: no configuration can be made with what ${count === 1 ? 'it says' : 'they say'}`;
  const named = quarantined
    .slice(0, MAX_NAMED_PODS)
    .map(({app, ip, id, served, reason}) => `${app} ${ip} (${id}), served ${served}: ${reason}`);
  const more = count > MAX_NAMED_PODS ? `; and ${count - MAX_NAMED_PODS} more: haproxy-kontrol members` : '';
  const apps = [...new Set(quarantined.filter(({overBound}) => overBound).map(({app}) => app))];
  const why = named.join('; ') + more;
  if (apps.length === 0) return [bad('quarantine', what, why, 'mend what those pods send: haproxy-kontrol members')];
  const isOver = `more of ${apps.join(', ')} than KONTROL_QUARANTINE allows, so the template may be to blame`;
  return [bad('quarantine', `${what}; ${isOver}`, why, 'mend the template, or what those pods send')];
}

function driftProblem(first: Given['drift']['deviations'][number], count: number): StatedProblem {
  const {backend, server, what, found, expected, sinceAt} = first;
  return bad(
    'drift',
    `HAProxy runs something else than its configuration for ${count === 1 ? 'a server' : `${count} servers`}`,
    `${backend}/${server}: ${what} is ${found}, not ${expected}, since ${timeOf(sinceAt)}; ` +
      'somebody told HAProxy so, or it did not do what it was told',
    'POST /reconfigure (haproxy-kontrol reconfigure) has it run its configuration again',
  );
}

function syncProblems({
  inSync,
  lastError,
  ready,
  proxy,
  reload,
  lifecycle,
  refused,
  drift,
  quarantined,
}: Given): StatedProblem[] {
  const problems: StatedProblem[] = [];
  if (refused !== null) {
    problems.push(refusalProblem(refused));
  } else if (lastError !== null) {
    const todo = 'mend the template, or go back: haproxy-kontrol history, haproxy-kontrol rollback';
    const serves = proxy.generation === 0 ? 'nothing has served yet' : 'the last good configuration serves';
    problems.push(bad('pass', `The last pass failed: ${serves}`, lastError, todo));
  } else if (drift.count === 0 && quarantined.length === 0 && !inSync && proxy.state === 'RUNNING' && !proxy.isHung) {
    problems.push(
      reload.last === null
        ? bad('sync', 'Not in sync', 'no pass has ended since the daemon started', 'wait; if it lasts, see the log')
        : notice('sync', 'A change is on its way', 'it waits for quiet (KONTROL_DAMPER), or its pass runs', 'wait'),
    );
  }
  const [first] = drift.deviations;
  if (first !== undefined) problems.push(driftProblem(first, drift.count));
  if (!ready && proxy.state === 'RUNNING' && !proxy.isHung && lifecycle.state !== 'stop') {
    const why = 'slaves that were here before are given one keepalive period to come back (KONTROL_WARMUP)';
    problems.push(notice('ready', 'Not ready', why, 'wait'));
  }
  if (lifecycle.state === 'stop') {
    const why = 'the daemon was told to stop: connections are drained';
    problems.push(notice('stop', 'Stopping', why, 'wait'));
  }
  return problems;
}

function standingProblems({store, guard, lifecycle, lastError, rollback}: Given): StatedProblem[] {
  const problems: StatedProblem[] = [];
  if (!store.healthy) {
    const why = 'members are kept as they were known; new ones sort last until it is back';
    problems.push(bad('store', `The ${store.kind} store does not answer`, why, 'see to the store (KONTROL_ETCD)'));
  }
  if (guard.held > 0) {
    const why = 'more than half of an app fell silent at once: they stay for 2 x KONTROL_TTL, in case it is not them';
    const todo = 'see whether the network between those pods and this one is whole';
    problems.push(notice('guard', `${guard.held} silent members are held`, why, todo));
  }
  if (lifecycle.error !== null && lifecycle.error !== lastError) {
    const todo = 'mend what lifecycle.yml does in that state';
    problems.push(bad('lifecycle', `State ${lifecycle.state} failed`, lifecycle.error, todo));
  }
  if (rollback !== null) {
    const why = 'template changes are not applied until it is released (POST /release)';
    const todo = 'once the template is mended: haproxy-kontrol release';
    problems.push(notice('rollback', `Rolled back to the template of pass ${rollback.pass}`, why, todo));
  }
  return problems;
}
