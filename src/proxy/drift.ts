import {STEP, type Steps} from '../steps.ts';
import type {Row} from './answers.ts';
import {readRules} from './backend-rules.ts';
import type {Deviation} from './deviation.ts';
import {type Backend, type Outline, readOutline} from './outline.ts';
import {isSameIp, optionsOf, optionValue, type ServerLine} from './server-line.ts';

/** What a text says of its servers, by backend and name. */
export interface ExpectedServers {
  readonly backends: ReadonlyMap<string, ReadonlyMap<string, ExpectedServer>>;
  /**
   * Whether the names are all there are: `all`; `some`, where variables make others; `none` is certain where the text has
   * conditions (".if"). HAProxy's own view of its start says the rest.
   */
  readonly names: 'all' | 'some' | 'none';
}

/** What a text says of one server; undefined is what it leaves to HAProxy, to DNS or to variables. */
interface ExpectedServer {
  readonly ip: string | undefined;
  readonly port: string | undefined;
  readonly weight: number | undefined;
  /** `as it began`: a file of the text's own says it. */
  readonly disabled: boolean | 'as it began' | undefined;
  /** `0` for none. */
  readonly maxconn: number | undefined;
  /** Its health is that of another, or what it leaves maintenance with. */
  readonly isGivenHealth: boolean | undefined;
  /** What else its line says. */
  readonly options: string | undefined;
  /** What DNS may change while HAProxy runs: `all` of address, port and weight (SRV). */
  readonly resolves: 'nothing' | 'address' | 'all';
}

/** HAProxy's own view of its start is all that is known. */
const AS_STARTED: ExpectedServer = {
  ip: undefined,
  port: undefined,
  weight: undefined,
  disabled: undefined,
  maxconn: undefined,
  isGivenHealth: undefined,
  options: '',
  resolves: 'nothing',
};

/** Where two lines have one name, HAProxy 1.7 takes both: what it tells of either may be of the other. */
const AMBIGUOUS: ExpectedServer = {...AS_STARTED, options: undefined, resolves: 'all'};

/** A file that the text names says it of servers, each time that HAProxy starts. */
const LOADED = {ip: undefined, port: undefined, weight: undefined, disabled: 'as it began'} as const;

const loadsStates = (backend: Backend): boolean =>
  readRules(backend).keywords.get('load-server-state-from-file')?.[1] === 'local';

/** Reads what a text says of its servers, in steps. */
export function* readExpectedServers(text: string): Steps<ExpectedServers> {
  const outline = yield* readOutline(text);
  const backends = new Map<string, Map<string, ExpectedServer>>();
  let isOpen = false;
  for (const backend of outline.backends) {
    const {name, servers} = backend;
    const ofFile = loadsStates(backend) ? LOADED : {};
    const expected = backends.get(name) ?? new Map<string, ExpectedServer>();
    backends.set(name, expected);
    for (const [index, server] of servers.entries()) {
      if (index % STEP === 0) yield;
      if (server.name.includes('$')) isOpen = true;
      else expected.set(server.name, expected.has(server.name) ? AMBIGUOUS : {...expectedOf(server), ...ofFile});
    }
  }
  for (const {backend, names, line} of findServerTemplates(outline)) {
    if (names === undefined) isOpen = true;
    for (const name of names ?? []) backends.get(backend)?.set(name, expectedOf(line));
  }
  return {backends, names: outline.hasConditions ? 'none' : isOpen ? 'some' : 'all'};
}

function expectedOf({address, weight, disabled, options, rest}: ServerLine): ExpectedServer {
  const isResolved = options.includes('resolvers') && address.is === 'other';
  const isService = isResolved && /^(\w+@)?_|\$/.test(address.text);
  return {
    ip: address.is === 'other' ? undefined : address.ip,
    port: address.is === 'other' || address.mapped ? undefined : String(Number(address.port)),
    weight,
    disabled,
    maxconn: maxconnOf(options),
    isGivenHealth: optionsOf(options).some(option => option === 'track' || option === 'init-state'),
    options: rest.join(' '),
    resolves: isService ? 'all' : isResolved ? 'address' : 'nothing',
  };
}

/** `minconn` raises it. Source: srv_minmax_conn_apply in HAProxy's server.c. */
function maxconnOf(options: readonly string[]): number | undefined {
  const limits = ['maxconn', 'minconn'].map(option => optionValue(options, option) ?? '0');
  return limits.every(limit => /^\d+$/.test(limit)) ? Math.max(...limits.map(Number)) : undefined;
}

/** HAProxy takes no more of them. */
const MAX_TEMPLATE = 65_536;

/**
 * The names that each `server-template <prefix> <number or range>` of a backend makes; undefined when they are not
 * known. `line` is what it says of each.
 */
export const findServerTemplates = ({
  backends,
}: Outline): {backend: string; names: string[] | undefined; line: ServerLine}[] =>
  backends.flatMap(({name, templates}) =>
    templates.map(({range, line}) => {
      const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
      const start = to === undefined ? 1 : Number(from);
      const count = Number(to ?? from) - start + 1;
      const isKnown = from !== undefined && count <= MAX_TEMPLATE && !line.name.includes('$');
      const names = isKnown ? Array.from({length: count}, (_, index) => `${line.name}${start + index}`) : undefined;
      return {backend: name, names, line};
    }),
  );

/** How servers stood when their process was first seen, as far as its text leaves something open: by `backend/server`. */
export type StartedServers = ReadonlyMap<string, {readonly row: Row; readonly isNamed: boolean}>;

/** Keeps of the servers of a process that has just begun what its text does not tell, in steps. */
export function* readStartedServers({backends, names}: ExpectedServers, rows: readonly Row[]): Steps<StartedServers> {
  const started = new Map<string, {readonly row: Row; readonly isNamed: boolean}>();
  for (const [index, row] of rows.entries()) {
    if (index % STEP === 0) yield;
    const {be_name: backend = '', srv_name: server = ''} = row;
    const expected = names === 'none' ? undefined : backends.get(backend)?.get(server);
    const isNamed = expected !== undefined;
    if (isNamed && Object.values(expected).every(value => value !== undefined)) continue;
    if (isNamed || (names !== 'all' && backends.has(backend))) started.set(keyOf(row), {row, isNamed});
  }
  return started;
}

const keyOf = ({be_name: backend, srv_name: server}: Row): string => `${backend}/${server}`;

/** Bits of `srv_admin_state` (management.txt 9.3, "show servers state"). */
const FORCED_MAINT = 0x01;
const CONFIGURED_MAINT = 0x04;
const FORCED_DRAIN = 0x08;

/** Bits of `srv_check_state` and `srv_agent_state`. */
const CONFIGURED = 0x02;
const ENABLED = 0x04;

interface Before {
  readonly started: StartedServers;
  /** Servers whose agents have answered, which may set weight, state and limit as they like. */
  readonly heard: ReadonlySet<string>;
}

/**
 * Compares what a text says with what HAProxy answers to `show servers state`, in steps; `srv_port` and `slim` are read
 * where the rows have them. Health that checks find out is no deviation, nor is what a tracked server, slow start, DNS
 * or an agent does. A server that is in maintenance and not in the text takes no requests: it was removed, and its
 * connections end.
 */
export function* findDeviations(
  {backends, names}: ExpectedServers,
  rows: readonly Row[],
  {started, heard}: Before,
): Steps<Deviation[]> {
  const deviations: Deviation[] = [];
  const seen = new Set<string>();
  for (const [index, row] of rows.entries()) {
    if (index % STEP === 0) yield;
    const {be_name: backend = '', srv_name: server = ''} = row;
    const key = keyOf(row);
    const was = started.get(key);
    const named = names === 'none' ? undefined : backends.get(backend)?.get(server);
    const expected = named ?? (was?.isNamed === false ? AS_STARTED : undefined);
    seen.add(key);
    if (expected !== undefined)
      deviations.push(...compareServer(expected, row, {was: was?.row, isHeard: heard.has(key)}));
    else if (backends.has(backend) && stateOf(row) !== 'maint')
      deviations.push({subject: key, backend, server, what: 'unexpected', expected: 'absent', found: 'present'});
  }
  const miss = (backend: string, server: string) => {
    const subject = `${backend}/${server}`;
    if (!seen.has(subject))
      deviations.push({subject, backend, server, what: 'missing', expected: 'present', found: 'absent'});
  };
  for (const [backend, servers] of names === 'none' ? [] : backends) {
    yield;
    for (const server of servers.keys()) miss(backend, server);
  }
  for (const {row, isNamed} of started.values()) {
    if (!isNamed) miss(row.be_name ?? '', row.srv_name ?? '');
  }
  return deviations;
}

function compareServer(
  expected: ExpectedServer,
  row: Row,
  {was, isHeard}: {readonly was: Row | undefined; readonly isHeard: boolean},
): Deviation[] {
  const {be_name: backend = '', srv_name: server = '', srv_addr: ip = ''} = row;
  const deviations: Deviation[] = [];
  const compare = (what: Deviation['what'], wanted: string | undefined, found: string | undefined): void => {
    if (wanted !== undefined && found !== undefined && wanted !== found)
      deviations.push({subject: keyOf(row), backend, server, what, expected: wanted, found});
  };
  const {resolves} = expected;
  const wantedIp = expected.ip ?? (resolves === 'nothing' ? was?.srv_addr : undefined);
  if (wantedIp !== undefined && !isSameIp(wantedIp, ip)) compare('address', wantedIp, ip);
  if (resolves !== 'all') {
    compare('address', was?.srv_fqdn, row.srv_fqdn);
    compare('port', expected.port ?? was?.srv_port, row.srv_port);
  }
  if (!isHeard) {
    if (resolves !== 'all') compare('weight', expected.weight?.toString() ?? was?.srv_uweight, row.srv_uweight);
    const disabled = expected.disabled ?? hasBits(row, CONFIGURED_MAINT);
    compare('state', disabled === 'as it began' ? was && stateOf(was) : disabled ? 'maint' : 'ready', stateOf(row));
    compare('maxconn', expected.maxconn?.toString() ?? was?.slim, row.slim);
  }
  const [isChecked, asksAgent] = [row.srv_check_state, row.srv_agent_state].map(isConfigured);
  if (isChecked) compare('checks', 'on', isEnabled(row.srv_check_state) ? 'on' : 'off');
  if (asksAgent) compare('agent', 'on', isEnabled(row.srv_agent_state) ? 'on' : 'off');
  const isItsOwn = !isChecked && !asksAgent && expected.isGivenHealth === false && row.srv_admin_state === '0';
  if (isItsOwn) compare('health', 'up', HEALTH[row.srv_op_state ?? '']);
  return deviations;
}

/** `srv_op_state`; one that starts slowly is up. */
const HEALTH: Readonly<Record<string, string>> = {'0': 'down', '3': 'stopping'};

const hasBits = ({srv_admin_state: bits}: Row, wanted: number): boolean => (Number(bits) & wanted) !== 0;

export const isConfigured = (bits: string | undefined): boolean => (Number(bits) & CONFIGURED) !== 0;

const isEnabled = (bits: string | undefined): boolean => (Number(bits) & ENABLED) !== 0;

/** An agent may set its server's weight, state and limit. */
export const hasAgent = ({srv_agent_state: bits}: Row): boolean => isConfigured(bits);

function stateOf(row: Row): 'ready' | 'drain' | 'maint' {
  if (hasBits(row, FORCED_MAINT)) return 'maint';
  return hasBits(row, FORCED_DRAIN) ? 'drain' : 'ready';
}
