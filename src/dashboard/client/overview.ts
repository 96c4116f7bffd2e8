import type {LiveStatus} from '../../http/status-types.ts';
import {byId, el, reconcile, setText} from './dom.ts';
import {formatDuration, formatTime} from './format.ts';
import {knownPasses} from './history.ts';
import {actionFor, type OperatorAction, type Tone} from './model.ts';

interface Tile {
  readonly name: string;
  readonly value: string;
  readonly note: string;
  readonly tone: Tone;
}

function verdictOf(status: LiveStatus): {text: string; tone: Tone} {
  if (status.problems.some(({severity}) => severity === 'bad')) return {text: 'Needs attention', tone: 'bad'};
  if (status.problems.length > 0) return {text: 'Serving, with a notice', tone: 'notice'};
  return {text: 'Serving, in sync', tone: 'good'};
}

function tilesOf(status: LiveStatus): Tile[] {
  const {proxy, store, reload} = status;
  const areMissed = status.problems.some(
    ({kind, severity}) => severity === 'bad' && (kind === 'members' || kind === 'backend-down'),
  );
  return [
    {
      name: 'Sync',
      value: status.inSync ? 'in sync' : 'not in sync',
      note:
        status.rollback === null ? `state ${status.lifecycle.state}` : `rolled back to pass ${status.rollback.pass}`,
      tone: status.inSync ? (status.rollback === null ? 'good' : 'notice') : 'bad',
    },
    {
      name: 'HAProxy',
      value: proxy.silentMs > 0 ? 'does not answer' : proxy.state,
      note: `${proxy.version}, pid ${proxy.pid ?? '-'}`,
      tone: proxy.state === 'RUNNING' && proxy.silentMs === 0 ? 'good' : 'bad',
    },
    {
      name: 'Generation',
      value: String(proxy.generation),
      note: `${proxy.draining.length} draining, ${proxy.restarts} restarts`,
      tone: 'plain',
    },
    {
      name: 'Ready',
      value: status.ready ? 'yes' : 'no',
      note: `up ${formatDuration(status.uptimeMs)}`,
      tone: status.ready ? 'good' : 'notice',
    },
    {
      name: 'Members',
      value: String(status.memberCount),
      note: `${store.kind} store`,
      tone: store.healthy && !areMissed ? 'plain' : 'bad',
    },
    {name: 'Reload', value: reload.way, note: reload.why, tone: 'plain'},
  ];
}

/** Of the pod, once it is known. */
let name = '';

/** Nobody tells any more: what is shown is what was. */
export function showLost(sinceAt: number): void {
  const verdict = byId('verdict');
  verdict.dataset.tone = 'plain';
  setText(verdict, `Unknown since ${formatTime(sinceAt)}: the connection is lost`);
  document.title = `Unknown - ${name} - haproxy-kontrol`;
}

function showAction(place: Element, action: OperatorAction | undefined): void {
  const key = action === undefined ? '' : action.label;
  if ((place as HTMLElement).dataset.shown === key) return;
  (place as HTMLElement).dataset.shown = key;
  if (action === undefined) {
    place.replaceChildren();
    return;
  }
  if (action.is === 'look') {
    place.replaceChildren(el('a', {href: `#${action.at}`}, action.label), el('span', {}, action.effect));
    return;
  }
  const wanted = action.is === 'rollback' ? {'data-rollback': action.pass} : {'data-act': action.is};
  place.replaceChildren(el('button', {type: 'button', ...wanted}, action.label), el('span', {}, action.effect));
}

/** The head of the page: is it well, and if not, why. */
export function showOverview(status: LiveStatus): void {
  const {text, tone} = verdictOf(status);
  const verdict = byId('verdict');
  setText(verdict, text);
  verdict.dataset.tone = tone;
  const {namespace, id, nodeName, image} = status.kubernetes.pod;
  name = `${namespace}/${id}`;
  document.title = `${tone === 'bad' ? '● ' : ''}${text} - ${name} - haproxy-kontrol`;
  setText(byId('identity'), `${name}${nodeName === null ? '' : ` on ${nodeName}`}`);
  setText(byId('version'), `${image ?? `kontrol ${status.version}`}, HAProxy ${status.proxy.version}`);
  reconcile(
    byId('problems'),
    status.problems.map(problem => [`${problem.kind} ${problem.subject}`, problem] as const),
    () => el('li', {}, el('strong'), el('span'), el('span'), el('div', {class: 'act'})),
    (item, {kind, severity, what, why, todo, sinceAt, sinceIs}) => {
      item.dataset.tone = severity;
      setText(item.children[0] as Element, what);
      setText(item.children[1] as Element, why);
      setText(
        item.children[2] as Element,
        `${sinceIs === 'began' ? 'Since' : 'Noticed at'} ${formatTime(sinceAt)}. To do: ${todo}.`,
      );
      const serving = status.refused?.serving;
      const own = serving?.replica === null ? serving.pass : undefined;
      showAction(item.children[3] as Element, actionFor(kind, knownPasses(), own));
    },
  );
  reconcile(
    byId('tiles'),
    tilesOf(status).map(tile => [tile.name, tile] as const),
    ({name}) => el('div', {class: 'tile'}, el('dt', {}, name), el('dd', {class: 'value'}), el('dd', {class: 'note'})),
    (element, {value, note, tone}) => {
      element.dataset.tone = tone;
      setText(element.children[1] as Element, value);
      setText(element.children[2] as Element, note);
      element.children[2]?.setAttribute('title', note);
    },
  );
  showGenerations(status);
}

function showGenerations({proxy, reload}: LiveStatus): void {
  const serving = {
    key: 'serving',
    generation: proxy.generation,
    pid: proxy.pid,
    state: proxy.state,
    left: '',
    ends: '',
  };
  const draining = proxy.draining.map(({pid, generation, sinceMs, connections, endsInMs}) => ({
    key: `draining-${pid}`,
    generation,
    pid,
    state: `draining for ${formatDuration(sinceMs)}`,
    left: connections === null ? 'unknown' : `${connections} left`,
    ends: endsInMs === null ? 'with the last one' : `in ${formatDuration(endsInMs)} at most`,
  }));
  reconcile(
    byId('generations'),
    [serving, ...draining].map(row => [row.key, row] as const),
    () => el('tr', {}, ...Array.from({length: 5}, () => el('td'))),
    (row, {generation, pid, state, left, ends}) => {
      const texts = [String(generation), String(pid ?? '-'), state, left, ends];
      for (const [index, text] of texts.entries()) setText(row.children[index] as Element, text);
    },
  );
  reconcile(
    byId('listeners'),
    reload.listeners.map(listener => [listener.address, listener] as const),
    () => el('li', {}, el('code'), el('span')),
    (item, {address, way}) => {
      setText(item.children[0] as Element, address);
      setText(item.children[1] as Element, ` ${way}`);
    },
  );
}
