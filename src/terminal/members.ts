import {formatDuration} from '../dashboard/client/format.ts';
import type {JoinedMember} from '../http/joined-members.ts';
import type {Departure, Timeline} from '../members/timeline.ts';
import type {ServerView} from '../proxy/server-view.ts';
import {formatMoment} from './moment.ts';
import type {Tone} from './paint.ts';
import {type Cell, type Column, formatPairs, formatTable, type Screen} from './table.ts';

const MEMBER_COLUMNS: readonly Column[] = [
  'APP',
  'IP',
  'POD',
  {name: 'ROLE', spare: 9},
  {name: 'SEQ', spare: 10},
  {name: 'HERE', spare: 7},
  {name: 'HEARD', spare: 8},
  {name: 'EXPIRES', spare: 2},
  'PROXY',
  {name: 'SERVER', spare: 1},
  {name: 'WEIGHT', spare: 6},
  {name: 'SESSIONS', spare: 4},
  {name: 'QUEUE', spare: 5},
  {name: 'ERRORS', spare: 3},
  {name: 'WHY', isReason: true},
];

const TONES: Readonly<Record<JoinedMember['proxyState'], Tone>> = {
  up: 'good',
  'partly up': 'notice',
  down: 'bad',
  'out of service': 'notice',
  'no server': 'notice',
  'not in hosts': 'faint',
  unknown: 'notice',
};

const SERVER_TONES: Readonly<Record<ServerView['state'], Tone>> = {
  up: 'good',
  down: 'bad',
  drain: 'notice',
  maint: 'notice',
};

/** Why HAProxy treats a server so: nothing to say of one that is up. */
function whyServer({state, status, check, sinceMs}: ServerView): string {
  if (state === 'up' && !/\d\/\d/.test(status)) return '';
  const checked = check === null ? '' : `, check ${[check.result, check.reason].filter(Boolean).join(' ')}`;
  return `${status}${checked}${sinceMs === null ? '' : `, for ${formatDuration(sinceMs)}`}`;
}

/** Why a member has no server to speak of. */
function whyMember({proxyState, held, quarantine}: JoinedMember): string {
  const refused = quarantine === null ? '' : `in quarantine, served ${quarantine.served}: ${quarantine.reason}`;
  const silent = held ? 'silent for longer than KONTROL_TTL, but kept: too many fell silent at once' : '';
  const missing =
    proxyState === 'no server' && quarantine === null
      ? 'in hosts, but no server of HAProxy has its address'
      : proxyState === 'unknown'
        ? 'HAProxy did not answer'
        : '';
  return [refused, silent, missing].filter(text => text !== '').join('; ');
}

/** `/members` as a table, a row for each server of a member. `nowAt` is when the answer came, epoch ms. */
export function describeMembers(members: readonly JoinedMember[], nowAt: number, screen?: Screen): string {
  if (members.length === 0) return 'Nobody is here. Who left, and why: haproxy-kontrol members --gone\n';
  const rows = members.flatMap(member => rowsOf(member, nowAt));
  return formatTable(MEMBER_COLUMNS, rows, screen);
}

function rowsOf(member: JoinedMember, nowAt: number): Cell[][] {
  const {app, ip, id, role, seq, firstSeenAt, lastSeenAt, expiresInMs, held, proxyState, servers} = member;
  const own: Cell[] = [
    app,
    ip,
    id,
    role,
    String(seq ?? '-'),
    formatDuration(nowAt - firstSeenAt),
    `${formatDuration(nowAt - lastSeenAt)} ago`,
    held ? {text: 'held', tone: 'notice'} : `in ${formatDuration(expiresInMs)}`,
  ];
  const [first, ...others] = servers ?? [];
  const why = whyMember(member);
  if (first === undefined) return [[...own, {text: proxyState, tone: TONES[proxyState]}, '', '', '', '', '', why]];
  return [
    [...own, ...serverCells(first, why)],
    ...others.map((server): Cell[] => [...own.map(() => ''), ...serverCells(server, '')]),
  ];
}

function serverCells(server: ServerView, why: string): Cell[] {
  const {backend, server: name, state, weight, sessions, queue, errors} = server;
  const tone = SERVER_TONES[state];
  return [
    {text: state, tone},
    `${backend}/${name}`,
    String(weight),
    String(sessions),
    String(queue),
    String(errors),
    {text: [whyServer(server), why].filter(text => text !== '').join('; '), tone},
  ];
}

/** `/members/gone` as a table. */
export const describeDepartures = (departures: readonly Departure[], screen?: Screen): string =>
  formatTable(
    ['TIME', 'APP', 'IP', 'POD', {name: 'WHY', isReason: true}],
    departures.map(({at, app, ip, id, why, reason}) => [
      formatMoment(at),
      app,
      ip,
      id,
      reason === undefined ? why : `${why}: ${reason}`,
    ]),
    screen,
  );

/** The story of one address, and before it what its pod is now, if there is one. */
export function describeTimeline(
  {moments, member}: Timeline & {readonly member: JoinedMember | null},
  nowAt: number,
  screen?: Screen,
): string {
  const story = formatTable(
    ['TIME', 'WHAT', {name: 'APP', spare: 2}, {name: 'POD', spare: 1}, 'PASS', {name: 'WHY', isReason: true}],
    moments.map(({at, what, app, id, pass, reason}) => [
      formatMoment(at),
      what,
      app,
      id,
      String(pass ?? ''),
      reason ?? '',
    ]),
    screen,
  );
  return member === null ? story : `${describeMember(member, nowAt, screen)}\n${story}`;
}

function describeMember(member: JoinedMember, nowAt: number, screen?: Screen): string {
  const {app, ip, id, role, proxyState, expiresInMs, lastSeenAt, servers} = member;
  const why = whyMember(member);
  const facts = formatPairs(
    [
      ['Pod', `${id}, app ${app}, role ${role}`],
      ['Address', ip],
      ['Keepalive', `${formatDuration(nowAt - lastSeenAt)} ago, expires in ${formatDuration(expiresInMs)}`],
      ['HAProxy', why === '' ? proxyState : `${proxyState}: ${why}`],
    ],
    screen,
  );
  if (servers === null || servers.length === 0) return facts;
  const table = formatTable(
    [
      'PROXY',
      'SERVER',
      'ADDRESS',
      {name: 'WEIGHT', spare: 4},
      {name: 'SESSIONS', spare: 2},
      {name: 'QUEUE', spare: 3},
      {name: 'ERRORS', spare: 1},
      {name: 'WHY', isReason: true},
    ],
    servers.map(server => {
      const [state = '', name = '', ...rest] = serverCells(server, '');
      return [state, name, server.address, ...rest];
    }),
    screen,
  );
  return `${facts}\n${table}`;
}
