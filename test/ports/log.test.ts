import assert from 'node:assert/strict';
import {test} from 'node:test';
import {openLog} from '../../src/ports/log.ts';
import {createRecentLines} from '../../src/ports/recent-lines.ts';

function openCollected() {
  const lines: Record<string, unknown>[] = [];
  const opened = openLog('info', {write: line => lines.push(JSON.parse(line))});
  return {lines, ...opened, setLevel: opened.setLevel};
}

test('log level, changed at run time -> rooms that exist and rooms to come follow', () => {
  const {lines, room, setLevel} = openCollected();
  const early = room('early');
  early.debug('unseen');
  setLevel('debug');
  early.debug('seen');
  room('late').debug('seen');
  setLevel('warn');
  early.info('unseen');
  assert.deepEqual(
    lines.map(({room, msg}) => [room, msg]),
    [
      ['early', 'seen'],
      ['late', 'seen'],
    ],
  );
});

test('log, a secret in a field -> masked', () => {
  const {lines, room} = openCollected();
  room('http').info({token: 'abc', headers: {authorization: 'Bearer abc'}}, 'asked');
  assert.doesNotMatch(JSON.stringify(lines), /abc/);
});

test('recent lines, more than are kept -> the newest, numbered on', () => {
  const recent = createRecentLines(3, 5);
  for (const text of ['a', 'b', 'c', 'd', 'longer than five\n']) recent.add(text);
  assert.deepEqual(recent.since(0, 10), [
    {number: 3, text: 'c'},
    {number: 4, text: 'd'},
    {number: 5, text: 'longe'},
  ]);
  assert.deepEqual(
    recent.since(3, 1).map(({number}) => number),
    [5],
  );
  assert.deepEqual(recent.since(5, 10), []);
});
