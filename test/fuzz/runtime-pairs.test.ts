import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {deriveDifference} from '../../src/proxy/difference.ts';
import {spareIp} from '../../src/proxy/spare-address.ts';
import {findSpares} from '../../src/proxy/spare-servers.ts';
import {type Cell, CHECK_REQUEST, CHECK_TIMES, fill, type Trial} from '../proxy/changes/cells.ts';
import {type Harness, openHarness, proveCells} from '../proxy/changes/harness.ts';
import {STICKS_BY} from '../proxy/changes/persisting.ts';
import {DEAD_IP, LIVE_IPS, type Pods} from '../proxy/changes/pods.ts';
import {takenBy, textOf} from '../proxy/changes/running.ts';
import {BACKEND_TRIALS, SERVER_TRIALS} from '../proxy/changes/trials.ts';
import {haproxiesUnderTest} from '../support/haproxies.ts';
import {fc} from '../support/properties.ts';

/**
 * Pairs in CI, the same each time, so that a change of ours is what a failure comes from. `KONTROL_PAIRS` draws as many as
 * it says, `KONTROL_SEED` others (`KONTROL_SEED=$RANDOM`).
 */
const PAIRS = Number(process.env.KONTROL_PAIRS ?? 40);
const SEED = Number(process.env.KONTROL_SEED ?? 983_342_364);

interface Drawn {
  readonly ip: string;
  readonly second: boolean;
  readonly weight: number | undefined;
  readonly disabled: boolean;
}

const server: fc.Arbitrary<Drawn> = fc.record({
  ip: fc.oneof({weight: 9, arbitrary: fc.constantFrom(...LIVE_IPS)}, {weight: 1, arbitrary: fc.constant(DEAD_IP)}),
  second: fc.boolean(),
  weight: fc.constantFrom(undefined, undefined, undefined, 1, 2, 3, 0),
  disabled: fc.oneof({weight: 5, arbitrary: fc.constant(false)}, {weight: 1, arbitrary: fc.constant(true)}),
});

/** What becomes of a server; most stay as they are. */
const fate = fc.oneof(
  {weight: 4, arbitrary: fc.constant('stays' as const)},
  {weight: 2, arbitrary: fc.constant('another' as const)},
  {weight: 1, arbitrary: fc.constantFrom('moves' as const, 'weighs' as const, 'turns' as const, 'goes' as const)},
);

const pair = fc.record({
  trials: fc.array(fc.constantFrom(...SERVER_TRIALS), {minLength: 0, maxLength: 3}),
  setting: fc.constantFrom(...BACKEND_TRIALS.filter(({options, from, mode}) => !(options || from || mode))),
  checked: fc.boolean(),
  before: fc.array(fc.tuple(server, fate, server), {maxLength: 4}),
  coming: fc.oneof({weight: 2, arbitrary: fc.constant<Drawn[]>([])}, fc.array(server, {maxLength: 2})),
  reversed: fc.oneof({weight: 4, arbitrary: fc.constant(false)}, {weight: 1, arbitrary: fc.constant(true)}),
});

type Pair = typeof pair extends fc.Arbitrary<infer Value> ? Value : never;

function becomes(was: Drawn, how: Pair['before'][number][1], next: Drawn): Drawn | undefined {
  switch (how) {
    case 'stays':
      return was;
    case 'another':
      return next;
    case 'moves':
      return {...was, ip: next.ip};
    case 'weighs':
      return {...was, weight: next.weight};
    case 'turns':
      return {...was, disabled: !was.disabled};
    case 'goes':
      return undefined;
  }
}

function cellFrom({trials, setting, checked, before, coming, reversed}: Pair, id: string, pods: Pods): Cell {
  // Keywords of servers that speak differently cannot be said together.
  const speech = trials[0]?.speech ?? 'plain';
  const together = trials.filter(one => (one.speech ?? 'plain') === speech);
  const options = together.map(one => one.options ?? '').join(' ');
  const backend = [setting.backend ?? '', ...together.map(one => one.backend ?? '')].join('\n');
  const trial: Trial = {
    keyword: [setting.keyword, ...together.map(one => one.keyword)].join(' + '),
    backend,
    options,
    speech,
    keepsAlive: setting.keepsAlive ?? false,
    crowded: setting.crowded === true || together.some(one => one.crowded === true),
  };
  const line = ({ip, second, weight, disabled}: Drawn, index: number): string => {
    const name = `s${index + 1}`;
    const own = `${checked ? ' check' : ''}${weight === undefined ? '' : ` weight ${weight}`}${disabled ? ' disabled' : ''}`;
    return `server ${name} ${ip}:${pods.ports[speech][second ? 1 : 0]} ${fill(options, {pods, cell: id, name})}${own}`;
  };
  const all = [
    ...before.map(([was, how, next]) => [was, becomes(was, how, next)] as const),
    ...coming.map(one => [undefined, one] as const),
  ];
  const linesOf = (side: 0 | 1) =>
    all.flatMap((both, index) => (both[side] === undefined ? [] : [line(both[side], index)]));
  return {
    id,
    trial,
    situations: ['several'],
    section: [
      `backend ${id}`,
      ...(trial.keepsAlive ? [] : ['option http-server-close']),
      CHECK_REQUEST,
      CHECK_TIMES,
      ...backend.split('\n').filter(one => one !== ''),
    ].map(one => fill(one, {pods, cell: id, name: ''})),
    before: linesOf(0),
    after: reversed ? linesOf(1).reverse() : linesOf(1),
  };
}

/** Pods join and leave, but for the last one: each server is named by its place, and spare ones stand behind them. */
const crowd = fc.record({
  trials: fc.array(fc.constantFrom(...SERVER_TRIALS), {minLength: 0, maxLength: 2}),
  setting: fc.constantFrom(...BACKEND_TRIALS.filter(({options, from, mode}) => !(options || from || mode))),
  checked: fc.boolean(),
  before: fc.shuffledSubarray([...LIVE_IPS], {minLength: 1}),
  after: fc.shuffledSubarray([...LIVE_IPS]),
  joins: fc.boolean(),
  spares: fc.integer({min: 0, max: 2}),
});

function crowdedCell(
  {
    trials,
    setting,
    checked,
    before,
    after,
    joins,
    spares,
  }: typeof crowd extends fc.Arbitrary<infer Value> ? Value : never,
  id: string,
  pods: Pods,
): Cell {
  const server = (ip: string): Drawn => ({ip, second: false, weight: undefined, disabled: false});
  const next = joins
    ? [...before, ...after.filter(ip => !before.includes(ip))]
    : before.filter((ip, place) => place === 0 || after.includes(ip));
  const none = {trials, setting, checked, coming: [], reversed: false};
  const linesOf = (ips: readonly string[]) =>
    cellFrom({...none, before: ips.map(ip => [server(ip), 'stays', server(ip)])}, id, pods).before;
  const room = Math.max(before.length, next.length) + spares;
  const sparesBehind = (ips: readonly string[]) =>
    linesOf(Array.from({length: room}, (_, place) => ips[place] ?? spareIp(place)))
      .slice(ips.length)
      .map(line => `${line} disabled`);
  return {
    ...cellFrom({...none, before: []}, id, pods),
    before: linesOf(before),
    after: linesOf(next),
    spares: {before: sparesBehind(before), after: sparesBehind(next)},
  };
}

/** How clients are tied to servers. */
const TIES = [
  'cookie S insert indirect nocache',
  'cookie S prefix',
  'cookie S rewrite\noption redispatch',
  'cookie S insert\noption persist',
  'cookie S insert\noption persist\noption redispatch',
  'cookie S insert\nforce-persist if TRUE',
  'cookie S insert\noption persist\nignore-persist if TRUE',
  ...['', '\noption redispatch', '\noption persist', '\nforce-persist if TRUE'].map(
    more => `stick-table type string len 8 size 1k\nstick on hdr(${STICKS_BY})${more}`,
  ),
];

/** What else a cell is drawn with: its servers are full, or its clients come back. */
const demand = fc
  .record({full: fc.boolean(), tie: fc.oneof(fc.constant(''), fc.constantFrom(...TIES))})
  .map(one => (one.tie === '' ? {...one, full: true} : one));

/** Nobody is sent to a spare server: where clients would be there are none. */
const mayHaveSpares = (section: readonly string[]): boolean =>
  !/^(option persist|force-persist)/m.test(section.join('\n'));

function demandingCell(cell: Cell, {full, tie}: typeof demand extends fc.Arbitrary<infer Value> ? Value : never): Cell {
  const own = (line: string): string => {
    const [server, name = '', address = '', ...rest] = line.split(' ');
    const more = [...(full ? ['maxconn 1'] : []), ...(tie.startsWith('cookie') ? [`cookie ${name}`] : [])];
    return [server, name, address, ...more, ...rest].join(' ');
  };
  const {spares, trial} = cell;
  const section = [...cell.section, ...tie.split('\n').filter(line => line !== '')];
  return {
    ...cell,
    trial: {...trial, keyword: [trial.keyword, ...(full ? ['full'] : []), tie].join(' + '), full},
    section,
    before: cell.before.map(own),
    after: cell.after.map(own),
    ...(spares === undefined
      ? {}
      : {
          spares: mayHaveSpares(section)
            ? {before: spares.before.map(own), after: spares.after.map(own)}
            : {before: [], after: []},
        }),
  };
}

/** HAProxy 3.2 counts a request that `redir` answers against the limit for ever: after as many the server takes none, however it came to its text. */
const losesRoom = ({section, before, after}: Cell): boolean => {
  const words = new Set([...section, ...before, ...after].flatMap(line => line.split(' ')));
  return words.has('redir') && (words.has('maxconn') || words.has('minconn'));
};

/** Those of them that are told at run time. */
async function toldOf(cells: readonly Cell[], {binary, pods, abilities}: Harness): Promise<Cell[]> {
  const tracked = `127.0.1.5:${pods.ports.plain[0]}`;
  const differs = cells.filter(cell => cell.before.join() !== cell.after.join() && !losesRoom(cell));
  const {taken} = await takenBy(binary, differs, tracked);
  return taken.filter(cell => {
    const [before = '', after = ''] = (['before', 'after'] as const).map(when => textOf([cell], when, tracked, true));
    return deriveDifference(before, after, {...abilities, unused: new Set(findSpares(before))}).is === 'runtime';
  });
}

/** So many that are told at run time, of cells that are drawn; and how many were drawn for them. */
async function drawTold(
  count: number,
  harness: Harness,
  draw: (seed: number, from: number) => readonly Cell[],
): Promise<{readonly told: readonly Cell[]; readonly drawn: number}> {
  const told: Cell[] = [];
  let drawn = 0;
  for (let round = 0; told.length < count; round += 1) {
    const cells = draw(SEED + round, drawn);
    drawn += cells.length;
    told.push(...(await toldOf(cells, harness)));
  }
  return {told: told.slice(0, count), drawn};
}

/** With spare servers, and such that ask more, with and without. */
const CROWDS = Math.ceil(PAIRS / 2);
const DEMANDING = Math.ceil(PAIRS / 2);

/** More than are drawn: so far apart are the names of each sort. */
const MANY = 1_000_000;

describe('random pairs of texts', {timeout: 3_600_000, concurrency: true}, () => {
  for (const {name, binary, skip} of haproxiesUnderTest('openssl', 'root')) {
    describe(name, {skip}, () => {
      test(`${PAIRS} that are told at run time, ${CROWDS} with spare servers, ${DEMANDING} with requests that wait or clients that come back -> each ends where a start does`, async t => {
        await using harness = await openHarness(binary);
        const {pods} = harness;
        const [pairs, crowds, demanding] = await Promise.all([
          drawTold(PAIRS, harness, (seed, from) =>
            fc.sample(pair, {numRuns: PAIRS, seed}).map((one, index) => cellFrom(one, `c${from + index}`, pods)),
          ),
          drawTold(CROWDS, harness, (seed, from) =>
            fc
              .sample(crowd, {numRuns: PAIRS, seed})
              .map((one, index) => crowdedCell(one, `c${MANY + from + index}`, pods)),
          ),
          drawTold(DEMANDING, harness, (seed, from) =>
            fc
              .sample(fc.tuple(pair, crowd, fc.boolean(), demand), {numRuns: PAIRS, seed})
              .map(([one, other, isCrowd, more], index) => {
                const id = `c${2 * MANY + from + index}`;
                return demandingCell(isCrowd ? crowdedCell(other, id, pods) : cellFrom(one, id, pods), more);
              }),
          ),
        ]);
        t.diagnostic(
          `seed ${SEED}: ${pairs.drawn}, ${crowds.drawn} and ${demanding.drawn} drawn, as many are told at run time on HAProxy ${harness.release}`,
        );
        const findings = await proveCells([...pairs.told, ...crowds.told, ...demanding.told], harness, 3);
        const shown = findings.map(({trial, differences, commands}) =>
          [trial.keyword, ...differences, ...commands].join('\n  '),
        );
        assert.deepEqual(shown, [], `KONTROL_SEED=${SEED}`);
      });
    });
  }
});
