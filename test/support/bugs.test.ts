import assert from 'node:assert/strict';
import {test} from 'node:test';
import {openLogSink} from '../members/fixtures.ts';
import {bugsIn} from './bugs.ts';

const BUGS = [
  {raw: "TypeError: Cannot read properties of undefined (reading 'x')"},
  {raw: '    RangeError [ERR_OUT_OF_RANGE]: The value of "size" is out of range'},
  {msg: 'etcd is away', reason: "Cannot access 'converger' before initialization"},
  {msg: 'pass failed', detail: {text: 'ports.onChange is not a function'}},
  {msg: 'x', reason: 'later is not defined'},
];

const HARMLESS = [
  {raw: '[ALERT] (17) : config : backend web: TypeError is no keyword'},
  {msg: 'pass failed', reason: "cannot render: TypeError: 'int' object is not iterable"},
  {msg: 'pass failed', reason: "'x' is undefined"},
  {msg: 'callback failed', err: {type: 'TypeError', message: 'fetch failed: connect ECONNREFUSED', stack: ''}},
  {msg: 'snapshot not written', err: {type: 'Error', message: 'ENOSPC', stack: 'Error: ENOSPC\n    at x'}},
];

test('log lines that tell of a bug, others -> told apart', () => {
  for (const line of BUGS) assert.equal(bugsIn([line]).length, 1, JSON.stringify(line));
  for (const line of HARMLESS) assert.equal(bugsIn([line]).length, 0, JSON.stringify(line));
});

test('an error that the log was given, or that caused one -> seen by its class', () => {
  for (const err of [new TypeError('wrong'), new Error('failed', {cause: new ReferenceError('gone')})]) {
    const {log, lines} = openLogSink();
    log.warn({err}, 'away');
    assert.equal(bugsIn(lines).length, 1, JSON.stringify(lines));
  }
});
