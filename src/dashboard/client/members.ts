import type {Departure} from '../../http/page-types.ts';
import {byId, el, reconcile, setText} from './dom.ts';
import {formatDuration, formatTime} from './format.ts';
import {describeMember, groupByApp, matches, type TimedMember, toneOfMember} from './model.ts';

/** Apps with more members than this start closed: one sees all apps first. */
const OPEN_UP_TO = 25;

/** More rows than this in one app are not drawn until one filters: nobody reads them. */
const MAX_ROWS = 1000;

/** A pod pings when a quarter of its TTL is left: whoever has less than this missed a keepalive. */
const LATE = 0.2;

const HEADS = ['Address', 'Pod', 'State', 'Sessions', 'Errors', 'Here for', 'Expires'];

/** Of those who left, the last ones. */
const MAX_DEPARTURES = 50;

let members: ReadonlyMap<string, TimedMember> = new Map();
/** Until the first status has come. */
let ttlMs = 25_000;
let departures: readonly Departure[] = [];
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
  const cells = Array.from({length: HEADS.length - 2}, () => el('td'));
  return el('tr', {}, el('td', {}, button), ...cells, el('td', {}, bar, el('span')));
}

function updateRow(row: HTMLElement, member: TimedMember): void {
  const {id, role, seq, servers} = member;
  const sum = (field: 'sessions' | 'errors') =>
    servers === null ? '-' : String(servers.reduce((total, server) => total + server[field], 0));
  const texts = [id, describeMember(member), sum('sessions'), sum('errors')];
  for (const [index, text] of texts.entries()) setText(row.children[index + 1] as Element, text);
  row.children[1]?.setAttribute('title', `${id}, role ${role}, seq ${seq ?? 'not settled yet'}`);
  (row.children[2] as HTMLElement).dataset.tone = toneOfMember(member);
}

/** What changes by the mere passing of time. */
function updateAges(row: HTMLElement, {firstSeenAt, expiresAtMs, held}: TimedMember): void {
  const leftMs = Math.max(0, expiresAtMs - performance.now());
  setText(row.children[5] as Element, formatDuration(Date.now() - firstSeenAt));
  const [bar, text] = row.children[6]?.children ?? [];
  const share = held ? 1 : Math.min(1, leftMs / ttlMs);
  bar?.setAttribute('value', share.toFixed(2));
  bar?.setAttribute('data-tone', held ? 'notice' : share < LATE ? 'bad' : 'good');
  (row.children[6] as HTMLElement).dataset.tone = held ? 'notice' : 'plain';
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

/** A filter opens what it finds, and so is opened who left where nobody is; afterwards each is as the person left it. */
function openWhile(details: HTMLDetailsElement, isWanted: boolean): void {
  if (isWanted && !details.open) {
    details.dataset.opened = 'by itself';
    details.open = true;
  } else if (!isWanted && details.dataset.opened !== undefined) {
    delete details.dataset.opened;
    details.open = false;
  }
}

/** Why there is nobody: that nobody came yet is not that all left. */
function nobodyText(): string {
  const [last] = departures;
  if (last === undefined) return 'No slave has sent a keepalive yet.';
  return `Everybody left: ${last.id} of ${last.app} was the last one, at ${formatTime(last.at)} (${whyGone(last)}).`;
}

const whyGone = ({why, reason}: Departure): string => (reason === undefined ? why : `${why}: ${reason}`);

/** Takes those who left, the newest first. */
export function showDepartures(next: readonly Departure[]): void {
  departures = next;
  byId('gone').hidden = next.length === 0;
  setText(byId('gone-count'), String(next.length));
  reconcile(
    byId('departures'),
    next.slice(0, MAX_DEPARTURES).map(one => [`${one.at} ${one.ip} ${one.id}`, one] as const),
    one => {
      const button = el(
        'button',
        {type: 'button', class: 'link', 'data-ip': one.ip, 'aria-haspopup': 'dialog'},
        one.ip,
      );
      const when = el('time', {datetime: new Date(one.at).toISOString()}, formatTime(one.at));
      const cells = [when, one.app, button, one.id, whyGone(one)];
      return el('tr', {}, ...cells.map(cell => el('td', {}, cell)));
    },
    () => {},
  );
  draw();
}

function draw(): void {
  const query = filter();
  const found = [...members.values()].filter(member => matches(member, query));
  const groups = groupByApp(found);
  shownGroups = groups;
  setText(byId('members-count'), query === '' ? `${members.size}` : `${found.length} of ${members.size}`);
  byId('members-none').hidden = found.length > 0;
  openWhile(byId<HTMLDetailsElement>('gone'), members.size === 0);
  setText(byId('members-none'), members.size === 0 ? nobodyText() : 'Nobody matches.');
  reconcile(
    byId('apps'),
    groups.map(group => [`app ${group[0]}`, group] as const),
    ([app, group]) => createGroup(app, group.length <= OPEN_UP_TO),
    (details, [, group]) => {
      setText(details.querySelector('.count') as Element, `${group.length}`);
      openWhile(details as HTMLDetailsElement, query !== '');
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
    showSummary(details.querySelector('.late') as HTMLElement, group);
    const byIp = new Map(group.map(member => [member.ip, member]));
    for (const row of details.querySelectorAll<HTMLElement>('tbody tr')) {
      const member = byIp.get(row.dataset.key ?? '');
      if (member !== undefined) updateAges(row, member);
    }
  }
}

/** Beside an app's name: how many of it are not as they should be. */
function showSummary(place: HTMLElement, group: readonly TimedMember[]): void {
  const count = (is: (member: TimedMember) => boolean, words: string) => {
    const found = group.filter(is).length;
    return found === 0 ? [] : [`${found} ${words}`];
  };
  const isLate = ({expiresAtMs, held}: TimedMember) => !held && expiresAtMs - performance.now() < LATE * ttlMs;
  const bad = [
    ...count(({quarantine}) => quarantine !== null, 'in quarantine'),
    ...count(({proxyState}) => proxyState === 'down', 'down'),
    ...count(isLate, 'about to expire'),
  ];
  const notices = [
    ...count(({held}) => held, 'silent, held'),
    ...count(({proxyState}) => proxyState === 'partly up', 'partly up'),
    ...count(({proxyState}) => proxyState === 'out of service', 'out of service'),
    ...count(({proxyState}) => proxyState === 'no server', 'in no backend'),
  ];
  setText(place, [...bad, ...notices].join(', '));
  place.dataset.tone = bad.length > 0 ? 'bad' : 'notice';
}

/** Wires the filter and the clock. `onPick` is called with the IP that somebody wants to know more about. */
export function startMembers(onPick: (ip: string) => void): void {
  byId('filter').addEventListener('input', draw);
  byId('members-region').addEventListener('click', event => {
    const ip = (event.target as HTMLElement).dataset.ip;
    if (ip !== undefined) onPick(ip);
  });
  setInterval(() => {
    // Nobody's time runs out while nothing is known of anybody.
    if (!document.hidden && !document.body.classList.contains('stale')) tick();
  }, 1000);
}
