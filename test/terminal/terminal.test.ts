import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {test} from 'node:test';
import {stripVTControlCharacters} from 'node:util';
import {prettyLine} from '../../src/ports/pretty.ts';
import {completionOf} from '../../src/terminal/completion.ts';
import {describeHistory, describePass} from '../../src/terminal/history.ts';
import {describeMembers, describeTimeline} from '../../src/terminal/members.ts';
import {formatMoment} from '../../src/terminal/moment.ts';
import {createPaint, paintDiff} from '../../src/terminal/paint.ts';
import {REFERENCE} from '../../src/terminal/reference.ts';
import {describeStatus, isHealthy} from '../../src/terminal/status.ts';
import {formatPairs, formatTable, widthOf} from '../../src/terminal/table.ts';
import {entryOf, MEMBER, PROBLEM, STATUS} from '../http/status-ports.ts';

const plainPaint = createPaint(false);
const NARROW = {width: 80, paint: plainPaint};

test('table, cells of any length -> aligned columns, no blanks at line ends, no control characters', () => {
  assert.equal(
    formatTable(
      ['A', 'LONG'],
      [
        ['xyz', ''],
        ['\u001b[31mred\u001b[0m\n', 'b'],
      ],
    ),
    'A     LONG\nxyz\nred   b\n',
  );
  assert.equal(
    formatPairs([
      ['One', 'a\nb'],
      ['Three', 'c'],
    ]),
    'One    a\n       b\nThree  c\n',
  );
});

test('width of a pipe, of a terminal, of one that tells no width, of a tiny one -> a line that can be written', () => {
  const widths = [{}, {isTTY: true, columns: 80}, {isTTY: true, columns: 0}, {isTTY: true, columns: 1}].map(widthOf);
  assert.deepEqual(widths, [Number.POSITIVE_INFINITY, 80, Number.POSITIVE_INFINITY, 20]);
});

test('table on a screen -> columns that can be spared go, long cells lose their middle, the reason is whole and folded', () => {
  const columns = ['NAME', {name: 'A', spare: 1}, {name: 'B', spare: 2}, {name: 'WHY', isReason: true}] as const;
  const reason = 'server web/a is down since nobody listens there, and so it goes';
  const draw = (width: number, name = 'pod', reasons = [reason]) =>
    formatTable(
      columns,
      reasons.map(why => [name, 'a'.repeat(10), 'b'.repeat(10), why]),
      {width, paint: plainPaint},
    );
  assert.equal(draw(100), `NAME  A           B           WHY\npod   aaaaaaaaaa  bbbbbbbbbb  ${reason}\n`);
  assert.match(
    draw(60),
    /\npod {3}a{10} {2}b{10} {2}server web\/a is down since\n {30}nobody listens there, and so\n {30}it goes\n$/,
  );
  assert.match(draw(50), /^NAME {2}A {11}WHY\npod {3}a{10} {2}server web/);
  assert.match(draw(40), /^NAME {2}WHY\npod {3}server web/);
  for (const width of [34, 40, 50, 60, 80, 100]) {
    const drawn = draw(width, 'web-7c9f8b6d5-abcde-and-some-more-x2b1z');
    assert.ok(
      drawn.split('\n').every(line => line.length <= width),
      `${width}\n${drawn}`,
    );
    assert.match(drawn, /\nweb-.*x2b1z/);
    assert.equal(drawn.replaceAll(/\s+/g, ' ').includes(reason), true, `${width}\n${drawn}`);
  }
  assert.equal(draw(40, 'pod', ['']).split('\n').length, 3);
});

test('table, a cell with a tone -> coloured where there are colours, aligned all the same', () => {
  const rows = [[{text: 'DOWN', tone: 'bad'} as const, 'x']];
  assert.equal(formatTable(['S', 'B'], rows), 'S     B\nDOWN  x\n');
  const painted = formatTable(['S', 'B'], rows, {width: 80, paint: createPaint(true)});
  assert.equal(painted, 'S     B\n\u001b[31mDOWN\u001b[39m  x\n');
});

test('moment -> with its date and zone', () => {
  assert.match(formatMoment(0), /^19(?:70|69)-\d\d-\d\d \d\d:\d\d:\d\d \S+$/);
});

test('members -> each with the servers at its address, why one is down, and what is missing', () => {
  const member = {...MEMBER, nonce: undefined};
  const [server] = MEMBER.servers ?? [];
  assert.ok(server);
  const two = {
    ...member,
    id: 'web-2',
    proxyState: 'partly up',
    servers: [{...server, state: 'up', status: 'UP'}, server],
  } as const;
  const none = {...member, id: 'web-3', proxyState: 'no server', servers: []} as const;
  const bad = {...none, id: 'web-5', quarantine: {reason: 'weight 999', sinceAt: 0, served: 'not at all'}} as const;
  const unknown = {...member, id: 'web-4', proxyState: 'unknown', servers: null} as const;
  const drawn = describeMembers([member, two, none, unknown], MEMBER.lastSeenAt + 1000);
  assert.match(
    drawn,
    /web +10\.2\.0\.17 +web-1 .* down +web\/web-1 +1 +0 +0 +7 +DOWN, check L4CON Connection refused, for 3 s\n/,
  );
  assert.match(drawn, /web-2 .* up +web\/web-1 .*\n +down +web\/web-1 .*L4CON/);
  assert.match(drawn, /web-3 .* no server +in hosts, but no server of HAProxy has its address\n/);
  assert.match(drawn, /web-4 .* unknown +HAProxy did not answer\n/);
  const refused = describeMembers([bad], MEMBER.lastSeenAt);
  assert.match(refused, /web-5 .* no server +in quarantine, served not at all: weight 999\n/);
  const narrow = describeMembers([member, two, none, unknown], 0, NARROW);
  assert.ok(
    narrow.split('\n').every(line => line.length <= 80),
    narrow,
  );
  assert.match(describeMembers([], 0), /^Nobody is here\. .* members --gone\n$/);
});

test('one pod -> what it is, its servers, then its story; of one that left the story alone', () => {
  const story = {ip: MEMBER.ip, gone: false, moments: [{at: 0, what: 'first ping', app: 'web', id: 'web-1'}]} as const;
  const whole = describeTimeline({...story, member: {...MEMBER, nonce: undefined}}, MEMBER.lastSeenAt);
  assert.match(
    whole,
    /^Pod +web-1, app web, role frontend\n[\s\S]*HAProxy +down\n\nPROXY +SERVER[\s\S]*\n\nTIME +WHAT/,
  );
  assert.match(describeTimeline({...story, gone: true, member: null}, 0), /^TIME +WHAT/);
});

test('one pod on a terminal of 40 columns -> names, addresses and times whole, figures left out', () => {
  const story = {ip: MEMBER.ip, gone: false, moments: [{at: 0, what: 'config', app: 'web', id: 'web-1'}]} as const;
  const screen = {width: 40, paint: createPaint(false)};
  const drawn = describeTimeline({...story, member: {...MEMBER, nonce: undefined}}, MEMBER.lastSeenAt, screen);
  assert.doesNotMatch(drawn, /…/);
  assert.match(
    drawn,
    /\nPROXY +SERVER +ADDRESS +WHY\n[\s\S]*\nTIME +WHAT +PASS\n +WHY\n1970-01-01 00:00:00 UTC +config\n/,
  );
});

test('history on a narrow terminal -> a failure is red, its reason whole', () => {
  const reason =
    "cannot validate the candidate: [ALERT] unknown keyword 'nonsense' in 'frontend' section, and how to mend it";
  const screen = {width: 80, paint: createPaint(true)};
  const drawn = describeHistory([entryOf(3, {verdict: 'failed', error: reason})], screen);
  assert.ok(drawn.includes('\u001b[31mfailed'));
  const seen = stripVTControlCharacters(drawn);
  assert.ok(
    seen.split('\n').every(line => line.length <= 80),
    seen,
  );
  assert.ok(seen.replaceAll(/\s+/g, ' ').includes(reason), seen);
});

test('status, healthy and not -> the verdict and every reason', () => {
  assert.match(
    describeStatus(STATUS),
    /serving, in sync, up 1 min\n.*\nGeneration +3; draining 2 for 1 ms, 3 connections left, ends in 59 min at most/,
  );
  assert.ok(isHealthy(STATUS));
  const problem = {...PROBLEM, why: 'because\nof this'};
  const broken = {...STATUS, problems: [problem]};
  assert.match(
    describeStatus(broken),
    /needs attention.*\n! It broke: because of this\n {2}since .*; to do: mend it\n/,
  );
  assert.ok(!isHealthy(broken));
  assert.ok(!isHealthy({...STATUS, ready: false}));
  assert.ok(isHealthy({...STATUS, problems: [{...problem, severity: 'notice'}]}));
  assert.match(describeStatus({...broken, problems: [{...problem, sinceIs: 'noticed'}]}), /\n {2}noticed at .*; to do/);
  assert.match(
    describeStatus({...STATUS, proxy: {...STATUS.proxy, silentMs: 4000}}),
    /\nHAProxy +RUNNING .*, does not answer\n/,
  );
});

test('a pass -> who, why and the lines', () => {
  const text = describePass(entryOf(7, {left: {pods: [{app: 'a', ip: '1.1.1.1', id: 'x', why: 'down'}], more: 2}}));
  assert.match(text, /Left +a 1\.1\.1\.1 x: down\n +and 2 more\n[\s\S]*\n\+frontend web\n$/);
});

test('a difference on a terminal -> coloured, its text unchanged', () => {
  const diff = '--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n z\n';
  assert.equal(paintDiff(diff, plainPaint), diff);
  assert.ok(paintDiff(diff, createPaint(true)).includes('\u001b[31m-x\u001b[39m\n\u001b[32m+y'));
});

test('a difference of lines with control characters -> none arrives but tabs and line ends', () => {
  assert.equal(paintDiff('+\ta\u001b[2Jb\u0007\n-c\u009b31md\n', plainPaint), '+\tab \n-cd\n');
});

test('pretty log line of a fault with control characters -> shown, not done', () => {
  const err = {message: 'a\u001b[2J', stack: 'Error: a\u001b[2J\n\tat b'};
  assert.doesNotMatch(prettyLine(JSON.stringify({level: 60, time: 0, msg: 'x', err}), false), /[^\P{Cc}\n\t]/u);
});

test('pretty log line -> time, level, room, message, fields; what is no JSON stays', () => {
  const line = JSON.stringify({
    level: 40,
    time: 0,
    room: 'http',
    msg: 'refused',
    ip: '10.0.0.1',
    why: 'a b',
    none: null,
  });
  assert.match(prettyLine(line, false), /^\d\d:\d\d:\d\d\.000 warn {2}http refused ip=10\.0\.0\.1 why='a b'$/);
  assert.ok(prettyLine(line, true).includes('\u001b[33mwarn'));
  assert.equal(prettyLine('not JSON\n', false), 'not JSON');
  const fault = JSON.stringify({level: 50, time: 0, msg: 'm', err: {message: 'no', stack: 'Error: no\n  at x'}});
  assert.match(prettyLine(fault, false), /err=no\nError: no\n {2}at x$/);
});

test('completion -> valid for its shell, names every command and option', () => {
  const script = completionOf('bash');
  for (const [name, {options}] of Object.entries(REFERENCE)) {
    for (const option of Object.keys(options))
      assert.match(script, new RegExp(`${name}\\) words="[^"]*--${option}\\b`));
  }
  const complete = (line: string[]) => {
    const words = line.map(word => `'${word}'`).join(' ');
    const probe = `${script}\nCOMP_WORDS=(${words}); COMP_CWORD=${line.length - 1}; _haproxy_kontrol; echo "\${COMPREPLY[@]}"`;
    return spawnSync('bash', ['-c', probe], {encoding: 'utf8'}).stdout.trim();
  };
  assert.equal(complete(['haproxy-kontrol', 'st']), 'status');
  assert.equal(complete(['haproxy-kontrol', 'ru']), 'run');
  assert.equal(complete(['haproxy-kontrol', '--v']), '--version');
  assert.equal(complete(['haproxy-kontrol', 'check', '--m']), '--manifest');
  assert.equal(complete(['haproxy-kontrol', 'ctl', 'GO']), 'GOTO');
  assert.equal(complete(['haproxy-kontrol', 'members', '--g']), '--gone');
  assert.equal(complete(['haproxy-kontrol', 'completion', 'f']), 'fish');
  assert.match(completionOf('fish'), /__fish_seen_subcommand_from logs' -l follow -s f/);
  assert.match(completionOf('zsh'), /bashcompinit/);
});
