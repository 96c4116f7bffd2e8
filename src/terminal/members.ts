import {formatDuration, formatTime} from '../dashboard/client/format.ts';
import type {MemberView} from '../members/member.ts';
import type {Departure, Timeline} from '../members/timeline.ts';
import {formatTable} from './table.ts';

/** `/members` as a table. `nowAt` is when the answer came, epoch ms. */
export const describeMembers = (members: readonly MemberView[], nowAt: number): string =>
  formatTable(
    ['APP', 'IP', 'POD', 'ROLE', 'SEQ', 'HERE', 'HEARD', 'EXPIRES'],
    members.map(({app, ip, id, role, seq, firstSeenAt, lastSeenAt, expiresInMs, held}) => [
      app,
      ip,
      id,
      role,
      String(seq ?? '-'),
      formatDuration(nowAt - firstSeenAt),
      `${formatDuration(nowAt - lastSeenAt)} ago`,
      held ? 'held' : `in ${formatDuration(expiresInMs)}`,
    ]),
  );

const withReason = (what: string, reason: string | undefined): string =>
  reason === undefined ? what : `${what}: ${reason}`;

/** `/members/gone` as a table. */
export const describeDepartures = (departures: readonly Departure[]): string =>
  formatTable(
    ['TIME', 'APP', 'IP', 'POD', 'WHY'],
    departures.map(({at, app, ip, id, why, reason}) => [formatTime(at), app, ip, id, withReason(why, reason)]),
  );

/** The story of one IP as a table. */
export const describeTimeline = ({moments}: Timeline): string =>
  formatTable(
    ['TIME', 'WHAT', 'APP', 'POD', 'PASS'],
    moments.map(({at, what, app, id, pass, reason}) => [
      formatTime(at),
      withReason(what, reason),
      app,
      id,
      String(pass ?? ''),
    ]),
  );
