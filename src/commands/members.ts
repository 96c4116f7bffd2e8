import type {MemberView} from '../members/member.ts';
import type {Departure, Timeline} from '../members/timeline.ts';
import {describeDepartures, describeMembers, describeTimeline} from '../terminal/members.ts';
import type {CommandMain} from './call.ts';

/** `haproxy-kontrol members`: the living, the gone, or the story of one IP. */
export const members: CommandMain<'members'> = async ({client, positionals, has, text, print, printJson}) => {
  const show = <T>(value: T, describe: (value: T) => string) =>
    has('json') ? printJson(value) : print(describe(value));
  const [ip] = positionals;
  const app = text('app');
  if (ip !== undefined) {
    show(await client.json<Timeline>(`/members/${encodeURIComponent(ip)}/timeline`), describeTimeline);
  } else if (has('gone')) {
    const gone = await client.json<Departure[]>('/members/gone');
    show(app === undefined ? gone : gone.filter(one => one.app === app), describeDepartures);
  } else {
    const query = app === undefined ? '' : `?app=${encodeURIComponent(app)}`;
    show(await client.json<MemberView[]>(`/members${query}`), found => describeMembers(found, Date.now()));
  }
  return 0;
};
