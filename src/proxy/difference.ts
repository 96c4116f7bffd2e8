import {atOnce, STEP, type Steps} from '../steps.ts';
import {type Backend, type FrameLine, type Outline, readOutline} from './outline.ts';
import {findReferences, type References} from './references.ts';
import {areSameWords, isChecked, isSameAddress, isSameServer, type ServerLine} from './server-line.ts';

/** What has to be done so that a HAProxy that runs one text does what another one says. */
export type Difference =
  /** Over the runtime socket; no changes at all where only comments, blanks or the order of equals differ. */
  {readonly is: 'runtime'; readonly changes: readonly ServerChange[]} | {readonly is: 'reload'; readonly why: string};

/** One change to one server, with how the server is to be afterwards (`after`; absent once it is removed). */
export type ServerChange =
  | {
      readonly do: 'move';
      readonly backend: string;
      readonly before: ServerLine;
      readonly after: ServerLine;
      /** The only one of its backend that takes requests. */
      readonly alone: boolean;
    }
  | {readonly do: 'weigh' | 'enable' | 'disable' | 'add'; readonly backend: string; readonly after: ServerLine}
  | {readonly do: 'remove'; readonly backend: string; readonly before: ServerLine};

export interface RuntimeAbilities {
  /** `add server` and `del server`, which 2.6 calls stable. */
  readonly addsServers: boolean;
}

const MAX_WEIGHT = 256;
const MAX_PORT = 65_535;

/** Servers come and go without changing which client goes where. */
const NAME_BLIND = /^(roundrobin|leastconn|random(\(.*\))?)$/;
const WEIGHS = /^(roundrobin|leastconn|first|random(\(.*\))?)$/;
const HASHES = new Set(['source', 'uri', 'url_param', 'hdr', 'rdp-cookie', 'hash']);

/** What the command line of the runtime socket takes without quoting. */
const PLAIN_WORD = /^[\w.:/[\]@%+,=()~-]+$/;

/**
 * Compares two texts by what they mean (sections, keywords, servers by backend and name). When nothing but addresses,
 * ports, weights or enabled states of servers differ, and with `addsServers` which servers there are, they can be
 * applied to a running HAProxy; any doubt is a reload, with the reason for people.
 */
export const deriveDifference = (before: string, after: string, abilities: RuntimeAbilities): Difference =>
  atOnce(compareTexts(before, after, abilities));

/** The same, in steps. */
export function* compareTexts(before: string, after: string, abilities: RuntimeAbilities): Steps<Difference> {
  const old = yield* readOutline(before);
  const next = yield* readOutline(after);
  const frameDoubt = compareFrames(old, next) ?? findDoubtIn(next);
  if (frameDoubt !== undefined) return {is: 'reload', why: frameDoubt};
  const changes: ServerChange[] = [];
  const references = findReferences(next);
  for (const [index, backend] of next.backends.entries()) {
    const compared = yield* compareServers(old.backends[index]?.servers ?? [], backend, references, abilities);
    if (typeof compared === 'string') return {is: 'reload', why: compared};
    changes.push(...compared);
  }
  return {is: 'runtime', changes};
}

/** Whether a text that differs by these changes is as valid as the one before, by itself. */
export const keepsValidity = (changes: readonly ServerChange[]): boolean =>
  changes.every(change => change.do !== 'add' && change.do !== 'remove');

function compareFrames({frame: old}: Outline, {frame: next}: Outline): string | undefined {
  const index = next.findIndex((line, at) => !isSameLine(line, old[at]));
  const changed = index < 0 && old.length > next.length ? old[next.length] : next[index];
  return changed === undefined ? undefined : `${changed.section || 'the text'} changed: ${shown(changed)}`;
}

const isSameLine = (a: FrameLine, b: FrameLine | undefined): boolean =>
  a.section === b?.section && areSameWords(a.words, b.words);

const MAX_SHOWN_CHARACTERS = 60;
/** Passwords may stand in any line but its first word. */
const shown = ({words}: FrameLine): string => (words[0] ?? '').slice(0, MAX_SHOWN_CHARACTERS);

function findDoubtIn({backends}: Outline): string | undefined {
  const repeated = findRepeated(backends);
  if (repeated !== undefined) return `there are two backends ${repeated}`;
  for (const {name, servers} of backends) {
    const twice = findRepeated(servers);
    if (twice !== undefined) return `there are two servers ${name}/${twice}`;
  }
  return undefined;
}

function findRepeated(named: readonly {readonly name: string}[]): string | undefined {
  const seen = new Set<string>();
  return named.find(({name}) => seen.size === seen.add(name).size)?.name;
}

/** The changes to one backend, adds first, removals last; or why it has to be a reload. */
function* compareServers(
  old: readonly ServerLine[],
  backend: Backend,
  references: References,
  {addsServers}: RuntimeAbilities,
): Steps<ServerChange[] | string> {
  const {name, servers, balance} = backend;
  if (old.length === servers.length && old.every((server, index) => isSameServer(server, servers[index] ?? server)))
    return [];
  yield;
  const before = new Map(old.map(server => [server.name, server]));
  const after = new Map(servers.map(server => [server.name, server]));
  const added = servers.filter(server => !before.has(server.name));
  const removed = old.filter(server => !after.has(server.name));
  yield;
  const kept = old.filter(server => after.has(server.name)).map(server => server.name);
  const isReordered = !areSameWords(
    kept,
    servers.filter(server => before.has(server.name)).map(server => server.name),
  );
  const doubt = findDoubt(backend, references, {
    namesChange: added.length + removed.length > 0,
    isReordered: isReordered || (added.length > 0 && !isSuffix(servers, added)),
    addsServers,
  });
  if (doubt !== undefined) return doubt;
  const changes: ServerChange[] = [];
  for (const server of added) {
    const refusal = findAddDoubt(backend, server);
    if (refusal !== undefined) return refusal;
    changes.push({do: 'add', backend: name, after: server});
  }
  const active = servers.filter(isActive).length;
  for (const [index, server] of servers.entries()) {
    if (index % STEP === 0) yield;
    const was = before.get(server.name);
    if (was === undefined) continue;
    const alone = active === (isActive(server) ? 1 : 0);
    const own = compareServer(backend.name, was, server, {alone, references});
    if (typeof own === 'string') return own;
    changes.push(...own);
  }
  for (const server of removed) {
    const refusal = findRemoveDoubt(backend, server, references);
    if (refusal !== undefined) return refusal;
    changes.push({do: 'remove', backend: name, before: server});
  }
  const weighed = changes.some(change => change.do === 'weigh' || (change.do === 'add' && change.after.weight !== 1));
  if (weighed && !weighsAtRunTime(backend)) return `${name}: balance ${balance} takes no new weights at run time`;
  return changes;
}

/** It takes requests. */
const isActive = ({disabled, weight}: ServerLine): boolean => !disabled && weight > 0;

const isSuffix = (servers: readonly ServerLine[], added: readonly ServerLine[]): boolean =>
  servers.slice(-added.length).every((server, index) => server === added[index]);

const weighsAtRunTime = ({balance, hashType}: Backend): boolean =>
  WEIGHS.test(balance) || (isHash(balance) && hashType[0] === 'consistent');

const isHash = (balance: string): boolean => HASHES.has(balance.replace(/\(.*$/, ''));

function findDoubt(
  {name, balance, keywords, namedDefaults}: Backend,
  {sticks}: References,
  given: {readonly namesChange: boolean; readonly isReordered: boolean; readonly addsServers: boolean},
): string | undefined {
  if (!/^[\w.:-]+$/.test(name)) return `backend ${name}: its name cannot be told to the runtime socket`;
  if ([...keywords].some(word => word.startsWith('.'))) return `${name}: it has conditions`;
  if (keywords.has('dynamic-cookie-key')) return `${name}: dynamic cookies come from addresses`;
  if (keywords.has('hash-key')) return `${name}: hash-key may come from addresses`;
  if (given.namesChange && !given.addsServers) return `${name}: servers come and go`;
  if (!given.namesChange && !given.isReordered) return undefined;
  if (!NAME_BLIND.test(balance)) return `${name}: balance ${balance} depends on which servers there are, in order`;
  if (given.namesChange && namedDefaults) return `${name}: servers come and go under named defaults`;
  return sticks ? `${name}: stick tables know servers by their number` : undefined;
}

const optionIn = ({options}: ServerLine, wanted: readonly string[]): string | undefined =>
  options.find(option => wanted.includes(option));

/** Options that `add server` has no word for, or that mean something else there. */
const NOT_ADDABLE = [
  'cookie',
  'resolvers',
  'resolve-prefer',
  'init-addr',
  'track',
  'redir',
  'namespace',
  'agent-check',
];

function findAddDoubt({name, keywords}: Backend, server: ServerLine): string | undefined {
  const shownName = `${name}/${server.name}`;
  if (server.address.is === 'other') return `${shownName}: its address is not an IP`;
  if (server.address.mapped) return `${shownName}: its port comes from the client's`;
  const option = optionIn(server, NOT_ADDABLE) ?? (keywords.has('cookie') ? 'cookie' : undefined);
  if (option !== undefined) return `${shownName}: "${option}" cannot be given at run time`;
  const words = [server.name, ...server.options];
  return words.every(word => PLAIN_WORD.test(word)) ? undefined : `${shownName}: an option would need quotes`;
}

function findRemoveDoubt({name}: Backend, server: ServerLine, references: References): string | undefined {
  const shownName = `${name}/${server.name}`;
  if (optionIn(server, ['on-marked-down']) !== undefined) return `${shownName}: going down would end its sessions`;
  if (references.isTracked(name, server.name)) return `${shownName}: another server tracks it`;
  return references.isReferred(server.name) ? `${shownName}: other lines name it` : undefined;
}

/** The changes to a server that stays, or why it has to be a reload. */
function compareServer(
  backend: string,
  before: ServerLine,
  after: ServerLine,
  {alone, references}: {readonly alone: boolean; readonly references: References},
): ServerChange[] | string {
  if (isSameServer(before, after)) return [];
  const shownName = `${backend}/${after.name}`;
  if (!/^[\w.:-]+$/.test(after.name)) return `${shownName}: its name cannot be told to the runtime socket`;
  if (!areSameWords(before.rest, after.rest)) return `${shownName}: its options changed`;
  const changes: ServerChange[] = [];
  if (!isSameAddress(before.address, after.address)) {
    const doubt = findMoveDoubt(backend, before, after, references);
    if (doubt !== undefined) return `${shownName}: ${doubt}`;
    changes.push({do: 'move', backend, before, after, alone});
  }
  if (before.weight !== after.weight) {
    if (!(Number.isInteger(after.weight) && after.weight >= 0 && after.weight <= MAX_WEIGHT)) {
      return `${shownName}: its weight is not a number up to ${MAX_WEIGHT}`;
    }
    changes.push({do: 'weigh', backend, after});
  }
  if (before.disabled !== after.disabled) {
    const marked = optionIn(after, ['on-marked-down', 'on-marked-up', 'track', 'agent-check']);
    if (marked !== undefined) return `${shownName}: "${marked}" would act on it`;
    if (references.isTracked(backend, after.name)) return `${shownName}: another server tracks it`;
    changes.push({do: after.disabled ? 'disable' : 'enable', backend, after});
  }
  return changes;
}

function findMoveDoubt(
  backend: string,
  before: ServerLine,
  after: ServerLine,
  references: References,
): string | undefined {
  const [from, to] = [before.address, after.address];
  if (from.is === 'other' || to.is === 'other') return 'its address is not an IP';
  if (Number(to.port) > MAX_PORT) return 'its port is not a port';
  if (from.port !== to.port && (from.mapped || to.mapped)) return "its port comes from the client's";
  const marked = optionIn(after, ['on-marked-down', 'on-marked-up', 'track', 'agent-check', 'namespace']);
  if (marked !== undefined) return `"${marked}" would act on the move`;
  if (from.family !== to.family && optionIn(after, ['source']) !== undefined) return '"source" is of another family';
  if (references.isTracked(backend, after.name) && isChecked(after)) return 'another server tracks it';
  return undefined;
}
