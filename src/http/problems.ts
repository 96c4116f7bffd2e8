import {basename} from 'node:path';
import type {AbsentApp} from '../members/absence.ts';
import {tellsOfWriteFault, type Unwritten} from '../ports/write-fault.ts';
import type {SharedBind} from '../proxy/sockets.ts';
import type {TroubleNow} from '../proxy/trouble-watch.ts';
import {type About, bad, notice, type ProblemWords} from './stated-problem.ts';
import type {StatedProblem, Status} from './status-types.ts';
import {problemOfTrouble} from './trouble-problems.ts';

type Given = Omit<Status, 'problems' | 'hosts' | 'digest'>;

/** What is known beside the fields of a status. */
export interface Seen {
  /** Epoch ms. */
  readonly nowAt: number;
  /** What HAProxy's own counters say. */
  readonly troubles: readonly TroubleNow[];
  /** Addresses of HAProxy's where somebody else listens, too. */
  readonly sharedBinds: readonly SharedBind[];
  readonly absent: readonly AbsentApp[];
  readonly isAnybodyThere: boolean;
  /** A rollback would find another template. */
  readonly canGoBack: boolean;
  /** The members cannot be written down for the next daemon. */
  readonly unwritten: Unwritten | undefined;
  /** Why the passes are not written down. */
  readonly historyFault: string | undefined;
  readonly began: Beginnings;
}

/** When what the status tells of began (epoch ms): null for what is not so, and where nobody knows. */
export interface Beginnings {
  /** The HAProxy that served does not. */
  readonly down: number | null;
  /** Passes have failed. */
  readonly failing: number | null;
  /** A change waits for its pass. */
  readonly change: number | null;
  /** The store does not answer. */
  readonly storeAway: number | null;
  /** Members that the guard holds are silent. */
  readonly silence: number | null;
}

/** Of the same kind, no more are listed. */
const MAX_ALIKE = 20;

/** Warned of so long before, as by the alert (docs/alerts.md). */
const EXPIRES_SOON_MS = 7 * 86_400_000;

/** Everything about a status that is red or amber, the worst first. Pure. */
export function deriveProblems(status: Given, seen: Seen): StatedProblem[] {
  return [
    ...proxyProblems(status, seen),
    ...seen.troubles.slice(0, MAX_ALIKE).flatMap(problemOfTrouble),
    ...bindProblems(seen),
    ...absenceProblems(seen),
    ...syncProblems(status, seen),
    ...quarantineProblems(status),
    ...mountProblems(status),
    ...certificateProblems(status, seen),
    ...dataProblems(seen),
    ...standingProblems(status, seen),
  ];
}

function proxyProblems({proxy, uptimeMs, lifecycle}: Given, {nowAt, began, canGoBack}: Seen): StatedProblem[] {
  const {state, generation, restarts, pid, silentMs, isDeaf} = proxy;
  // It finishes its connections: that is told of as the stop.
  if (lifecycle.state === 'stop' && (state === 'STOPPING' || state === 'STOPPED')) return [];
  if (state === 'RUNNING') {
    if (silentMs === 0) return [];
    const what = `HAProxy has not answered for ${Math.round(silentMs / 1000)} s`;
    if (isDeaf) {
      const why = 'it serves, but others seem to hold all connections to its runtime sockets, so changes take longer';
      const todo =
        'close what clients of them keep open (socat, an exporter), or raise "stats maxconn" in the template';
      return [bad('hung', [what, why, todo], {beganAt: nowAt - silentMs})];
    }
    const why = `PID ${pid} says nothing over its runtime socket, so clients are not served either`;
    const todo = 'wait: it is ended and started anew after KONTROL_HANG; if that recurs, see the log before it';
    return [bad('hung', [what, why, todo], {beganAt: nowAt - silentMs})];
  }
  if (state === 'STARTING' || generation === 0) {
    const why = generation === 0 ? 'no generation has served yet' : `generation ${generation} is starting`;
    const up = `${why} (${Math.round(uptimeMs / 1000)} s up)`;
    const beganAt = generation === 0 ? nowAt - uptimeMs : began.down;
    return [bad('down', ['HAProxy does not serve yet', up, 'wait; if it lasts, see the log'], {beganAt})];
  }
  const why = `generation ${generation}, restarted ${restarts} times: see proxy.out and the log`;
  // A job is STOPPED when somebody stopped it; one that failed is in another state.
  const byHand = state === 'STOPPED' ? 'haproxy-kontrol ctl start haproxy, if it was stopped by hand; else ' : '';
  const todo = `${byHand}mend what HAProxy complains of${canGoBack ? ', or go back to an earlier pass' : ''}`;
  return [bad('down', [`HAProxy is ${state}`, why, todo], {beganAt: began.down})];
}

function bindProblems({sharedBinds}: Seen): StatedProblem[] {
  const byAddress = [...Map.groupBy(sharedBinds, ({address}) => address)].slice(0, MAX_ALIKE);
  return byAddress.map(([address, binds]) => {
    const who = binds.map(({owner}) => owner && `PID ${owner.pid} (${basename(owner.args[0] ?? '')})`);
    const seen = who.filter(one => one !== undefined).join(', ') || 'a process that cannot be seen from here';
    const why = `${seen} took the same address (SO_REUSEPORT), so a part of HAProxy's clients get to it instead`;
    const todo = 'end that process, or have it listen elsewhere (ss -ltnp names it on the node)';
    return bad('bind', [`Somebody else listens on ${address} as well`, why, todo], {subject: address, beganAt: null});
  });
}

function absenceProblems({absent, isAnybodyThere, troubles}: Seen): StatedProblem[] {
  if (absent.length === 0) return [];
  if (!isAnybodyThere) {
    const apps = absent.map(({app}) => app).join(', ');
    const why = `all pods of ${apps} left or fell silent: whatever the template sends to them gets 503`;
    const todo = 'see whether those pods run and reach this one on port 8000: haproxy-kontrol members --gone';
    return [bad('members', ['Nobody is left to serve', why, todo], {beganAt: lastOf(absent)})];
  }
  const emptied = troubles.flatMap(trouble => (trouble.is === 'emptied' ? [trouble.name] : []));
  return absent.slice(0, MAX_ALIKE).map(({app, lastThereAt}) => {
    const about: About = {subject: app, beganAt: lastThereAt};
    const left = `No pod of ${app} is left`;
    if (emptied.length > 0) {
      const why = `the others are there, but ${emptied.join(', ')} ${emptied.length === 1 ? 'has' : 'have'} no server any more: such requests get 503`;
      return bad(
        'members',
        [
          left,
          why,
          'see whether that is meant: haproxy-kontrol members --gone; else take the backend out of the template',
        ],
        about,
      );
    }
    const why = 'the others are there; this is forgotten an hour after the last one left';
    return notice('members', [left, why, 'see whether that is meant'], about);
  });
}

/** When the last of all was there last; null when that is not known of one of them. */
function lastOf(absent: readonly AbsentApp[]): number | null {
  const times = absent.map(({lastThereAt}) => lastThereAt);
  return times.reduce((last, at) => (last === null || at === null ? null : Math.max(last, at)));
}

const timeOf = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

const ofReplica = (id: string | null): string => (id === null ? '' : ` of replica ${id}`);

const WRITE_TODO = 'make that file one that can be written: the pass is tried again by itself';

function refusalProblem({sinceAt, serving, reason}: NonNullable<Given['refused']>): StatedProblem {
  const refused = `The template of ${timeOf(sinceAt)} is refused`;
  const what =
    serving === null
      ? `${refused}, and the last good one fails with the pods of today`
      : `${refused}: the one of pass ${serving.pass}${ofReplica(serving.replica)} (${timeOf(serving.sinceAt)}) serves the pods of today`;
  const todo = tellsOfWriteFault(reason)
    ? WRITE_TODO
    : 'mend the template; haproxy-kontrol check --template FILE tries one out before it is used';
  return bad('template', [what, reason, todo], {beganAt: sinceAt});
}

/** Of the pods in quarantine, so many are named with the words for each. */
const MAX_NAMED_PODS = 5;

/** A status lists no more. */
export const MAX_QUARANTINED = 100;

function quarantineProblems({quarantined}: Given): StatedProblem[] {
  if (quarantined.length === 0) return [];
  const count = quarantined.length;
  const who = count === 1 ? 'A pod is' : `${count < MAX_QUARANTINED ? count : `At least ${count}`} pods are`;
  const what = `${who} in quarantine: no configuration can be made with what ${count === 1 ? 'it says' : 'they say'}`;
  const named = quarantined
    .slice(0, MAX_NAMED_PODS)
    .map(({app, ip, id, served, reason}) => `${app} ${ip} (${id}), served ${served}: ${reason}`);
  const more = count > MAX_NAMED_PODS ? `; and ${count - MAX_NAMED_PODS} more: haproxy-kontrol members` : '';
  const apps = [...new Set(quarantined.filter(({overBound}) => overBound).map(({app}) => app))];
  const why = named.join('; ') + more;
  const beganAt = Math.min(...quarantined.map(({sinceAt}) => sinceAt));
  if (apps.length === 0) {
    return [bad('quarantine', [what, why, 'mend what those pods send: haproxy-kontrol members'], {beganAt})];
  }
  const isOver = `more of ${apps.join(', ')} than KONTROL_QUARANTINE allows, so the template may be to blame`;
  return [bad('quarantine', [`${what}; ${isOver}`, why, 'mend the template, or what those pods send'], {beganAt})];
}

function mountProblems({kubernetes: {mounted}}: Given): StatedProblem[] {
  if (mounted === null || mounted.problem === null) return [];
  const {path: subject, problem} = mounted;
  const todo = 'mount the TLS Secrets there, each in a sub-folder of its own, or do without KONTROL_CERTS';
  const words: ProblemWords = [`No certificate is taken from ${subject} (KONTROL_CERTS)`, problem, todo];
  return [bad('certificate', words, {subject, beganAt: null})];
}

function certificateProblems({kubernetes: {certificates}}: Given, {nowAt}: Seen): StatedProblem[] {
  return certificates.slice(0, MAX_ALIKE).flatMap(({name, expiresAt, problem}): StatedProblem[] => {
    const renew = 'renew its Secret, or the files that are mounted';
    if (expiresAt !== null && expiresAt - EXPIRES_SOON_MS <= nowAt) {
      const isOver = expiresAt <= nowAt;
      const what = `Certificate ${name} ${isOver ? 'expired' : 'expires'} at ${timeOf(expiresAt)}`;
      const why = problem === null ? 'no newer one was offered' : `a newer one was not taken: ${problem}`;
      const beganAt = isOver ? expiresAt : expiresAt - EXPIRES_SOON_MS;
      return [(isOver ? bad : notice)('certificate', [what, why, renew], {subject: name, beganAt})];
    }
    if (problem === null) return [];
    const stays = expiresAt === null ? 'there is none to serve' : 'the last good one is served';
    const todo = 'mend its Secret, or the files that are mounted';
    return [
      bad('certificate', [`Certificate ${name} is not taken: ${stays}`, problem, todo], {subject: name, beganAt: null}),
    ];
  });
}

function driftProblem(first: Given['drift']['deviations'][number], count: number): StatedProblem {
  const {subject, what, found, expected} = first;
  const words: ProblemWords = [
    `HAProxy runs something else than its configuration in ${count === 1 ? 'one place' : `${count} places`}`,
    `${subject}: ${what} is ${found}, not ${expected}; somebody told HAProxy so, or it did not do what it was told`,
    'POST /reconfigure (haproxy-kontrol reconfigure) has it run its configuration again',
  ];
  // Nobody tells when HAProxy was told.
  return bad('drift', words, {beganAt: null});
}

function syncProblems(status: Given, {nowAt, began, canGoBack}: Seen): StatedProblem[] {
  const {inSync, lastError, ready, proxy, reload, lifecycle, refused, drift, quarantined, uptimeMs} = status;
  const startedAt = nowAt - uptimeMs;
  const problems: StatedProblem[] = [];
  if (refused !== null) {
    problems.push(refusalProblem(refused));
  } else if (lastError !== null) {
    const hasServed = proxy.generation !== 0;
    const back = ', or go back: haproxy-kontrol history, haproxy-kontrol rollback';
    const todo = tellsOfWriteFault(lastError) ? WRITE_TODO : `mend the template${hasServed && canGoBack ? back : ''}`;
    const serves = hasServed ? 'the last good configuration serves' : 'nothing has served yet';
    const words: ProblemWords = [`The last pass failed: ${serves}`, lastError, todo];
    problems.push(bad('pass', words, {beganAt: began.failing}));
  } else if (drift.count === 0 && quarantined.length === 0 && !inSync && proxy.state === 'RUNNING' && !proxy.isHung) {
    problems.push(
      reload.last === null
        ? bad('sync', ['Not in sync', 'no pass has ended since the daemon started', 'wait; if it lasts, see the log'], {
            beganAt: startedAt,
          })
        : notice('sync', ['A change is on its way', 'it waits for quiet (KONTROL_DAMPER), or its pass runs', 'wait'], {
            beganAt: began.change,
          }),
    );
  }
  const [first] = drift.deviations;
  if (first !== undefined) problems.push(driftProblem(first, drift.count));
  if (!ready && proxy.state === 'RUNNING' && !proxy.isHung && lifecycle.state !== 'stop') {
    const why = 'slaves that were here before are given one keepalive period to come back (KONTROL_WARMUP)';
    problems.push(notice('ready', ['Not ready', why, 'wait'], {beganAt: startedAt}));
  }
  if (lifecycle.state === 'stop') {
    const why = 'the daemon was told to stop: connections are drained';
    problems.push(notice('stop', ['Stopping', why, 'wait'], {beganAt: nowAt - lifecycle.sinceMs}));
  }
  return problems;
}

/** What is over within it is nothing to talk about. */
const UNWRITTEN_MS = 3000;

function dataProblems({unwritten, historyFault, nowAt}: Seen): StatedProblem[] {
  const problems: StatedProblem[] = [];
  if (unwritten !== undefined && nowAt - unwritten.sinceAt >= UNWRITTEN_MS) {
    const todo = 'mend that, or a restart forgets who joined since; it is tried again every second';
    const words: ProblemWords = ['The members cannot be written down', unwritten.reason, todo];
    problems.push(bad('data', words, {beganAt: unwritten.sinceAt}));
  }
  if (historyFault !== undefined) {
    const todo =
      'mend that, or a restart forgets the passes since, and nobody can go back to them; the next pass tries it again';
    const words: ProblemWords = ['The history of passes cannot be kept', historyFault, todo];
    problems.push(notice('data', words, {subject: 'history', beganAt: null}));
  }
  return problems;
}

function standingProblems({store, guard, lifecycle, lastError, rollback}: Given, {began}: Seen): StatedProblem[] {
  const problems: StatedProblem[] = [];
  if (!store.healthy) {
    const why = 'members are kept as they were known; new ones sort last until it is back';
    const what = `The ${store.kind} store does not answer`;
    problems.push(bad('store', [what, why, 'see to the store (KONTROL_ETCD)'], {beganAt: began.storeAway}));
  }
  if (guard.held > 0) {
    const why = 'more than half of an app fell silent at once: they stay for 2 x KONTROL_TTL, in case it is not them';
    const todo = 'see whether the network between those pods and this one is whole';
    problems.push(notice('guard', [`${guard.held} silent members are held`, why, todo], {beganAt: began.silence}));
  }
  if (lifecycle.error !== null && lifecycle.error !== lastError) {
    const todo = 'mend what lifecycle.yml does in that state';
    const what = `State ${lifecycle.state} failed`;
    problems.push(bad('lifecycle', [what, lifecycle.error, todo], {beganAt: null}));
  }
  if (rollback !== null) {
    const why = 'template changes are not applied until it is released (POST /release)';
    const todo = 'once the template is mended: haproxy-kontrol release';
    const what = `Rolled back to the template of pass ${rollback.pass}`;
    problems.push(notice('rollback', [what, why, todo], {beganAt: rollback.sinceAt}));
  }
  return problems;
}
