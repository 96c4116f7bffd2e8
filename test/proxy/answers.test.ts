import assert from 'node:assert/strict';
import {test} from 'node:test';
import {parseInfo, parseServersState, parseStat, readServersState} from '../../src/proxy/answers.ts';
import {atOnce} from '../../src/steps.ts';
import {recordingOf} from './recording.ts';

test('show info, 1.7.5 -> values by name', () => {
  const info = parseInfo(recordingOf('show-info.txt'));
  assert.equal(info.get('Version'), '1.7.5');
  assert.equal(info.get('Uptime_sec'), '1');
  assert.equal(info.get('node'), 'proxy-1');
  assert.match(info.get('Pid') ?? '', /^\d+$/);
});

test('show info, empty value and colons in a value -> kept', () => {
  const info = parseInfo('Pid: 7\ndescription: \nBuild info: a: b\n');
  assert.deepEqual(
    [...info],
    [
      ['Pid', '7'],
      ['description', ''],
      ['Build info', 'a: b'],
    ],
  );
});

test('show info, something else -> refused', () => {
  assert.throws(() => parseInfo('Unknown command. Please enter one of'), {code: 'PROXY', message: /not "name: value"/});
  assert.throws(() => parseInfo(''), {code: 'PROXY', message: /names no Pid/});
});

test('show stat, 1.7.5 -> a row for each frontend, server and backend', () => {
  const rows = parseStat(recordingOf('show-stat.csv').trimEnd());
  assert.deepEqual(
    rows.filter(row => row.pxname === 'app').map(row => [row.svname, row.status, row.addr]),
    [
      ['up', 'UP', '127.0.0.1:19102'],
      ['down', 'DOWN', '127.0.0.1:19103'],
      ['maint', 'MAINT', '127.0.0.1:19104'],
      ['draining', 'DRAIN', '127.0.0.1:19102'],
      ['BACKEND', 'UP', ''],
    ],
  );
});

test('show stat, quoted fields -> quotes, commas and line ends are theirs', () => {
  const rows = parseStat('# pxname,svname,last_chk,\nweb,s1,"a ""b"", c\nd",');
  assert.deepEqual(rows, [{pxname: 'web', svname: 's1', last_chk: 'a "b", c\nd'}]);
});

test('show stat, something else or cut short -> refused', () => {
  for (const text of ['', 'Permission denied', '# pxname,svname,\nweb,\n', '# pxname,svname,\nweb,"s1,\n']) {
    assert.throws(() => parseStat(text), {code: 'PROXY', message: /^cannot parse answer to "show stat"/});
  }
});

test('show servers state, 1.7.5 -> a row for each server', () => {
  const rows = parseServersState(recordingOf('show-servers-state.txt'));
  assert.deepEqual(
    rows.map(row => [row.be_name, row.srv_name, row.srv_addr, row.srv_op_state]),
    [
      ['app', 'up', '127.0.0.1', '2'],
      ['app', 'down', '127.0.0.1', '0'],
      ['app', 'maint', '127.0.0.1', '0'],
      ['app', 'draining', '127.0.0.1', '2'],
      ['no-timeouts', 'one', '::1', '2'],
    ],
  );
});

test('show servers state, another format or cut short -> refused', () => {
  for (const text of ['', '2\n# a b\n', '1\n', '1\n# be_id be_name\n4\n']) {
    assert.throws(() => parseServersState(text), {
      code: 'PROXY',
      message: /^cannot parse answer to "show servers state"/,
    });
  }
});

test('servers state, some wanted -> these rows alone, as they are among all', () => {
  const text = [
    '1',
    '# be_id be_name srv_id srv_name srv_addr srv_op_state',
    ...['a', 'b', 'c'].map((name, n) => `3 web ${n + 1} ${name} 10.0.0.${n + 1} 2`),
    '4 api 1 a  0',
    '',
  ].join('\n');
  const all = parseServersState(text);
  const wanted = (...names: readonly string[]) => atOnce(readServersState(text, new Set(names)));
  assert.deepEqual(wanted('web/b'), [all[1]]);
  assert.deepEqual(wanted('api/a', 'web/a'), [all[0], all[3]]);
  assert.deepEqual([wanted('web/d'), wanted()], [[], []]);
});
