import {byId, el, reconcile, setText} from './dom.ts';
import {formatDuration} from './format.ts';
import {groupByApp, matches, type TimedMember} from './model.ts';

/** Apps with more members than this start closed: one sees all apps first. */
const OPEN_UP_TO = 25;

/** More rows than this in one app are not drawn until one filters: nobody reads them. */
const MAX_ROWS = 1000;

/** A pod pings when a quarter of its TTL is left: whoever has less than this missed a keepalive. */
const LATE = 0.2;

const HEADS = ['Address', 'Pod', 'Role', 'seq', 'Here for', 'Expires'];

let members: ReadonlyMap<string, TimedMember> = new Map();
/** Until the first status has come. */
let ttlMs = 25_000;
let shownGroups: readonly (readonly [string, readonly TimedMember[]])[] = [];

const filter = (): string => byId<HTMLInputElement>('filter').value;

function createGroup(app: string, isOpen: boolean): HTMLElement {
  const details = el(
    'details',
    {class: 'app', open: isOpen},
    el('summary', {}, el('span', {class: 'app-name'}, app), el('span', {class: 'count'}), el('span', {class: 'late'})),
    el(
      'div',
      {class: 'scroll', role: 'region', tabindex: 0, 'aria-label': `Members of ${app}`},
      el('table', {}, el('thead', {}, el('tr', {}, ...HEADS.map(head => el('th', {scope: 'col'}, head)))), el('tbody')),
    ),
  );
  details.addEventListener('toggle', () => draw());
  return details;
}

function createRow({ip}: TimedMember): HTMLElement {
  const button = el('button', {type: 'button', class: 'link', 'data-ip': ip, 'aria-haspopup': 'dialog'}, ip);
  const bar = el('progress', {max: 1, value: 0, 'aria-label': `time left of ${ip}`});
  return el('tr', {}, el('td', {}, button), el('td'), el('td'), el('td'), el('td'), el('td', {}, bar, el('span')));
}

function updateRow(row: HTMLElement, {id, role, seq}: TimedMember): void {
  const texts = [id, role, String(seq ?? '-')];
  for (const [index, text] of texts.entries()) setText(row.children[index + 1] as Element, text);
}

/** What changes by the mere passing of time. */
function updateAges(row: HTMLElement, {firstSeenAt, expiresAtMs, held}: TimedMember): void {
  const leftMs = Math.max(0, expiresAtMs - performance.now());
  setText(row.children[4] as Element, formatDuration(Date.now() - firstSeenAt));
  const [bar, text] = row.children[5]?.children ?? [];
  const share = Math.min(1, leftMs / ttlMs);
  bar?.setAttribute('value', share.toFixed(2));
  bar?.setAttribute('data-tone', share < LATE ? 'bad' : 'good');
  if (text !== undefined) setText(text, held ? 'held: silent' : formatDuration(leftMs));
}

/** How long a member is kept without a ping. */
export function setTtl(ms: number): void {
  ttlMs = ms;
}

/** Takes the members as they are now. */
export function showMembers(next: ReadonlyMap<string, TimedMember>): void {
  members = next;
  draw();
}

/** A filter opens what it finds; without one each app is again as the person left it. */
function openForFilter(details: HTMLDetailsElement, isFiltered: boolean): void {
  if (isFiltered && !details.open) {
    details.dataset.opened = 'by filter';
    details.open = true;
  } else if (!isFiltered && details.dataset.opened !== undefined) {
    delete details.dataset.opened;
    details.open = false;
  }
}

function draw(): void {
  const query = filter();
  const found = [...members.values()].filter(member => matches(member, query));
  const groups = groupByApp(found);
  shownGroups = groups;
  setText(byId('members-count'), query === '' ? `${members.size}` : `${found.length} of ${members.size}`);
  byId('members-none').hidden = found.length > 0;
  setText(byId('members-none'), members.size === 0 ? 'No slave has sent a keepalive yet.' : 'Nobody matches.');
  reconcile(
    byId('apps'),
    groups.map(group => [`app ${group[0]}`, group] as const),
    ([app, group]) => createGroup(app, group.length <= OPEN_UP_TO),
    (details, [, group]) => {
      setText(details.querySelector('.count') as Element, `${group.length}`);
      openForFilter(details as HTMLDetailsElement, query !== '');
      const rows = (details as HTMLDetailsElement).open ? group.slice(0, MAX_ROWS) : [];
      reconcile(
        details.querySelector('tbody') as Element,
        rows.map(member => [member.ip, member] as const),
        createRow,
        updateRow,
      );
    },
  );
  tick();
}

function tick(): void {
  for (const [app, group] of shownGroups) {
    const details = [...byId('apps').children].find(child => (child as HTMLElement).dataset.key === `app ${app}`);
    if (details === undefined) continue;
    const late = group.filter(({expiresAtMs}) => expiresAtMs - performance.now() < LATE * ttlMs);
    setText(details.querySelector('.late') as Element, late.length > 0 ? `${late.length} about to expire` : '');
    const byIp = new Map(group.map(member => [member.ip, member]));
    for (const row of details.querySelectorAll<HTMLElement>('tbody tr')) {
      const member = byIp.get(row.dataset.key ?? '');
      if (member !== undefined) updateAges(row, member);
    }
  }
}

/** Wires the filter and the clock. `onPick` is called with the IP that somebody wants to know more about. */
export function startMembers(onPick: (ip: string) => void): void {
  byId('filter').addEventListener('input', draw);
  byId('apps').addEventListener('click', event => {
    const ip = (event.target as HTMLElement).dataset.ip;
    if (ip !== undefined) onPick(ip);
  });
  setInterval(() => {
    if (!document.hidden) tick();
  }, 1000);
}
