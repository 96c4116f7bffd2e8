import type {MemberChanges, Pass, Traffic, TrafficLook} from '../../http/page-types.ts';
import type {LiveStatus} from '../../http/status-types.ts';
import {byId, setText} from './dom.ts';
import {addPass, showHistory, startHistory} from './history.ts';
import {setTtl, showMembers, startMembers} from './members.ts';
import {applyMembers, type TimedMember} from './model.ts';
import {showOperator, startOperator} from './operator.ts';
import {showOverview} from './overview.ts';
import {showTimeline} from './timeline.ts';
import {addSample, showTraffic, startTraffic} from './traffic.ts';

/** A browser that gave up on its stream (an answer that was no stream) is helped along after this. */
const RECONNECT_MS = 3000;

let members: ReadonlyMap<string, TimedMember> = new Map();

const load = async <T>(path: string): Promise<T> => {
  const answer = await fetch(path, {headers: {accept: 'application/json'}});
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return (await answer.json()) as T;
};

function setConnection(isLive: boolean): void {
  const connection = byId('connection');
  connection.dataset.tone = isLive ? 'good' : 'bad';
  setText(connection, isLive ? 'live' : 'connection lost: what you see is old');
}

/** What the stream does not repeat: asked for again after every break. */
async function catchUp(): Promise<void> {
  const [history, traffic] = await Promise.all([load<Pass[]>('history'), load<Traffic>('traffic')]);
  showHistory(history);
  showTraffic(traffic);
}

function follow(): void {
  const events = new EventSource('events');
  const on = <T>(name: string, take: (value: T) => void) =>
    events.addEventListener(name, event => take(JSON.parse((event as MessageEvent<string>).data) as T));
  events.addEventListener('open', () => {
    setConnection(true);
    void catchUp().catch(() => {});
  });
  events.addEventListener('error', () => {
    setConnection(false);
    if (events.readyState === EventSource.CLOSED) setTimeout(follow, RECONNECT_MS);
  });
  on<LiveStatus>('status', status => {
    showOverview(status);
    setTtl(status.ttlMs);
    showOperator(status);
  });
  on<MemberChanges>('members', changes => {
    members = applyMembers(members, changes, performance.now());
    showMembers(members);
  });
  on<Pass>('pass', addPass);
  on<TrafficLook>('traffic', addSample);
}

document.addEventListener('keydown', event => {
  const {target} = event;
  const isTyping = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
  if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  byId('filter').focus();
});
byId('timeline-close').addEventListener('click', () => byId<HTMLDialogElement>('timeline').close());
startMembers(ip => void showTimeline(ip));
startHistory();
startOperator();
startTraffic();
follow();
