import type {TroubleNow} from '../proxy/trouble-watch.ts';
import {bad, notice, type ProblemWords} from './stated-problem.ts';
import type {StatedProblem} from './status-types.ts';

/** A limit is the template's, or somebody told HAProxy another one. */
const toRaise = (limit: string): string =>
  `add replicas of the proxy, or raise ${limit} in the template; if it says otherwise there, it was set by hand: haproxy-kontrol reconfigure`;

/** What HAProxy's own counters say, in an operator's words. Pure. */
export function problemOfTrouble(trouble: TroubleNow): StatedProblem | [] {
  const {beganAt} = trouble;
  switch (trouble.is) {
    case 'down': {
      const why = 'it has servers, and their checks fail, or they are in maintenance or drained: its requests get 503';
      const todo = 'see why they are down: haproxy-kontrol members tells of pods, haproxy-kontrol logs of all servers';
      const what = `No server of backend ${trouble.name} is up`;
      return bad('backend-down', [what, why, todo], {subject: trouble.name, beganAt});
    }
    case 'queue': {
      const what = `${trouble.waiting} requests wait for a server of backend ${trouble.name}`;
      const why = 'all its servers have as many connections as their maxconn allows';
      const todo = 'add pods, or raise maxconn of the servers in the template';
      return notice('queue', [what, why, todo], {subject: trouble.name, beganAt});
    }
    case 'full': {
      const why = `it has the ${trouble.limit} that its maxconn allows: more clients wait`;
      const todo = toRaise('its maxconn');
      const what = `Frontend ${trouble.name} takes no more connections`;
      return bad('sessions', [what, why, todo], {subject: trouble.name, beganAt});
    }
    case 'full-process': {
      const why = `it has the ${trouble.limit} that the global maxconn allows: more clients wait`;
      const todo = toRaise('the global maxconn');
      return bad('sessions', ['HAProxy takes no more connections', why, todo], {beganAt});
    }
    case 'rate': {
      const why = `it takes the ${trouble.limit} sessions a second that it may (rate-limit sessions): more clients wait`;
      const what = `Frontend ${trouble.name} takes new sessions no faster`;
      return bad('rate', [what, why, toRaise('that limit')], {subject: trouble.name, beganAt});
    }
    case 'rate-process': {
      const why = `it takes the ${trouble.limit} a second that the process may: more clients wait`;
      return bad('rate', [`HAProxy takes new ${trouble.of} no faster`, why, toRaise('that limit')], {beganAt});
    }
    case 'stopped': {
      const why = 'HAProxy was told so (disable frontend), which no configuration does: its clients are refused';
      const todo = 'POST /reconfigure (haproxy-kontrol reconfigure) has it run its configuration again';
      return bad('stopped', [`Frontend ${trouble.name} listens no more`, why, todo], {subject: trouble.name, beganAt});
    }
    case 'emptied':
      // Told of with the app that left.
      return [];
    case 'unanswered': {
      const {name, requests, isLate} = trouble;
      const what = isLate ? `Backend ${name} answers too late` : `No server of backend ${name} answers`;
      const why = isLate
        ? `it did not answer for a while, and since then each of ${requests} requests waits for long: its clients have left when the answer comes, though HAProxy counts it as a good one`
        : `${requests} requests came since, and none was answered: its servers hang, are too slow, cannot be reached or say nothing that is an answer`;
      return bad('unanswered', [what, why, SLOW_TODO], {subject: trouble.name, beganAt});
    }
    case 'hanging': {
      const {name, servers, requests} = trouble;
      const what = `${servers.length === 1 ? 'A server' : `${servers.length} servers`} of backend ${name} take${servers.length === 1 ? 's' : ''} requests and answer${servers.length === 1 ? 's' : ''} none`;
      const why = `${namesOf(servers)} had ${requests} requests since, and answered none of them in time, while others in that backend are answered: a part of the clients waits for nothing`;
      const todo = `${SLOW_TODO}; a check (option httpchk) would take them out of use`;
      return bad('unanswered', [what, why, todo], {subject: name, beganAt});
    }
    case 'handshakes': {
      const {name, percent, handshakes} = trouble;
      const what = `${percent} % of the TLS handshakes of frontend ${name} fail`;
      const why = `of its last ${handshakes}, where they went well before: its certificate is over or not the clients' idea of one, there is no common cipher or version, or who connects speaks no TLS (plain HTTP, a scanner)`;
      const todo =
        'see the certificate (haproxy-kontrol status), what changed (haproxy-kontrol history), and the reason, where that frontend has log global: haproxy-kontrol logs --access; openssl s_client -connect ADDRESS tells what clients see';
      return bad('handshakes', [what, why, todo], {subject: name, beganAt});
    }
    case 'errors': {
      const kind = {'given-up': 'unanswered', cut: 'cut', connections: 'errors', frontend: 'errors', backend: 'errors'};
      return bad(kind[trouble.of], wordsOfErrors(trouble), {subject: trouble.name, beganAt});
    }
  }
}

/** Of servers that hang, or backends that fail, so many are named. */
const MAX_NAMED = 5;

const namesOf = (names: readonly string[]): string =>
  names.slice(0, MAX_NAMED).join(', ') + (names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : '');

const SLOW_TODO = 'see what those servers wait for: haproxy-kontrol members, haproxy-kontrol top';

function wordsOfErrors({
  of,
  name,
  percent,
  requests,
  backends = [],
}: TroubleNow & {readonly is: 'errors'}): ProblemWords {
  if (of === 'connections') {
    const why = `of its last ${requests} (KONTROL_5XX says how many are too many): its servers refuse them, or reset them before they say anything`;
    return [`${percent} % of the connections to backend ${name} fail`, why, 'see its servers: haproxy-kontrol members'];
  }
  if (of === 'cut') {
    const why = `so ended ${percent} % of its last ${requests} (KONTROL_5XX says how many are too many): its servers break them off, so clients get a good status and a part of the body, or (HAProxy 1.7) nothing at all`;
    const todo =
      'see why those servers end or reset connections (memory, a time limit of theirs): haproxy-kontrol members, haproxy-kontrol logs --access (SD); if that is meant, name it in KONTROL_5XX_MEANT';
    return [`Answers of backend ${name} are cut off half-way`, why, todo];
  }
  if (of === 'given-up') {
    const why = `so ended ${percent} % of its last ${requests} requests: its servers take them, and hang or are too slow`;
    return [`Clients of backend ${name} give up before it answers`, why, SLOW_TODO];
  }
  const who = of === 'backend' ? `backend ${name}` : name;
  const from = backends.length === 0 ? '' : `, too many also of those to backend ${namesOf(backends)}`;
  const why = `of its last ${requests} requests${from} (KONTROL_5XX says how many are too many); 503 is HAProxy's own where no server can be reached, 504 where none answers in time`;
  const todo =
    'see which servers they come from: haproxy-kontrol logs --access, haproxy-kontrol top; if they are meant, name it in KONTROL_5XX_MEANT';
  return [`${percent} % of what ${who} answers are errors of class 5xx`, why, todo];
}
