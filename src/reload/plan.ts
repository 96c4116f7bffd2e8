import {FAMILIES, type Family} from '../firewall/family.ts';
import type {Capabilities} from './capabilities.ts';
import {type Listener, socketKey} from './listeners.ts';
import {RELOAD_WAYS, type ReloadSetting, type ReloadWay} from './ways.ts';

export interface ListenerPlan {
  readonly listener: Listener;
  readonly way: ReloadWay;
  /** The new generation gets the daemon's sockets, whatever guards the old one's (`way`) this time. */
  readonly inherits: boolean;
}

export interface ReloadPlan {
  /** The weakest way in use. */
  readonly way: ReloadWay;
  readonly why: string;
  readonly listeners: readonly ListenerPlan[];
  /** The new generation is started beside the old one and says nothing to it; otherwise with `-sf`. */
  readonly parallel: boolean;
  /** The new generation fetches the listeners of the old one. */
  readonly transfers: boolean;
  /** Ports whose SYN packets are dropped while the old one closes. */
  readonly gatedPorts: readonly number[];
  /**
   * Those that are gated as soon as the new one is started: it binds them beside an old one, and may not be able to bind
   * others, since the daemon could not. Who reached it would be cut.
   */
  readonly gatedAtStart: readonly number[];
  /** In which of the families. */
  readonly gatedFamilies: readonly Family[];
}

/** What a configuration text means for a reload. */
export interface PlanSide {
  readonly listeners: readonly Listener[];
  readonly noreuseport: boolean;
  /** Abstract UNIX sockets: like a TCP port without SO_REUSEPORT, one process only. */
  readonly abstracts: readonly string[];
}

/** What still listens, of all generations that do. */
export interface OldSide extends PlanSide {
  /** Keys of the daemon's sockets that it listens on. */
  readonly inherited: ReadonlySet<string>;
  /** Ports that it really listens on; more than its text says where that was not seen by us. */
  readonly ports: readonly number[];
  /** It runs from a control file that offers its sockets, and it answers. */
  readonly offers: boolean;
}

export interface PlanInput {
  readonly setting: ReloadSetting;
  readonly capabilities: Capabilities;
  readonly next: PlanSide;
  /** Undefined when nothing listens. */
  readonly old: OldSide | undefined;
  /** Why a socket cannot be had by the daemon, by its key; undefined when it can or already is. */
  readonly refusal: (key: string) => string | undefined;
}

type Verdict = {readonly is: 'possible'} | {readonly is: 'impossible'; readonly why: string};
const ANY_LISTENER: Listener = {address: '', place: 0, ports: [], sockets: [], families: [], obstacle: undefined};

const possible: Verdict = {is: 'possible'};
const impossible = (why: string): Verdict => ({is: 'impossible', why});

/** The best way that is possible for each listener, from the one that was asked for downwards; `why` says what decided. */
export function planReload(input: PlanInput): ReloadPlan {
  const side = planBeside(input);
  const serial = side.listeners.some(({way}) => way === 'classic') || (isExclusive(input) && !isFree(side));
  return finish(input, serial ? planSerial(input, side) : side);
}

interface Draft {
  readonly listeners: readonly ListenerPlan[];
  readonly reasons: readonly string[];
  readonly parallel: boolean;
}

/** Two generations cannot listen at once, at least on something. */
const isExclusive = (input: PlanInput): boolean => exclusion(input) !== undefined;

const isFree = ({listeners}: Draft): boolean =>
  listeners.every(({way}) => way === 'transfer' || way === 'inherit') && listeners.length > 0;

/** A variable in an address may stand for anything. */
const mayBeSame = (one: string, other: string): boolean => one === other || `${one}${other}`.includes('$');

function exclusion({next, old}: PlanInput): string | undefined {
  if (next.noreuseport || old?.noreuseport) return 'noreuseport forbids two generations to listen at once';
  const shared = next.abstracts.find(address => old?.abstracts.some(other => mayBeSame(address, other)));
  return shared === undefined ? undefined : `two generations cannot listen on ${shared} at once`;
}

/** Each listener by itself, all generations side by side. */
function planBeside(input: PlanInput): Draft {
  const reasons: string[] = [];
  const listeners = input.next.listeners.map((listener): ListenerPlan => {
    const way = firstPossible(input, listener, reasons);
    if (way !== 'inherit') return {listener, way, inherits: false};
    const {guard, why} = guardOf(input, listener);
    if (why !== undefined) reasons.push(why);
    return {listener, way: guard, inherits: true};
  });
  return {listeners, reasons, parallel: true};
}

/** HAProxy itself makes room (`-sf`); an inherited socket would be paused with the rest, so there is none. */
function planSerial(input: PlanInput, {reasons}: Draft): Draft {
  const {gate} = input.capabilities;
  const way = gate.is === 'able' && input.setting !== 'plain' ? 'classic' : 'plain';
  const why = exclusion(input);
  return {
    listeners: input.next.listeners.map(listener => ({listener, way, inherits: false})),
    reasons: why === undefined ? reasons : [...reasons, why],
    parallel: false,
  };
}

function firstPossible(input: PlanInput, listener: Listener, reasons: string[]): ReloadWay {
  const from = input.setting === 'auto' ? 0 : RELOAD_WAYS.indexOf(input.setting);
  for (const way of RELOAD_WAYS.slice(from)) {
    const verdict = judge(way, input, listener);
    if (verdict.is === 'possible') return way;
    reasons.push(`no ${way}: ${verdict.why}`);
  }
  return 'plain';
}

function judge(way: ReloadWay, input: PlanInput, listener: Listener): Verdict {
  const {capabilities, old} = input;
  const excluded = exclusion(input);
  switch (way) {
    case 'transfer':
      if (!capabilities.haproxy.transfer) return impossible(`HAProxy ${capabilities.haproxy.version} has no -x`);
      // HAProxy does not hand over what it inherited itself (2.6).
      if (old !== undefined && old.inherited.size > 0) return impossible('the running HAProxy inherited its sockets');
      return old?.offers === false ? impossible('the running HAProxy does not offer its sockets') : possible;
    case 'migrate':
      if (excluded !== undefined) return impossible(excluded);
      return capabilities.migrate ? possible : impossible('net.ipv4.tcp_migrate_req is 0');
    case 'inherit':
      return judgeInherit(input, listener);
    case 'syn-drop':
      if (excluded !== undefined) return impossible(excluded);
      return gateVerdict(input);
    case 'classic':
      return gateVerdict(input);
    case 'plain':
      return possible;
  }
}

function judgeInherit(input: PlanInput, {address, sockets, obstacle}: Listener): Verdict {
  const {bindOnly} = input.capabilities;
  if (!bindOnly.able) return impossible(bindOnly.why ?? 'sockets cannot be bound here');
  const abstract = exclusion({...input, next: {...input.next, noreuseport: false}, old: withReuse(input.old)});
  if (abstract !== undefined) return impossible(abstract);
  if (obstacle !== undefined) return impossible(`${address}: ${obstacle}`);
  const refusal = sockets.map(socket => input.refusal(socketKey(socket))).find(why => why !== undefined);
  return refusal === undefined ? possible : impossible(`${address}: ${refusal}`);
}

const withReuse = (old: OldSide | undefined): OldSide | undefined => old && {...old, noreuseport: false};

const gateVerdict = ({capabilities: {gate}}: PlanInput): Verdict =>
  gate.is === 'able' ? possible : impossible(`SYN packets cannot be dropped: ${gate.why}`);

/**
 * A socket of the daemon's beside one that an old HAProxy bound itself: what waits in the old one's queue has to be
 * guarded once, as long as there is a way.
 */
function guardOf(input: PlanInput, {ports, sockets, address}: Listener): {guard: ReloadWay; why?: string} {
  const {old, capabilities} = input;
  const isShared = sockets.every(socket => old?.inherited.has(socketKey(socket)));
  const isListened = ports.some(port => old?.ports.includes(port));
  if (isShared || !isListened) return {guard: 'inherit'};
  const why = `${address} is taken over once from a HAProxy that bound it itself`;
  if (capabilities.migrate) return {guard: 'migrate', why};
  return {guard: capabilities.gate.is === 'able' ? 'syn-drop' : 'plain', why};
}

function finish(input: PlanInput, {listeners, reasons, parallel}: Draft): ReloadPlan {
  const {setting, capabilities, old, next} = input;
  // A text that binds no TCP port is shown the way that any other would go.
  const ways = listeners.length === 0 ? [firstPossible(input, ANY_LISTENER, [])] : listeners.map(({way}) => way);
  const way = RELOAD_WAYS.findLast(one => ways.includes(one)) ?? 'plain';
  const kept = new Set(next.listeners.flatMap(({ports}) => ports));
  const removed = (old?.ports ?? []).filter(port => !kept.has(port));
  const guarded = listeners.filter(one => one.way === 'syn-drop' || one.way === 'classic');
  const isGated = capabilities.gate.is === 'able' && setting !== 'plain' && old !== undefined;
  const ports = [...guarded.flatMap(({listener}) => listener.ports), ...removed];
  const gatedPorts = isGated ? [...new Set(ports)].sort((a, b) => a - b) : [];
  const mayFail = next.listeners.some(({sockets}) => sockets.some(socket => input.refusal(socketKey(socket))));
  const taken = guarded.filter(({inherits}) => inherits).flatMap(({listener}) => listener.ports);
  const asked = setting === 'auto' ? [] : [`KONTROL_RELOAD asks for ${setting}`];
  return {
    way,
    why: [...new Set([...asked, ...meansOf(way, capabilities), ...reasons])].join('; '),
    listeners,
    parallel,
    transfers: parallel && old?.offers === true && way === 'transfer',
    gatedPorts,
    gatedAtStart: isGated && mayFail ? taken : [],
    gatedFamilies: FAMILIES.filter(family => gatedPorts.some(port => mayArrive(input, port, family))),
  };
}

/** Whether connections to the port can come in this family; of one that no text names we know nothing. */
function mayArrive({next, old}: PlanInput, port: number, family: Family): boolean {
  const isOn = ({ports}: Listener) => ports.includes(port);
  const known = old?.listeners.filter(isOn) ?? [];
  if (old?.ports.includes(port) && known.length === 0) return true;
  return [...known, ...next.listeners.filter(isOn)].some(({families}) => families.includes(family));
}

function meansOf(way: ReloadWay, {gate, haproxy}: Capabilities): string[] {
  switch (way) {
    case 'transfer':
      return [`HAProxy ${haproxy.version} hands its listening sockets over`];
    case 'migrate':
      return ['net.ipv4.tcp_migrate_req is 1'];
    case 'inherit':
      return ['every generation listens on sockets that the daemon owns'];
    case 'syn-drop':
    case 'classic':
      return gate.is === 'able' ? [`${gate.variant} drops SYN packets on ${gate.families.join(' and ')}`] : [];
    case 'plain':
      return [];
  }
}
