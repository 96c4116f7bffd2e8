import {DEAD_IP, LIVE_IPS, type Pods, type Speech} from './pods.ts';
import type {Sample} from './samples.ts';

/** The ways in which a backend's servers change, each tried by itself. */
export const SITUATIONS = {
  move: 'another address',
  port: 'another port',
  recheck: 'another address, checked',
  revive: 'from a dead address to a live one, checked',
  fail: 'from a live address to a dead one, checked',
  weigh: 'another weight',
  enable: 'enabled',
  disable: 'disabled',
  add: 'one comes',
  several: 'several come and go',
  first: 'the first one comes',
  remove: 'one goes',
  all: 'all are others',
} as const;

export type Situation = keyof typeof SITUATIONS;

/** One backend whose servers change, in one way or in several; many of them share one configuration. */
export interface Cell {
  /** Its name in the configuration, `c12`. */
  readonly id: string;
  readonly trial: Trial;
  readonly situations: readonly Situation[];
  /** The section without its servers; a `listen` binds a socket of its own. */
  readonly section: readonly string[];
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** Servers behind those, which the HAProxy that is told has and one that is started does not. */
  readonly spares?: {readonly before: readonly string[]; readonly after: readonly string[]};
}

/** What one keyword, or several together, are tried with. */
export interface Trial extends Sample {
  readonly keyword: string;
  /** Behind the name of the section. */
  readonly from?: string;
  /** Connections to servers are closed unless it says so. */
  readonly keepsAlive?: boolean;
  readonly mode?: 'tcp';
  /** Twenty clients ask at once, and the servers take their time. */
  readonly crowded?: boolean;
  /** Servers take one request at a time, and others wait for them while they change. */
  readonly full?: boolean;
  readonly situations?: readonly Situation[];
}

/**
 * In HTTP/1.1 it is HAProxy that closes the connection: the end that closes keeps the port for a minute, and a check
 * from a port that a pod still keeps is a second late.
 */
export const CHECK_REQUEST = 'option httpchk GET /health HTTP/1.1';

/** A check every four seconds is what one can bear of thousands of servers; one that is late does not make DOWN. */
export const CHECK_TIMES = 'default-server inter 4s fastinter 500 fall 2 rise 1';

interface Spelled {
  readonly ip: string;
  readonly name: string;
  readonly second?: boolean;
  readonly own?: string;
}

const [A, B, C, D] = LIVE_IPS;
const CHECKED = ' check';

const one = (ip: string, own = ''): Spelled => ({ip, name: 's1', own});
const two = (ip: string, own = ''): Spelled => ({ip, name: 's2', own});

/** The servers of both texts. A second one stays, so that there is somebody to ask. */
const CHANGES: Readonly<Record<Situation, readonly [readonly Spelled[], readonly Spelled[]]>> = {
  move: [
    [one(A), two(B)],
    [one(C), two(B)],
  ],
  port: [
    [one(A), two(B)],
    [{...one(A), second: true}, two(B)],
  ],
  recheck: [
    [one(A, CHECKED), two(B, CHECKED)],
    [one(C, CHECKED), two(B, CHECKED)],
  ],
  revive: [
    [one(DEAD_IP, CHECKED), two(B, CHECKED)],
    [one(C, CHECKED), two(B, CHECKED)],
  ],
  fail: [
    [one(A, CHECKED), two(B, CHECKED)],
    [one(DEAD_IP, CHECKED), two(B, CHECKED)],
  ],
  weigh: [
    [one(A, ' weight 2'), two(B)],
    [one(A, ' weight 8'), two(B)],
  ],
  enable: [
    [one(A, `${CHECKED} disabled`), two(B)],
    [one(A, CHECKED), two(B)],
  ],
  disable: [
    [one(A, CHECKED), two(B, CHECKED)],
    [one(A, `${CHECKED} disabled`), two(B, CHECKED)],
  ],
  add: [
    [one(A), two(B)],
    [one(A), two(B), {ip: C, name: 's3', own: CHECKED}],
  ],
  several: [
    [one(A), two(B)],
    [two(B), {ip: C, name: 's3'}, {ip: D, name: 's4', own: ' weight 2'}],
  ],
  first: [[], [one(A, CHECKED)]],
  remove: [[one(A), two(B, CHECKED)], [one(A)]],
  all: [
    [one(A, CHECKED), two(B, CHECKED)],
    [one(C, CHECKED), two(D, CHECKED)],
  ],
};

/** Fills in what stands in braces. */
export function fill(
  text: string,
  {pods, cell, name}: {readonly pods: Pods; readonly cell: string; readonly name: string},
): string {
  return text
    .replace(/\{port:(\w+)\}/g, (_, speech: string) => String(pods.ports[speech as Speech][0]))
    .replaceAll('{folder}', pods.folder)
    .replaceAll('{cell}', cell)
    .replaceAll('{name}', name)
    .replaceAll('{n}', name.slice(1));
}

/** The cell of some situations at once: each has servers of its own, numbered apart. */
export function cellOf(trial: Trial, situations: readonly Situation[], id: string, pods: Pods): Cell {
  const {options = '', speech = 'plain', backend = '', from = '', keepsAlive = false, mode} = trial;
  const spell = ({ip, name, second, own = ''}: Spelled, index: number): string => {
    const port = pods.ports[speech][second ? 1 : 0];
    const unique = index === 0 ? name : `s${index}${name.slice(1)}`;
    return `server ${unique} ${ip}:${port} ${fill(options, {pods, cell: id, name: unique})}${own}`;
  };
  const spellAll = (side: 0 | 1): string[] => {
    const lists = situations.map((situation, index) =>
      CHANGES[situation][side].map(server => [server, index] as const),
    );
    // What comes stands behind what was there.
    const isNew = (name: string) => name > 's2';
    const all = lists.flat();
    return [...all.filter(([{name}]) => !isNew(name)), ...all.filter(([{name}]) => isNew(name))].map(
      ([server, index]) => spell(server, index),
    );
  };
  return {
    id,
    trial,
    situations,
    section: [
      ...(mode === 'tcp' ? [`listen ${id}`, 'mode tcp', `bind unix@{run}/${id}.sock`] : [`backend ${id}${from}`]),
      ...(keepsAlive || mode === 'tcp' ? [] : ['option http-server-close']),
      ...(from === '' ? [CHECK_REQUEST, CHECK_TIMES] : []),
      ...backend.split('\n').filter(line => line !== ''),
    ].map(line => fill(line, {pods, cell: id, name: ''})),
    before: spellAll(0),
    after: spellAll(1),
  };
}
