import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {parseServersState} from './haproxy-view.ts';
import type {Expectation} from './model.ts';
import {judgeGrowth, judgeHosts, judgeText, judgeUsage, judgeView, splitLosses} from './oracle.ts';
import {type Form, goodText, hostsOf, parseServed} from './templates.ts';
import type {Usage} from './usage.ts';

const one = (ip: string, is: Expectation['is'], joinedMs: number): Expectation => ({
  ip,
  app: 'web',
  is,
  joined: {fromMs: joinedMs, toMs: joinedMs + 10},
});

const EXPECTED = [one('10.0.0.1', 'in', 100), one('10.0.0.2', 'unknown', 200), one('10.0.0.3', 'out', 300)];
const HOSTS = {web: ['10.0.0.1', '10.0.0.2'], api: ['10.0.1.1']};

const FORM: Form = {isOld: false, hasSpares: false};

const whats = (found: readonly {what: string}[]): string[] => found.map(({what}) => what);

describe('oracle, membership', () => {
  for (const [situation, hosts, found] of [
    ['all as it must be', ['10.0.0.1'], []],
    ['one who may be there', ['10.0.0.1', '10.0.0.2'], []],
    ['a host that must be there is missing', ['10.0.0.2'], ['missing host']],
    ['a host that must be gone lingers', ['10.0.0.1', '10.0.0.3'], ['lingering host']],
    ['a host that never pinged', ['10.0.0.1', '10.0.0.9'], ['unknown host']],
    ['a host twice', ['10.0.0.1', '10.0.0.1'], ['host named twice']],
    ['the later before the earlier', ['10.0.0.2', '10.0.0.1'], ['wrong order']],
  ] as const) {
    test(`${situation} -> ${found.join() || 'nothing found'}`, () => {
      assert.deepEqual(whats(judgeHosts(EXPECTED, {web: hosts})), found);
    });
  }

  test('an app left with nobody -> empty app', () => {
    assert.deepEqual(whats(judgeHosts(EXPECTED, {web: ['10.0.0.1'], api: []})), ['empty app']);
  });
});

describe('oracle, configuration', () => {
  const served = goodText(4, HOSTS, FORM);

  test('text of a good template -> its hosts are read back, nothing found', () => {
    assert.deepEqual(judgeText(served, {from: 3, to: 5}, FORM), []);
    assert.deepEqual({...hostsOf(parseServed(served) ?? {servers: []})}, HOSTS);
  });

  test('one who left is disabled in it, since no text can be made without -> nothing found', () => {
    assert.deepEqual(judgeText(served.replace(/server web-1 .*/, '$& disabled'), {from: 3, to: 5}, FORM), []);
  });

  for (const [situation, text, what] of [
    ['a template that was replaced long ago', goodText(2, HOSTS, FORM), 'wrong template served'],
    ['one letter more', served.replace('timeout client 15s', 'timeout client 150s'), 'text differs'],
    ['an empty text', '', 'unknown configuration'],
  ] as const) {
    test(`${situation} -> ${what}`, () => {
      assert.deepEqual(whats(judgeText(text, {from: 3, to: 5}, FORM)), [what]);
    });
  }

  const STATE = `1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight
3 web 1 web-1 10.0.0.1 2 0 2
3 web 2 web-2 10.0.0.2 2 0 2
3 web 3 web-3 10.0.0.7 0 1 2
3 web 4 web-4 192.0.2.4 0 4 2
4 api 1 10-0-1-1 10.0.1.1 2 0 2
`;

  test('HAProxy with the servers of the text, one in maintenance on its way out and a spare one -> nothing found', () => {
    assert.deepEqual(judgeView(served, parseServersState(STATE)), []);
  });

  for (const [situation, state] of [
    ['another address', STATE.replace('10.0.0.2', '10.0.0.3')],
    ['another weight', STATE.replace('2 0 2\n', '2 0 1\n')],
    ['a server less', STATE.replace(/^4 api.*\n/m, '')],
    ['a pod on a server that is still in maintenance', STATE.replace('10.0.0.2 2 0', '10.0.0.2 0 5')],
    ['a spare server that takes requests', STATE.replace('192.0.2.4 0 4', '192.0.2.4 2 0')],
    ['a removed server that still takes requests', STATE.replace('0 1 2', '2 0 2')],
  ] as const) {
    test(`HAProxy with ${situation} -> found`, () => {
      assert.deepEqual(whats(judgeView(served, parseServersState(state))), ['HAProxy serves something else']);
    });
  }
});

test('oracle, requests that failed -> those in the windows of a dead HAProxy are apart, any other is found', () => {
  const windows = [{fromMs: 1000, toMs: 1500}];
  const cut = {kind: 'reset', startedAt: 900, endedAt: 1001};
  const hung = {kind: 'timeout', startedAt: 1400, endedAt: 9400};
  const failed = {kind: 'refused', startedAt: 1501, endedAt: 1502};
  assert.deepEqual(splitLosses([cut, hung, failed], windows), {inherent: [cut, hung], failed: [failed]});
});

describe('oracle, what a daemon holds', () => {
  const FIRST: Usage = {
    atMs: 0,
    rssKib: 100_000,
    descriptors: 30,
    children: ['haproxy', 'node'],
    zombies: 0,
    haproxies: 1,
    rules: [],
    files: ['proxy.cfg', 'members.json'],
    historyFiles: 10,
    temporary: [],
  };

  test('as at first -> nothing found', () => {
    assert.deepEqual(judgeUsage(FIRST, FIRST), []);
  });

  for (const [situation, leak, what] of [
    ['descriptors that are never closed', {descriptors: 50}, 'leak of descriptors'],
    ['children that are never ended', {children: ['haproxy', 'node', 'sh', 'sleep']}, 'leak of processes'],
    ['a child that nobody waited for', {zombies: 1}, 'leak of zombies'],
    ['an old HAProxy', {haproxies: 2}, 'leak of HAProxy processes'],
    ['a rule left in', {rules: ['-A KONTROL-SYN -j DROP']}, 'leak of firewall rules'],
    ['files of old generations', {files: Array.from({length: 20}, (_, n) => `run/${n}.cfg`)}, 'leak of files'],
    ['a temporary file', {temporary: ['x']}, 'leak of temporary files'],
    ['too much memory', {rssKib: 500_000}, 'leak of memory (KiB)'],
  ] as const) {
    test(`${situation} -> found`, () => {
      assert.deepEqual(whats(judgeUsage(FIRST, {...FIRST, ...leak})), [what]);
    });
  }

  test('memory that grows and grows -> found; one that comes to rest -> not', () => {
    const grow = (kibOf: (minute: number) => number): Usage[] =>
      Array.from({length: 20}, (_, minute) => ({...FIRST, atMs: minute * 60_000, rssKib: kibOf(minute)}));
    assert.deepEqual(whats(judgeGrowth(grow(minute => 100_000 + 4000 * minute))), ['leak of memory']);
    assert.deepEqual(judgeGrowth(grow(minute => 100_000 + 20_000 * Math.min(minute, 2))), []);
  });
});
