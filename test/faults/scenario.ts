import {startBackends} from '../support/backend.ts';
import {getSegments} from '../support/exchange.ts';
import {allowMigration, openNamespaces, podIps} from '../support/namespaces.ts';
import type {Place} from '../support/place.ts';

/** A kind of pass whose effects are made to fail, one at a time. */
export interface Scenario {
  readonly name: string;
  readonly about: string;
  /** KONTROL_RELOAD. */
  readonly setting: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The first and the last of its effects that are its own: before and behind them it does what `reload` does. */
  readonly own?: {readonly from?: string; readonly to: string};
  /** Effects of what goes on beside its last pass (an earlier one is remembered, its HAProxy ends), which may come too late. */
  readonly beside?: RegExp;
  /** New connections may wait, none may fail. */
  readonly open: () => Promise<Stage>;
}

/** Where it plays: one proxy at a time. */
export interface Stage extends AsyncDisposable {
  readonly place: Place;
  /** The template of a round, which differs from that of the round before. */
  readonly text: (round: number) => string;
  /** The template's text where the template has the pods' servers in it. */
  readonly rendered?: (round: number, pods: readonly string[]) => string;
  /** Pods that are there, and one that goes before each round, and comes again while its HAProxy starts. */
  readonly pods?: {readonly stay: readonly string[]; readonly comes: string};
  /** One request through the proxy: `pod`, or what went wrong. */
  readonly visit: () => Promise<string>;
}

/** A SYN that was dropped comes again after 1 and 3 s; a gate whose writer died opens after 4. */
const VISIT_LIMIT_MS = 15_000;

const textOf = (bind: string, server: string, maxconn: number): string =>
  `${withoutServers(bind, maxconn)}  server pod ${server}\n`;

const withoutServers = (bind: string, maxconn: number): string => `global
  maxconn ${maxconn}
defaults
  mode http
  option http-server-close
  timeout connect 2s
  timeout client 15s
  timeout server 15s
frontend proxy
  bind ${bind}
  default_backend web
backend web
`;

async function visit(from: Place, host: string): Promise<string> {
  const outcome = await from.exchange({host, port: 80, segments: getSegments('/', 'x'), timeoutMs: VISIT_LIMIT_MS});
  if (outcome.is === 'failed') return outcome.kind;
  return outcome.answer.status === 200 ? outcome.answer.body.trim() : `status ${outcome.answer.status}`;
}

/** A pod's network of its own, whose firewall the daemon may use as it likes. */
async function openStage(
  text: Stage['text'],
  prepare: (place: Place) => void = () => {},
  peopled: Pick<Stage, 'rendered' | 'pods'> = {},
): Promise<Stage> {
  await using undo = new AsyncDisposableStack();
  const net = undo.use(await openNamespaces());
  prepare(net.proxy);
  const backends = podIps.map(host => ({name: 'pod', host, port: 80}));
  undo.use(await startBackends(backends, net.client));
  const kept = undo.move();
  return {
    place: net.proxy,
    text,
    ...peopled,
    visit: () => visit(net.client, net.proxy.ip),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const reloading: Stage['text'] = round => textOf('*:80', `${podIps[0]}:80`, 500 + round);
/** Connections may come in both address families: each has its gate. */
const reloadingBoth: Stage['text'] = round => textOf(':::80 v4v6', `${podIps[0]}:80`, 500 + round);
/** A weight that no round before had: a text that was there before is in the history already. */
const moving: Stage['text'] = round =>
  textOf('*:80', `${podIps[round % 2 === 0 ? 0 : 1]}:80 weight ${1 + (round % 256)}`, 500);

/** The pod that came in the round before goes. */
const coming: Stage['text'] = round =>
  `${textOf('*:80', `${podIps[0]}:80`, 500)}  server pod-${round} ${podIps[1]}:80\n`;

/** Servers are called by their place: there can be spare ones. */
const joining: Stage['text'] = round =>
  `${withoutServers('*:80', 500 + round)}{% for ip in hosts.web %}  server web-{{ loop.index }} {{ ip }}:80\n{% endfor %}`;

const joined: Required<Pick<Stage, 'rendered' | 'pods'>> = {
  rendered: (round, pods) =>
    withoutServers('*:80', 500 + round) + pods.map((ip, at) => `  server web-${at + 1} ${ip}:80\n`).join(''),
  pods: {stay: [podIps[0]], comes: podIps[1]},
};

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'reload',
    about: 'another text, the best lossless way (`auto`)',
    setting: 'auto',
    open: () => openStage(reloading),
  },
  {
    name: 'gated reload',
    about: 'another text, SYN packets dropped by iptables meanwhile (`syn-drop`); what is done while they are',
    setting: 'syn-drop',
    own: {from: 'start iptables-restore', to: 'end of ip6tables-restore'},
    open: () => openStage(reloadingBoth),
  },
  {
    name: 'runtime change',
    about: 'a server moved, told over the runtime socket; until that is written down',
    setting: 'auto',
    own: {to: 'rename into place proxy.cfg'},
    open: () => openStage(moving),
  },
  {
    name: 'told first',
    about:
      'a server comes and another goes, told over the runtime socket while `haproxy -c` checks the text; until it is written down',
    setting: 'auto',
    own: {to: 'remove run/NEW.state'},
    open: () => openStage(coming),
  },
  {
    name: 'spare server taken',
    about: 'a pod comes while HAProxy is reloaded, and takes a spare server of the new one',
    setting: 'auto',
    // A pod stays longer than any session.
    env: {KONTROL_SPARE_SERVERS: '3', KONTROL_TTL: '3600'},
    own: {from: 'start haproxy', to: 'rename into place proxy.cfg'},
    beside: / (history|certs)(\/|$)|template-good|^end of haproxy$|run\/OLD\./,
    open: () => openStage(joining, undefined, joined),
  },
];

/** A pass that reloads in one way, whose HAProxy is made to hang. */
export const hangingIn = (way: string): Scenario => ({
  name: `hangs, ${way}`,
  about: 'it answers nothing any more',
  setting: way,
  env: {KONTROL_HANG: '3'},
  open: () => openStage(reloading, way === 'migrate' ? allowMigration : undefined),
});
