import {STEP, type Steps} from '../steps.ts';
import {type Row, readServersState} from './answers.ts';
import {findServerTemplates} from './drift.ts';
import {type Backend, type Outline, readOutline, type Words} from './outline.ts';
import {areSameWords, isSameIp, isSameServer, optionsOf, optionValue, type ServerLine} from './server-line.ts';

/** A state file that tells nothing: every server begins as its text says. Its version alone, which all versions take silently. */
export const EMPTY_STATE = '1\n';

/**
 * The state file for a HAProxy that is to run the text `after`, from what the one that runs `before` answers to `show
 * servers state`; in steps. Only health is carried, and only that of servers that both texts describe in the same
 * words: what a check found out under other words, at another address or about a server that an operator had taken out,
 * says nothing. Weights and administrative states are those of `after`.
 */
export function* deriveCarriedState(answer: string, before: string, after: string): Steps<string> {
  const rows = yield* readServersState(answer);
  const old = yield* readOutline(before);
  const next = yield* readOutline(after);
  const [first] = rows;
  if (first === undefined || !areSameSurroundings(old, next)) return EMPTY_STATE;
  const known = yield* findKnownServers(old, next);
  const healths = new Map<string, Row>();
  for (const [index, row] of rows.entries()) {
    if (index % STEP === 0) yield;
    const server = known.get(keyOf(row));
    if (server !== undefined && isUnmoved(row, server) && isInService(row)) healths.set(keyOf(row), row);
  }
  const lines: string[] = [];
  for (const [key, row] of healths) {
    if (lines.length % STEP === 0) yield;
    if (isFoundOut(key, {healths, known})) lines.push(Object.values(neutral(row, known.get(key))).join(' '));
  }
  return lines.length === 0 ? EMPTY_STATE : ['1', `# ${Object.keys(first).join(' ')}`, ...lines, ''].join('\n');
}

/** How a text describes a server; a template's have no line of their own. */
type KnownServer = ServerLine | 'of a template';

type KnownServers = ReadonlyMap<string, KnownServer>;

const keyOf = ({be_name: backend, srv_name: server}: Row): string => `${backend}/${server}`;

/** What stands in `global` and bears on checks: their programs, certificates and variables. */
const BEARS_ON_CHECKS = /^(ssl-|ca-base|crt-base|external-check|insecure-|(pre|un|re)?setenv)/;

/** Lines outside the backends under which all checks are made; which of them hold under conditions is not known. */
function areSameSurroundings(old: Outline, next: Outline): boolean {
  const linesOf = ({frame}: Outline): Words[] =>
    frame.flatMap(({section, words}) =>
      section.startsWith('resolvers') || (section === 'global' && BEARS_ON_CHECKS.test(words[0] ?? '')) ? [words] : [],
    );
  return !old.hasConditions && !next.hasConditions && areSameLines(linesOf(old), linesOf(next));
}

const areSameLines = (a: readonly Words[], b: readonly Words[]): boolean =>
  a.length === b.length && a.every((words, index) => areSameWords(words, b[index] ?? []));

/** The servers that both texts describe in the same words, their backend's included, by `backend/server`. */
function* findKnownServers(old: Outline, next: Outline): Steps<KnownServers> {
  const known = new Map<string, KnownServer>();
  const former = new Map(old.backends.map(backend => [backend.name, backend]));
  const unchanged = new Set<string>();
  for (const backend of next.backends) {
    const was = former.get(backend.name);
    if (was === undefined || !isSameBackend(was, backend)) continue;
    unchanged.add(backend.name);
    const before = new Map(was.servers.map(server => [server.name, server]));
    for (const [index, server] of backend.servers.entries()) {
      if (index % STEP === 0) yield;
      const same = before.get(server.name);
      if (same !== undefined && isSameServer(same, server)) known.set(`${backend.name}/${server.name}`, server);
    }
  }
  for (const {backend, names} of findServerTemplates(next)) {
    if (!unchanged.has(backend)) continue;
    for (const name of names ?? []) known.set(`${backend}/${name}`, 'of a template');
  }
  return known;
}

const isSameBackend = (a: Backend, b: Backend): boolean =>
  areSameLines(a.own, b.own) && areSameLines(a.inherited, b.inherited);

/** It is where its line says: nobody moved it over a runtime socket. */
function isUnmoved(row: Row, server: KnownServer): boolean {
  if (server === 'of a template' || server.address.is === 'other') return true;
  const {ip, port, mapped} = server.address;
  if (!isSameIp(row.srv_addr ?? '', ip)) return false;
  return mapped || row.srv_port === undefined || row.srv_port === String(Number(port));
}

/** All bits of maintenance in `srv_admin_state`: forced (0x01), inherited (0x02), configured (0x04), for want of an address (0x20). */
const ANY_MAINTENANCE = 0x27;

const isInService = ({srv_admin_state: bits}: Row): boolean => (Number(bits) & ANY_MAINTENANCE) === 0;

/** Bits of `srv_check_state` and `srv_agent_state`. */
const CONFIGURED = 0x02;
const ENABLED = 0x04;

const isConfigured = (bits: string | undefined): boolean => (Number(bits) & CONFIGURED) !== 0;

/** Its health is what a check or an agent says, of itself or of a server that it tracks and that is carried too. */
function isFoundOut(
  key: string,
  given: {readonly healths: ReadonlyMap<string, Row>; readonly known: KnownServers},
  above: readonly string[] = [],
): boolean {
  const row = given.healths.get(key);
  if (row === undefined || above.includes(key)) return false;
  if (isConfigured(row.srv_check_state) || isConfigured(row.srv_agent_state)) return true;
  const server = given.known.get(key);
  const tracked = server === undefined || server === 'of a template' ? undefined : optionValue(server.options, 'track');
  if (tracked === undefined) return false;
  return isFoundOut(tracked.includes('/') ? tracked : `${row.be_name}/${tracked}`, given, [...above, key]);
}

/** The row with its health, and with all else as a start makes it. The check's own address is the text's: "not set". */
function neutral(row: Row, server: KnownServer | undefined): Row {
  const line = server === 'of a template' ? undefined : server;
  const weight = String(line?.weight ?? row.srv_iweight);
  const enabled = (bits: string | undefined) => String(isConfigured(bits) ? Number(bits) | ENABLED : Number(bits));
  const settings: Record<string, string | undefined> = {
    srv_admin_state: '0',
    srv_uweight: weight,
    srv_iweight: weight,
    srv_check_state: enabled(row.srv_check_state),
    srv_agent_state: enabled(row.srv_agent_state),
    srv_use_ssl: line === undefined ? row.srv_use_ssl : usesTls(line),
    srv_check_port: '0',
    srv_check_addr: '-',
    srv_agent_addr: '-',
    srv_agent_port: '0',
  };
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, settings[name] ?? value]));
}

function usesTls({options}: ServerLine): string {
  const words = optionsOf(options);
  return words.lastIndexOf('ssl') > words.lastIndexOf('no-ssl') ? '1' : '0';
}
