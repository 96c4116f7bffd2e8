import type {Timeline} from '../../http/page-types.ts';
import {byId, el, setText} from './dom.ts';
import {formatTime} from './format.ts';

/** Opens the story of an IP. The dialog is the browser's own: Escape closes it, the focus goes back. */
export async function showTimeline(ip: string): Promise<void> {
  const dialog = byId<HTMLDialogElement>('timeline');
  const list = byId('moments');
  setText(byId('timeline-ip'), ip);
  list.replaceChildren(el('li', {}, 'Loading...'));
  dialog.showModal();
  try {
    const answer = await fetch(`members/${encodeURIComponent(ip)}/timeline`);
    if (!answer.ok) throw new Error(((await answer.json()) as {reason: string}).reason);
    const {moments} = (await answer.json()) as Timeline;
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
