import assert from 'node:assert/strict';
import {test} from 'node:test';
import type {Row} from '../../src/proxy/answers.ts';
import {readServersByIp} from '../../src/proxy/server-view.ts';
import {atOnce} from '../../src/steps.ts';

const rowOf = (changes: Row): Row => ({
  pxname: 'web',
  svname: 'a',
  type: '2',
  addr: '10.0.0.1:80',
  status: 'UP',
  weight: '1',
  lastchg: '7',
  ...changes,
});

const hide = (said: string): string => said.replaceAll('hunter2', '***');

const viewOf = (changes: Row) => {
  const [[ip, views] = []] = atOnce(readServersByIp([rowOf(changes)], hide));
  assert.equal(views?.length, 1);
  return {ip, view: views[0]};
};

test('a server that is up -> its figures, nothing to say of its check', () => {
  const {ip, view} = viewOf({check_status: 'L4OK', scur: '3', qcur: '1', econ: '2', eresp: '3', hrsp_5xx: '4'});
  assert.equal(ip, '10.0.0.1');
  assert.deepEqual(view, {
    backend: 'web',
    server: 'a',
    address: '10.0.0.1:80',
    state: 'up',
    status: 'UP',
    sinceMs: 7000,
    check: {result: 'L4OK', reason: null},
    weight: 1,
    sessions: 3,
    queue: 1,
    errors: 9,
  });
});

const STATES: readonly (readonly [Row, string])[] = [
  [{status: 'UP 1/3'}, 'up'],
  [{status: 'no check'}, 'up'],
  [{status: 'DOWN 1/2'}, 'down'],
  [{status: 'DOWN (agent)'}, 'down'],
  [{status: 'DRAIN'}, 'drain'],
  [{status: 'NOLB 1/3'}, 'drain'],
  [{status: 'UP', weight: '0'}, 'drain'],
  [{status: 'MAINT'}, 'maint'],
  [{status: 'MAINT (via web/b)'}, 'maint'],
  [{status: 'MAINT (resolution)', weight: '0'}, 'maint'],
];

for (const [row, state] of STATES) {
  test(`a server whose status is ${Object.values(row).join(', weight ')} -> ${state}`, () => {
    assert.equal(viewOf(row).view?.state, state);
  });
}

const CHECKS: readonly (readonly [Row, {result: string; reason: string | null} | null])[] = [
  [{}, null],
  [
    {check_status: '* L4OK', check_desc: 'Layer4 check passed'},
    {result: 'L4OK', reason: null},
  ],
  [
    {check_status: 'L4CON', check_desc: 'Layer4 connection problem', last_chk: 'Connection refused'},
    {result: 'L4CON', reason: 'Connection refused'},
  ],
  [
    {check_status: 'L4TOUT', check_desc: 'Layer4 timeout'},
    {result: 'L4TOUT', reason: 'Layer4 timeout'},
  ],
  [
    {check_status: 'L7STS', check_code: '503', last_chk: 'Service Unavailable'},
    {result: 'L7STS', reason: '503 Service Unavailable'},
  ],
  [
    {check_status: 'INI', check_desc: 'Initializing'},
    {result: 'INI', reason: 'Initializing'},
  ],
];

for (const [row, check] of CHECKS) {
  test(`a check ${JSON.stringify(row)} -> ${JSON.stringify(check)}`, () =>
    assert.deepEqual(viewOf(row).view?.check, check));
}

test('rows of all kinds -> servers alone, by their address however it is spelled', () => {
  const servers = atOnce(
    readServersByIp(
      [
        rowOf({type: '0', svname: 'FRONTEND'}),
        rowOf({type: '1', svname: 'BACKEND', addr: ''}),
        rowOf({}),
        rowOf({pxname: 'api', addr: '10.0.0.1:81'}),
        rowOf({addr: '[2001:DB8::1]:80'}),
        rowOf({addr: 'unix'}),
        rowOf({addr: ''}),
      ],
      hide,
    ),
  );
  assert.deepEqual(
    [...servers].map(([ip, views]) => [ip, views.map(({backend}) => backend)]),
    [
      ['10.0.0.1', ['web', 'api']],
      ['2001:db8::1', ['web']],
    ],
  );
});

test('thousands of rows -> read in steps', () => {
  const steps = readServersByIp(
    Array.from({length: 401}, () => rowOf({})),
    hide,
  );
  assert.equal([...steps].length, 3);
});

test('figures that HAProxy does not tell -> 0', () => {
  const none = {weight: '', scur: '', qcur: '', econ: '', eresp: '', hrsp_5xx: ''};
  const [[, [view] = []] = []] = atOnce(readServersByIp([rowOf(none)], hide));
  assert.deepEqual([view?.weight, view?.sessions, view?.queue, view?.errors], [0, 0, 0, 0]);
});

test('a check that fails of a secret -> told without it', () => {
  const {view} = viewOf({status: 'DOWN', check_status: 'L7RSP', last_chk: 'expected hunter2'});
  assert.deepEqual(view?.check, {result: 'L7RSP', reason: 'expected ***'});
});
