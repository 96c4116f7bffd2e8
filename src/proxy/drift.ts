import {STEP, type Steps} from '../steps.ts';
import type {Row} from './answers.ts';
import {type Outline, readOutline} from './outline.ts';
import {isSameIp, type ServerLine} from './server-line.ts';

/**
 * What of a server is not as the text that runs says it: somebody told HAProxy otherwise over a runtime socket, or it
 * did not do what it was told. `missing`: the text has it and HAProxy does not; `unexpected`: the reverse.
 */
export interface Deviation {
  readonly backend: string;
  readonly server: string;
  readonly what: 'address' | 'port' | 'weight' | 'state' | 'missing' | 'unexpected';
  /** `10.0.0.1`, `80`, `1`; `ready` or `maint`; `present` or `absent`. */
  readonly expected: string;
  /** The same, and `drain`. */
  readonly found: string;
}

/** What a text says of its servers, by backend and name. */
export interface ExpectedServers {
  readonly backends: ReadonlyMap<string, ReadonlyMap<string, ExpectedServer>>;
  /** Which servers there are depends on conditions or variables: none is missed, and none too many. */
  readonly isOpen: boolean;
}

/** What a text says of one server; undefined is what it leaves to HAProxy, to DNS or to variables. */
interface ExpectedServer {
  readonly ip: string | undefined;
  readonly port: string | undefined;
  readonly weight: number | undefined;
  readonly disabled: boolean | undefined;
}

/** A server of a `server-template`: HAProxy remembers itself how it was configured. */
const OF_TEMPLATE: ExpectedServer = {ip: undefined, port: undefined, weight: undefined, disabled: undefined};

/** Where two lines have one name, HAProxy 1.7 takes both, and a condition one of them: nothing is known of it. */
const AMBIGUOUS = OF_TEMPLATE;

/** Reads what a text says of its servers, in steps. */
export function* readExpectedServers(text: string): Steps<ExpectedServers> {
  const outline = yield* readOutline(text);
  const backends = new Map<string, Map<string, ExpectedServer>>();
  let isOpen = outline.hasConditions;
  for (const {name, servers} of outline.backends) {
    const expected = backends.get(name) ?? new Map<string, ExpectedServer>();
    backends.set(name, expected);
    for (const [index, server] of servers.entries()) {
      if (index % STEP === 0) yield;
      if (server.name.includes('$')) isOpen = true;
      expected.set(server.name, expected.has(server.name) ? AMBIGUOUS : expectedOf(server));
    }
  }
  for (const {backend, names} of findServerTemplates(outline)) {
    if (names === undefined) isOpen = true;
    for (const name of names ?? []) backends.get(backend)?.set(name, OF_TEMPLATE);
  }
  return {backends, isOpen};
}

function expectedOf({address, weight, disabled}: ServerLine): ExpectedServer {
  // What has a name may be followed by DNS, which tells ports and weights too (SRV).
  if (address.is === 'other') return {...OF_TEMPLATE, disabled};
  return {ip: address.ip, port: address.mapped ? undefined : String(Number(address.port)), weight, disabled};
}

/** HAProxy takes no more of them. */
const MAX_TEMPLATE = 65_536;

/**
 * The names that each `server-template <prefix> <number or range>` of a backend makes; undefined when they are not
 * known.
 */
export function findServerTemplates({frame}: Outline): {backend: string; names: string[] | undefined}[] {
  return frame.flatMap(({section, words: [first, prefix = '', range = '']}) => {
    if (first !== 'server-template') return [];
    const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
    const start = to === undefined ? 1 : Number(from);
    const count = Number(to ?? from) - start + 1;
    const isKnown = from !== undefined && count <= MAX_TEMPLATE && !prefix.includes('$');
    const names = isKnown ? Array.from({length: count}, (_, index) => `${prefix}${start + index}`) : undefined;
    return [{backend: section.replace(/^\S+ ?/, ''), names}];
  });
}

/** Bits of `srv_admin_state` (management.txt 9.3, "show servers state"). */
const FORCED_MAINT = 0x01;
const CONFIGURED_MAINT = 0x04;
const FORCED_DRAIN = 0x08;

/** A bit of `srv_agent_state`: an agent is configured, which may set weight and state as it likes. */
const AGENT_CONFIGURED = 0x02;

/**
 * Compares what a text says with what HAProxy answers to `show servers state`, in steps. `addresses` are those of `show
 * stat` (`10.0.0.1:80`) by `backend/server`, for versions that tell no port. Health is no deviation, nor is what a
 * tracked server, an agent, slow start or DNS does. A server that is in maintenance and not in the text takes no
 * requests: it was removed, and its connections end.
 */
export function* findDeviations(
  {backends, isOpen}: ExpectedServers,
  rows: readonly Row[],
  addresses: ReadonlyMap<string, string>,
): Steps<Deviation[]> {
  const deviations: Deviation[] = [];
  const seen = new Set<string>();
  for (const [index, row] of rows.entries()) {
    if (index % STEP === 0) yield;
    const {be_name: backend = '', srv_name: server = ''} = row;
    const servers = backends.get(backend);
    const expected = servers?.get(server);
    const key = `${backend}/${server}`;
    seen.add(key);
    if (expected !== undefined) deviations.push(...compareServer(expected, row, addresses.get(key)));
    else if (servers !== undefined && !isOpen && stateOf(row) !== 'maint') {
      deviations.push({backend, server, what: 'unexpected', expected: 'absent', found: 'present'});
    }
  }
  if (isOpen) return deviations;
  for (const [backend, servers] of backends) {
    yield;
    for (const server of servers.keys()) {
      if (seen.has(`${backend}/${server}`)) continue;
      deviations.push({backend, server, what: 'missing', expected: 'present', found: 'absent'});
    }
  }
  return deviations;
}

function compareServer(expected: ExpectedServer, row: Row, address: string | undefined): Deviation[] {
  const {be_name: backend = '', srv_name: server = '', srv_addr: ip = '', srv_uweight: weight = ''} = row;
  const deviations: Deviation[] = [];
  const note = (what: Deviation['what'], wanted: string, found: string): void => {
    deviations.push({backend, server, what, expected: wanted, found});
  };
  if (expected.ip !== undefined && expected.ip !== ip && !isSameIp(expected.ip, ip)) note('address', expected.ip, ip);
  const port = row.srv_port ?? /:(\d+)$/.exec(address ?? '')?.[1];
  if (expected.port !== undefined && port !== undefined && expected.port !== port) note('port', expected.port, port);
  if (isAgentSet(row)) return deviations;
  if (expected.weight !== undefined && String(expected.weight) !== weight)
    note('weight', String(expected.weight), weight);
  const isDisabled = expected.disabled ?? hasBits(row, CONFIGURED_MAINT);
  const state = isDisabled ? 'maint' : 'ready';
  if (stateOf(row) !== state) note('state', state, stateOf(row));
  return deviations;
}

const hasBits = ({srv_admin_state: bits}: Row, wanted: number): boolean => (Number(bits) & wanted) !== 0;

const isAgentSet = ({srv_agent_state: bits}: Row): boolean => (Number(bits) & AGENT_CONFIGURED) !== 0;

function stateOf(row: Row): 'ready' | 'drain' | 'maint' {
  if (hasBits(row, FORCED_MAINT)) return 'maint';
  return hasBits(row, FORCED_DRAIN) ? 'drain' : 'ready';
}

const STATES: Readonly<Record<string, string>> = {ready: 'ready', drain: 'draining', maint: 'in maintenance'};

/** For people: `web/a is at 10.0.0.2, not 10.0.0.1`. */
export function describeDeviation({backend, server, what, expected, found}: Deviation): string {
  const name = `${backend}/${server}`;
  switch (what) {
    case 'address':
      return `${name} is at ${found}, not ${expected}`;
    case 'port':
      return `${name} is at port ${found}, not ${expected}`;
    case 'weight':
      return `${name} has weight ${found}, not ${expected}`;
    case 'state':
      return `${name} is ${STATES[found] ?? found}, not ${STATES[expected] ?? expected}`;
    case 'missing':
      return `HAProxy has no server ${name}`;
    case 'unexpected':
      return `HAProxy has a server ${name} that the configuration does not name`;
  }
}
