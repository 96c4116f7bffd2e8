import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {describeDeviation} from '../../src/proxy/deviation.ts';
import {compareViews, keepsLists, type ProcessAnswers, readProcessView} from '../../src/proxy/process-view.ts';

const FRONTEND = {pxname: 'www', status: 'OPEN', slim: '100'};
const ANSWERS: ProcessAnswers = {
  frontends: [FRONTEND],
  info: 'Pid: 1\nMaxconn: 100\nSessRateLimit: 0\nUptime_sec: 4\n',
  acls: "# id (file) description\n0 () acl 'path_beg' file 'a.cfg' line 11. curr_ver=0 next_ver=0 entry_cnt=2\n",
  maps: "# id (file) description\n5 (/m.map) pattern loaded from file '/m.map' used by map. curr_ver=0 next_ver=0 entry_cnt=1\n",
};

const compare = (changes: Partial<ProcessAnswers>): string[] =>
  compareViews(readProcessView(ANSWERS), readProcessView({...ANSWERS, ...changes})).map(describeDeviation);

test('what HAProxy tells of itself -> its frontends, the limits that can be set, the entries of its lists', () => {
  assert.deepEqual(readProcessView(ANSWERS), {
    frontends: new Map([['www', {isOpen: true, maxconn: '100'}]]),
    limits: new Map([
      ['Maxconn', '100'],
      ['SessRateLimit', '0'],
    ]),
    lists: new Map([
      ['acl #0', '2 entries'],
      ['map /m.map', '1 entries'],
    ]),
  });
});

describe('a HAProxy against its own start, beside its servers', () => {
  for (const [name, changes, said] of [
    ['nothing', {}, []],
    ['time has passed', {info: ANSWERS.info.replace('4', '5')}, []],
    ['a frontend is full', {frontends: [{...FRONTEND, status: 'FULL'}]}, []],
    [
      'disable frontend (1.7)',
      {frontends: [{...FRONTEND, status: 'STOP'}]},
      ['frontend www is stopped, not listening'],
    ],
    ['disable frontend', {frontends: [{...FRONTEND, status: 'PAUSED'}]}, ['frontend www is stopped, not listening']],
    ['set maxconn frontend', {frontends: [{...FRONTEND, slim: '1'}]}, ['frontend www has maxconn 1, not 100']],
    ['set maxconn global', {info: 'Pid: 1\nMaxconn: 9\nSessRateLimit: 0\n'}, ["HAProxy's Maxconn is 9, not 100"]],
    [
      'set rate-limit sessions global',
      {info: 'Pid: 1\nMaxconn: 100\nSessRateLimit: 7\n'},
      ["HAProxy's SessRateLimit is 7, not 0"],
    ],
    [
      'add acl',
      {acls: ANSWERS.acls.replace('cnt=2', 'cnt=3')},
      ['acl #0 has 3 entries, not the 2 entries that it started with'],
    ],
    [
      'clear map',
      {maps: ANSWERS.maps.replace('cnt=1', 'cnt=0')},
      ['map /m.map has 0 entries, not the 1 entries that it started with'],
    ],
    [
      'another version of a map, as long as the first',
      {maps: ANSWERS.maps.replace('curr_ver=0', 'curr_ver=1')},
      ['map /m.map has 1 entries, in version 1, not the 1 entries that it started with'],
    ],
    ['lists are not looked at', {acls: '', maps: ''}, []],
    ['before 2.4, which counts no entries', {maps: "5 (/m.map) pattern loaded from file '/m.map'\n"}, []],
  ] as const satisfies readonly (readonly [string, Partial<ProcessAnswers>, readonly string[]])[]) {
    test(`${name} -> ${said.join(', ') || 'none'}`, () => assert.deepEqual(compare(changes), said));
  }
});

describe('a text whose requests change lists', () => {
  for (const [line, keeps] of [
    ['frontend f\n  acl a path -f /a.lst\n  use_backend %[path,map(/m.map)]', true],
    ['frontend f\n  http-request set-map(/m.map) %[src] 1', false],
    ['frontend f\n  http-request add-acl(/a.lst) %[src]', false],
    ['frontend f\n  http-response del-map(/m.map) %[src] if { status 500 }', false],
    ['global\n  lua-load /x.lua', false],
  ] as const) {
    test(`${line.split('\n').at(-1)?.trim()} -> ${keeps ? 'only operators do' : 'they are not compared'}`, () => {
      assert.equal(keepsLists(line), keeps);
    });
  }
});
