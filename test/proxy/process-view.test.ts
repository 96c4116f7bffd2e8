import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {describeDeviation} from '../../src/proxy/deviation.ts';
import type {ListView} from '../../src/proxy/pattern-lists.ts';
import {compareViews, type ProcessAnswers, readProcessView} from '../../src/proxy/process-view.ts';

const FRONTEND = {pxname: 'www', svname: 'FRONTEND', status: 'OPEN', slim: '100'};
const BACKEND = {pxname: 'web', svname: 'BACKEND', status: 'UP', slim: '10'};
const ACL: ListView = {count: 2, version: '0', digest: 'x'};
const MAP: ListView = {count: 1, version: '0', digest: undefined};
const UNCOUNTED: ListView = {count: undefined, version: '0', digest: 'x'};

const listsWith = (changes: Readonly<Record<string, Partial<ListView>>>): ReadonlyMap<string, ListView> =>
  new Map(
    Object.entries({'acl #0': ACL, 'map /m.map': MAP, 'acl #1': UNCOUNTED}).map(([name, list]) => [
      name,
      {...list, ...changes[name]},
    ]),
  );

const ANSWERS: ProcessAnswers = {
  proxies: [FRONTEND, BACKEND],
  info: 'Pid: 1\nMaxconn: 100\nSessRateLimit: 0\nUptime_sec: 4\n',
  lists: listsWith({}),
};

const compare = (changes: Partial<ProcessAnswers>): string[] =>
  compareViews(readProcessView(ANSWERS), readProcessView({...ANSWERS, ...changes})).map(describeDeviation);

test('what HAProxy tells of itself -> its frontends, the limits that can be set, its lists', () => {
  assert.deepEqual(readProcessView(ANSWERS), {
    frontends: new Map([['www', {isOpen: true, maxconn: '100'}]]),
    unpublished: new Set(),
    limits: new Map([
      ['Maxconn', '100'],
      ['SessRateLimit', '0'],
    ]),
    lists: ANSWERS.lists,
  });
});

describe('a HAProxy against its own start, beside its servers', () => {
  for (const [name, changes, said] of [
    ['nothing', {}, []],
    ['time has passed', {info: ANSWERS.info.replace('4', '5')}, []],
    ['a frontend is full', {proxies: [{...FRONTEND, status: 'FULL'}]}, []],
    ['disable frontend (1.7)', {proxies: [{...FRONTEND, status: 'STOP'}]}, ['frontend www is stopped, not listening']],
    ['disable frontend', {proxies: [{...FRONTEND, status: 'PAUSED'}]}, ['frontend www is stopped, not listening']],
    ['set maxconn frontend', {proxies: [{...FRONTEND, slim: '1'}]}, ['frontend www has maxconn 1, not 100']],
    ['a backend is down, and full', {proxies: [FRONTEND, {...BACKEND, status: 'DOWN', slim: '1'}]}, []],
    [
      'unpublish backend',
      {proxies: [FRONTEND, {...BACKEND, status: 'DOWN (UNPUB)'}]},
      ['backend web is unpublished, not published'],
    ],
    ['set maxconn global', {info: 'Pid: 1\nMaxconn: 9\nSessRateLimit: 0\n'}, ["HAProxy's Maxconn is 9, not 100"]],
    [
      'set rate-limit sessions global',
      {info: 'Pid: 1\nMaxconn: 100\nSessRateLimit: 7\n'},
      ["HAProxy's SessRateLimit is 7, not 0"],
    ],
    [
      'add acl',
      {lists: listsWith({'acl #0': {count: 3, digest: undefined}})},
      ['acl #0 has 3 entries, not the 2 entries that it started with'],
    ],
    [
      'clear map',
      {lists: listsWith({'map /m.map': {count: 0}})},
      ['map /m.map has 0 entries, not the 1 entries that it started with'],
    ],
    [
      'another version of a map, as long as the first',
      {lists: listsWith({'map /m.map': {version: '1'}})},
      ['map /m.map has 1 entries, in version 1, not the 1 entries that it started with'],
    ],
    [
      'set map, or one added for one that went',
      {lists: listsWith({'acl #0': {digest: 'y'}})},
      ['acl #0 has other entries or values, not the 2 entries that it started with'],
    ],
    [
      'before 2.4, which counts no entries',
      {lists: listsWith({'acl #1': {digest: 'y'}})},
      ['acl #1 has other entries or values, not the entries that it started with'],
    ],
    ['lists are not looked at', {lists: new Map()}, []],
  ] as const satisfies readonly (readonly [string, Partial<ProcessAnswers>, readonly string[]])[]) {
    test(`${name} -> ${said.join(', ') || 'none'}`, () => assert.deepEqual(compare(changes), said));
  }
});
