import {atOnce, STEP, type Steps} from '../steps.ts';
import {type BackendRules, findConnectionDoubt, findRuleDoubt, isNameBlind, readRules} from './backend-rules.ts';
import {findGlobalRow} from './global-keywords.ts';
import {type ChangeKind, findException} from './keyword-row.ts';
import {findLoadedFiles, findUnreadFile} from './loaded-files.ts';
import {type Backend, type FrameLine, type Outline, readOutline, type Words} from './outline.ts';
import {findReferences, type References} from './references.ts';
import {
  areSameWords,
  DEFAULT_WEIGHT,
  findServerRow,
  isSameAddress,
  isSameServer,
  optionsOf,
  optionValue,
  readOptions,
  type ServerLine,
} from './server-line.ts';
import {isSpareAddress} from './spare-address.ts';
import type {Release} from './version.ts';

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
      /** The only one of its backend that takes requests; backup servers are another matter. */
      readonly alone: boolean;
    }
  | {readonly do: 'weigh' | 'enable' | 'disable' | 'add'; readonly backend: string; readonly after: ServerLine}
  | {readonly do: 'remove'; readonly backend: string; readonly before: ServerLine};

export interface RuntimeAbilities {
  readonly release: Release;
  /** The words that `add server` takes, where HAProxy lists them (3.2+). */
  readonly addWords?: ReadonlySet<string>;
  /** `backend/server` of those that have served nobody since HAProxy was started: no connection leads anywhere. */
  readonly unused?: ReadonlySet<string>;
}

/** Releases that the changes of the tables were tried on. */
const OLDEST_TRIED: Release = 1.7;
const NEWEST_TRIED: Release = 3.5;

/** From here on `add server` and `del server` are called stable. */
export const ADDS_SERVERS: Release = 2.6;

const MAX_WEIGHT = 256;
const MAX_PORT = 65_535;

/** What the command line of the runtime socket takes without quoting. */
const PLAIN_WORD = /^[\w.:/[\]@%+,=()~-]+$/;

const PLAIN_NAME = /^[\w.:-]+$/;

/**
 * Compares two texts by what they mean (sections, keywords, servers by backend and name). When nothing but addresses,
 * ports, weights or enabled states of servers differ, and with `addsServers` which servers there are, they can be
 * applied to a running HAProxy; any doubt is a reload, with the reason for people.
 */
export const deriveDifference = (before: string, after: string, abilities: RuntimeAbilities): Difference =>
  atOnce(compareTexts(before, after, abilities));

/** The same, in steps; `read` may remember what it read. */
export function* compareTexts(
  before: string,
  after: string,
  abilities: RuntimeAbilities,
  read: typeof readOutline = readOutline,
): Steps<Difference> {
  const old = yield* read(before);
  const next = yield* read(after);
  const frameDoubt = compareFrames(old, next) ?? findDoubtIn(next) ?? findDoubtIn(old);
  if (frameDoubt !== undefined) return {is: 'reload', why: frameDoubt};
  const changes: ServerChange[] = [];
  const references = findReferences(next);
  for (const [index, backend] of next.backends.entries()) {
    const compared = yield* compareServers(old.backends[index]?.servers ?? [], backend, references, abilities);
    if (typeof compared === 'string') return {is: 'reload', why: compared};
    changes.push(...compared);
  }
  const doubt = findFileDoubt(old, changes) ?? findIdentityDoubt(changes);
  if (doubt !== undefined) return {is: 'reload', why: doubt};
  const textDoubt = changes.length === 0 ? undefined : findTextDoubt(next, new Set(changes.map(kindOf)), abilities);
  return textDoubt === undefined ? {is: 'runtime', changes} : {is: 'reload', why: textDoubt};
}

/** What kind of change this is to the keywords that are in effect for the server. */
function kindOf(change: ServerChange): ChangeKind {
  if (change.do !== 'move') return change.do;
  return change.after.checked ? 'recheck' : 'move';
}

/** Why nothing may be changed at run time under this text, in its conditions or its global settings. */
function findTextDoubt(
  {frame, hasConditions}: Outline,
  kinds: ReadonlySet<ChangeKind>,
  {release}: RuntimeAbilities,
): string | undefined {
  if (release < OLDEST_TRIED || release > NEWEST_TRIED) {
    return `changes at run time have not been tried on HAProxy ${release.toFixed(1)}`;
  }
  if (hasConditions) return 'the text has conditions (".if")';
  for (const {section, words} of frame) {
    if (section !== 'global' || words[0] === 'global') continue;
    const row = findGlobalRow(words);
    if (row === undefined) return `global: "${shown(words)}" is not known to be safe with changes at run time`;
    for (const kind of kinds) {
      const why = findException(row, kind, release);
      if (why !== undefined) return `global: "${shown(words)}": ${why}`;
    }
  }
  return undefined;
}

function findFileDoubt(old: Outline, changes: readonly ServerChange[]): string | undefined {
  const adds = changes.flatMap(change => (change.do === 'add' ? [change] : []));
  if (!adds.some(({after}) => findUnreadFile(after, NO_FILES) !== undefined)) return undefined;
  const loaded = findLoadedFiles(old);
  for (const {backend, after} of adds) {
    const option = findUnreadFile(after, loaded);
    if (option !== undefined)
      return `${backend}/${after.name}: "${option}": HAProxy reads a new file only when it starts`;
  }
  return undefined;
}
const NO_FILES: ReadonlySet<string> = new Set();

/** Identities that no two servers may have at a time: of a backend, of all. */
const IDENTITIES = ['id', 'guid'] as const;

/** One that goes is there until all of its connections have ended. */
function findIdentityDoubt(changes: readonly ServerChange[]): string | undefined {
  const identities = (change: ServerChange) =>
    IDENTITIES.flatMap(option => {
      const value = optionValue(lineOf(change).options, option);
      return value === undefined ? [] : [`"${option} ${value}"${option === 'id' ? ` in ${change.backend}` : ''}`];
    });
  const leaving = new Set(changes.filter(change => change.do === 'remove').flatMap(identities));
  if (leaving.size === 0) return undefined;
  const taken = changes
    .filter(change => change.do === 'add')
    .flatMap(identities)
    .find(one => leaving.has(one));
  return taken === undefined ? undefined : `${taken} is still that of a server which goes`;
}

function compareFrames({frame: old}: Outline, {frame: next}: Outline): string | undefined {
  const index = next.findIndex((line, at) => !isSameLine(line, old[at]));
  const changed = index < 0 && old.length > next.length ? old[next.length] : next[index];
  return changed === undefined ? undefined : `${changed.section || 'the text'} changed: ${shown(changed.words)}`;
}

const isSameLine = (a: FrameLine, b: FrameLine | undefined): boolean =>
  a.section === b?.section && areSameWords(a.words, b.words);

const MAX_SHOWN_CHARACTERS = 60;
/** Passwords may stand in any line but its first word. */
const shown = (words: Words): string => (words[0] ?? '').slice(0, MAX_SHOWN_CHARACTERS);

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
  abilities: RuntimeAbilities,
): Steps<ServerChange[] | string> {
  const {name, servers} = backend;
  if (old.length === servers.length && old.every((server, index) => isSameServer(server, servers[index] ?? server)))
    return [];
  yield;
  if (!PLAIN_NAME.test(name)) return `backend ${name}: its name cannot be told to the runtime socket`;
  const before = new Map(old.map(server => [server.name, server]));
  const after = new Map(servers.map(server => [server.name, server]));
  const added = servers.filter(server => !before.has(server.name));
  const removed = old.filter(server => !after.has(server.name));
  yield;
  const isReordered = !areSameWords(
    old.filter(server => after.has(server.name)).map(server => server.name),
    servers.filter(server => before.has(server.name)).map(server => server.name),
  );
  const rules = readRules(backend);
  if (references.hasAgents && rules.mode === 'tcp')
    return `${name}: it may be the backend of "filter spoe", whose connections to agents would go on to be used`;
  const isInOrder = !isReordered && (added.length === 0 || isSuffix(servers, added));
  const doubt = findOrderDoubt(rules, references, {
    namesChange: added.length + removed.length > 0,
    isReordered: !isInOrder,
    release: abilities.release,
  });
  if (doubt !== undefined) return `${name}: ${doubt}`;
  if (!isInOrder && shareCookies(servers))
    return `${name}: of servers with the same cookie the first is used, and another would be`;
  if (areBackupsReordered(old, servers))
    return `${name}: the first of its backup servers is used, and another would be`;
  const changes: ServerChange[] = added.map(server => ({do: 'add', backend: name, after: server}));
  const kept = yield* compareKept(backend, before);
  if (typeof kept === 'string') return kept;
  changes.push(...kept);
  for (const server of removed) changes.push({do: 'remove', backend: name, before: server});
  const kinds = new Set(changes.map(kindOf));
  if (added.some(server => server.weight !== DEFAULT_WEIGHT)) kinds.add('weigh');
  for (const kind of kinds) {
    const why = findRuleDoubt(rules, kind, abilities.release);
    if (why !== undefined) return `${name}: ${why}`;
  }
  const connectionDoubt = changes.some(change => leavesConnections(change, abilities))
    ? findConnectionDoubt(rules)
    : undefined;
  if (connectionDoubt !== undefined) return `${name}: ${connectionDoubt}`;
  let like: ServerChange | undefined;
  for (const [index, change] of changes.entries()) {
    if (index % STEP === 0) yield;
    const why =
      (like !== undefined && isAlike(like, change) ? undefined : findOptionDoubt(change, abilities)) ??
      findServerDoubt(change, {rules, references});
    if (why !== undefined) return `${name}/${lineOf(change).name}: ${why}`;
    like = change;
  }
  return changes;
}

/** It moves, and connections to where it was may be used on. A spare server is never enabled without a move. */
const leavesConnections = (change: ServerChange, {unused}: RuntimeAbilities): boolean =>
  change.do === 'move' &&
  unused?.has(`${change.backend}/${change.after.name}`) !== true &&
  !(change.after.disabled && isSpareAddress(change.after.address));

export const lineOf = (change: ServerChange): ServerLine => (change.do === 'remove' ? change.before : change.after);

/** It takes requests. */
const isActive = ({disabled, weight = 0}: ServerLine): boolean => !disabled && weight > 0;

const isSuffix = (servers: readonly ServerLine[], added: readonly ServerLine[]): boolean =>
  servers.slice(-added.length).every((server, index) => server === added[index]);

const isBackup = ({rest}: ServerLine): boolean => rest.lastIndexOf('backup') > rest.lastIndexOf('no-backup');

/** HAProxy would have them in another order: whoever comes is the last one there. */
function areBackupsReordered(old: readonly ServerLine[], next: readonly ServerLine[]): boolean {
  const namesOf = (servers: readonly ServerLine[]) => servers.filter(isBackup).map(({name}) => name);
  const [before, after] = [namesOf(old), namesOf(next)];
  if (after.length < 2) return false;
  const [was, is] = [new Set(before), new Set(after)];
  return !areSameWords([...before.filter(name => is.has(name)), ...after.filter(name => !was.has(name))], after);
}

function shareCookies(servers: readonly ServerLine[]): boolean {
  const cookies = servers.flatMap(({options}) => optionValue(options, 'cookie') ?? []);
  return new Set(cookies).size < cookies.length;
}

function findOrderDoubt(
  rules: BackendRules,
  {sticks, asksNumbers}: References,
  given: {readonly namesChange: boolean; readonly isReordered: boolean; readonly release: Release},
): string | undefined {
  if (given.namesChange && given.release < ADDS_SERVERS) return 'servers come and go';
  if (!given.namesChange && !given.isReordered) return undefined;
  if (!isNameBlind(rules)) return `balance ${rules.balance} depends on which servers there are, in order`;
  if (asksNumbers) return '"srv_id" is the number of a server, and another would have it';
  const knowsNumbers = sticks || rules.keywords.has('stick-table');
  return knowsNumbers ? 'stick tables know servers by their number' : undefined;
}

/**
 * The changes to servers that stay, or why it has to be a reload. Those that come to take requests are first and those
 * that cease to are last: between two commands HAProxy serves.
 */
function* compareKept(
  {name, servers}: Backend,
  before: ReadonlyMap<string, ServerLine>,
): Steps<ServerChange[] | string> {
  const active = servers.filter(isActive);
  const backups = active.filter(isBackup).length;
  const coming: ServerChange[] = [];
  const staying: ServerChange[] = [];
  const leaving: ServerChange[] = [];
  for (const [index, server] of servers.entries()) {
    if (index % STEP === 0) yield;
    const was = before.get(server.name);
    if (was === undefined || isSameServer(was, server)) continue;
    const alike = isBackup(server) ? backups : active.length - backups;
    const alone = alike === (isActive(server) ? 1 : 0);
    const own = compareServer(name, was, server, alone);
    if (typeof own === 'string') return own;
    if (alone && backups > 0 && !isBackup(server) && server.checked && own.some(change => change.do === 'move'))
      return `${name}/${server.name}: its backup servers would take over later than after a start, where nobody answers at the new address`;
    const part = !isActive(server) ? leaving : isActive(was) ? staying : coming;
    part.push(...own);
  }
  return [...coming, ...staying, ...leaving];
}

/** The changes to a server that stays, or why it has to be a reload. */
function compareServer(
  backend: string,
  before: ServerLine,
  after: ServerLine,
  alone: boolean,
): ServerChange[] | string {
  if (!areSameWords(before.rest, after.rest)) return `${backend}/${after.name}: its options changed`;
  const changes: ServerChange[] = [];
  if (!before.disabled && after.disabled) changes.push({do: 'disable', backend, after});
  if (!isSameAddress(before.address, after.address)) changes.push({do: 'move', backend, before, after, alone});
  if (before.weight !== after.weight) changes.push({do: 'weigh', backend, after});
  if (before.disabled && !after.disabled) changes.push({do: 'enable', backend, after});
  return changes;
}

interface Surroundings {
  readonly rules: BackendRules;
  readonly references: References;
}

/** To the tables; servers of one backend mostly are. */
const isAlike = (a: ServerChange, b: ServerChange): boolean =>
  kindOf(a) === kindOf(b) && areSameWords(lineOf(a).rest, lineOf(b).rest);

/** Why a change must be a reload because of what the server's line says. */
function findOptionDoubt(change: ServerChange, {release, addWords}: RuntimeAbilities): string | undefined {
  const kind = kindOf(change);
  const {rest, checked} = lineOf(change);
  if (rest.some(word => word.includes('$'))) return 'an option may be a variable';
  for (const [option, value] of readOptions(rest)) {
    const row = findServerRow(option);
    if (row === undefined) return `"${option}" is not known to be safe with changes at run time`;
    const why = findException(row, kind, release, {value, checked});
    if (why !== undefined) return `"${option}": ${why}`;
    if (kind === 'add' && addWords?.has(row.keyword) === false) {
      return `"${option}": this HAProxy's "add server" has no word for it`;
    }
  }
  return kind === 'add' && !rest.every(word => PLAIN_WORD.test(word)) ? 'an option would need quotes' : undefined;
}

/** Why a change must be a reload because of the server's name, weight and address or of what depends on it. */
function findServerDoubt(change: ServerChange, around: Surroundings): string | undefined {
  const {name, weight} = lineOf(change);
  const kind = kindOf(change);
  const {references} = around;
  if (!PLAIN_NAME.test(name)) return 'its name cannot be told to the runtime socket';
  if (!(weight !== undefined && weight >= 0 && weight <= MAX_WEIGHT)) {
    return `its weight is not a number up to ${MAX_WEIGHT}`;
  }
  const isUpOrDown = kind === 'recheck' || kind === 'enable' || kind === 'disable' || kind === 'remove';
  if (isUpOrDown && references.isTracked(change.backend, name)) return 'another server tracks it';
  if (change.do === 'weigh' && references.asksFirstWeights) return '"srv_iweight" is the weight that it started with';
  if (change.do === 'move') return findMoveDoubt(change, around);
  if (change.do === 'add') return findAddDoubt(change.after, references);
  return goesFromText(change) && references.isReferred(change.backend, name) ? 'other lines name it' : undefined;
}

/** The text for people has it no more: it becomes a spare server. */
const goesFromText = (change: ServerChange): boolean =>
  change.do === 'remove' || (change.do === 'disable' && isSpareAddress(change.after.address));

function findAddDoubt({address}: ServerLine, references: References): string | undefined {
  if (address.is === 'other') return 'its address is not an IP';
  if (address.mapped) return "its port comes from the client's";
  return references.namesComputed ? '"use-server" finds out names of servers for each request' : undefined;
}

function findMoveDoubt(
  {before, after, alone}: ServerChange & {do: 'move'},
  {rules, references}: Surroundings,
): string | undefined {
  const [from, to] = [before.address, after.address];
  if (from.is === 'other' || to.is === 'other') return 'its address is not an IP';
  if (Number(to.port) > MAX_PORT) return 'its port is not a port';
  if (from.port !== to.port && (from.mapped || to.mapped)) return "its port comes from the client's";
  if (alone && after.checked && references.asksHealth)
    return 'it is asked whether servers are up, and the only one would be for some checks more';
  const isOtherFamily = from.family !== to.family;
  return isOtherFamily && (rules.hasSource || optionsOf(after.rest).includes('source'))
    ? '"source" is of another family'
    : undefined;
}
