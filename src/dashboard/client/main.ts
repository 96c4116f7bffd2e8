import type {Departure, MemberChanges, Pass, Traffic, TrafficLook} from '../../http/page-types.ts';
import type {LiveStatus} from '../../http/status-types.ts';
import {byId, setText} from './dom.ts';
import {addPass, showHistory, startHistory} from './history.ts';
import {setTtl, showDepartures, showMembers, startMembers} from './members.ts';
import {applyMembers, type TimedMember} from './model.ts';
import {showOperator, startOperator} from './operator.ts';
import {showLost, showOverview} from './overview.ts';
import {showTimeline} from './timeline.ts';
import {addSample, showTraffic, startTraffic} from './traffic.ts';

/** The server says something at least every 5 s: a connection on which it does not is one to nobody. */
const SILENT_MS = 12_000;

/** A browser that gave up on its stream (an answer that was no stream) is helped along after this. */
const RECONNECT_MS = 3000;

let members: ReadonlyMap<string, TimedMember> = new Map();

const load = async <T>(path: string): Promise<T> => {
  const answer = await fetch(path, {headers: {accept: 'application/json'}});
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return (await answer.json()) as T;
};

/** As it was told last. */
let status: LiveStatus | undefined;

/** When the stream was last heard, and the last one opened. */
let heardAt = Date.now();
let openedAt = heardAt;

function setConnection(isLive: boolean): void {
  document.body.classList.toggle('stale', !isLive);
  if (!isLive) showLost(heardAt);
  const connection = byId('connection');
  connection.dataset.tone = isLive ? 'good' : 'bad';
  setText(connection, isLive ? 'live' : 'connection lost: what you see is old');
}

/** What the stream does not repeat: asked for again after every break. */
async function catchUp(): Promise<void> {
  const [history, traffic, gone] = await Promise.all([
    load<Pass[]>('history'),
    load<Traffic>('traffic'),
    load<Departure[]>('members/gone'),
  ]);
  showDepartures(gone);
  showHistory(history);
  showTraffic(traffic);
}

/** What can be done about a problem depends on the passes there were. */
function showProblems(): void {
  if (status !== undefined) showOverview(status);
}

function follow(): void {
  const events = new EventSource('events');
  openedAt = Date.now();
  const watching = setInterval(() => {
    if (Date.now() - Math.max(heardAt, openedAt) < SILENT_MS) return;
    clearInterval(watching);
    events.close();
    setConnection(false);
    follow();
  }, 1000);
  const on = <T>(name: string, take: (value: T) => void) =>
    events.addEventListener(name, event => {
      heardAt = Date.now();
      take(JSON.parse((event as MessageEvent<string>).data) as T);
    });
  events.addEventListener('open', () => {
    setConnection(true);
    void catchUp().then(showProblems, () => {});
  });
  events.addEventListener('error', () => {
    setConnection(false);
    if (events.readyState !== EventSource.CLOSED) return;
    clearInterval(watching);
    setTimeout(follow, RECONNECT_MS);
  });
  on<LiveStatus>('status', told => {
    status = told;
    showOverview(told);
    setTtl(told.ttlMs);
    showOperator(told);
  });
  on<MemberChanges>('members', changes => {
    members = applyMembers(members, changes, performance.now());
    showMembers(members);
    if (changes.gone.length > 0) void load<Departure[]>('members/gone').then(showDepartures, () => {});
  });
  on<Pass>('pass', pass => {
    addPass(pass);
    showProblems();
  });
  on<TrafficLook>('traffic', addSample);
  on('beat', () => {});
}

document.addEventListener('keydown', event => {
  const {target} = event;
  const isTyping = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
  if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  byId('filter').focus();
});
byId('timeline-close').addEventListener('click', () => byId<HTMLDialogElement>('timeline').close());
setText(byId('zone'), `Times are in ${Intl.DateTimeFormat().resolvedOptions().timeZone}.`);
startMembers(ip => void showTimeline(ip));
startHistory();
startOperator();
startTraffic();
follow();
