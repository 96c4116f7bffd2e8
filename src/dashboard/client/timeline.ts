import type {LiveMember, Timeline} from '../../http/page-types.ts';
import {byId, el, setText} from './dom.ts';
import {formatTime} from './format.ts';
import {describeMember, describeServer, TONE_OF_STATE} from './model.ts';

/** What HAProxy sees of a member. */
function serversOf(member: LiveMember): HTMLElement[] {
  const tone = TONE_OF_STATE[member.proxyState];
  if (member.servers === null || member.servers.length === 0) {
    return [el('p', {class: 'why', 'data-tone': tone}, describeMember(member))];
  }
  return member.servers.map(server => {
    const {state, address, weight, sessions, queue, errors} = server;
    const figures = `${address}, weight ${weight}, ${sessions} sessions, ${queue} waiting, ${errors} errors`;
    return el(
      'p',
      {class: 'why', 'data-tone': state === 'up' ? 'plain' : tone},
      `${describeServer(server)}. ${figures}`,
    );
  });
}

/** Opens the story of an IP. The dialog is the browser's own: Escape closes it, the focus goes back. */
export async function showTimeline(ip: string): Promise<void> {
  const dialog = byId<HTMLDialogElement>('timeline');
  const list = byId('moments');
  const servers = byId('timeline-servers');
  servers.replaceChildren();
  setText(byId('timeline-ip'), ip);
  list.replaceChildren(el('li', {}, 'Loading...'));
  dialog.showModal();
  try {
    const answer = await fetch(`members/${encodeURIComponent(ip)}/timeline`);
    if (!answer.ok) throw new Error(((await answer.json()) as {reason: string}).reason);
    const {moments, member} = (await answer.json()) as Timeline;
    servers.replaceChildren(...(member === null ? [] : serversOf(member)));
    list.replaceChildren(
      ...moments.map(({at, what, app, id, pass, reason}) =>
        el(
          'li',
          {},
          el('time', {datetime: new Date(at).toISOString()}, formatTime(at)),
          el('strong', {}, reason === undefined ? what : `${what}: ${reason}`),
          el('span', {}, pass === undefined ? `${app} ${id}` : `${app} ${id}, pass ${pass}`),
        ),
      ),
    );
  } catch (error) {
    list.replaceChildren(el('li', {}, error instanceof Error ? error.message : String(error)));
  }
}
