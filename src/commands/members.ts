import type {JoinedMember} from '../http/joined-members.ts';
import type {Departure, Timeline} from '../members/timeline.ts';
import {describeDepartures, describeMembers, describeTimeline} from '../terminal/members.ts';
import type {CommandMain} from './call.ts';

/** `haproxy-kontrol members`: the living, the gone, or the story of one address or pod. */
export const members: CommandMain<'members'> = async ({client, positionals, has, text, print, printJson, screen}) => {
  const show = <T>(value: T, describe: (value: T) => string) =>
    has('json') ? printJson(value) : print(describe(value));
  const [name] = positionals;
  const app = text('app');
  if (name !== undefined) {
    const story = await client.json<Timeline & {readonly member: JoinedMember | null}>(
      `/members/${encodeURIComponent(name)}/timeline`,
      'moments',
    );
    show(story, found => describeTimeline(found, Date.now(), screen));
  } else if (has('gone')) {
    const gone = await client.json<Departure[]>('/members/gone', 'a list');
    show(app === undefined ? gone : gone.filter(one => one.app === app), found => describeDepartures(found, screen));
  } else {
    const query = app === undefined ? '' : `?app=${encodeURIComponent(app)}`;
    show(await client.json<JoinedMember[]>(`/members${query}`, 'a list'), found =>
      describeMembers(found, Date.now(), screen),
    );
  }
  return 0;
};
