import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {test} from 'node:test';
import {prettyLine} from '../../src/ports/pretty.ts';
import {completionOf} from '../../src/terminal/completion.ts';
import {describePass} from '../../src/terminal/history.ts';
import {createPaint, paintDiff} from '../../src/terminal/paint.ts';
import {REFERENCE} from '../../src/terminal/reference.ts';
import {describeStatus, isHealthy} from '../../src/terminal/status.ts';
import {formatPairs, formatTable} from '../../src/terminal/table.ts';
import {entryOf, PROBLEM, STATUS} from '../http/status-ports.ts';

const plainPaint = createPaint(false);

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

test('status, healthy and not -> the verdict and every reason', () => {
  assert.match(
    describeStatus(STATUS, plainPaint),
    /serving, in sync, up 1 min\n.*\nGeneration +3; draining 2 for 1 ms/,
  );
  assert.ok(isHealthy(STATUS));
  const problem = {...PROBLEM, why: 'because\nof this'};
  const broken = {...STATUS, problems: [problem]};
  assert.match(
    describeStatus(broken, plainPaint),
    /needs attention.*\n! It broke: because of this\n {2}since .*; to do: mend it\n/,
  );
  assert.ok(!isHealthy(broken));
  assert.ok(!isHealthy({...STATUS, ready: false}));
  assert.ok(isHealthy({...STATUS, problems: [{...problem, severity: 'notice'}]}));
});

test('a pass -> who, why and the lines', () => {
  const text = describePass(
    entryOf(7, {left: {pods: [{app: 'a', ip: '1.1.1.1', id: 'x', why: 'down'}], more: 2}}),
    plainPaint,
  );
  assert.match(text, /Left +a 1\.1\.1\.1 x: down\n +and 2 more\n[\s\S]*\n\+frontend web\n$/);
});

test('a difference on a terminal -> coloured, its text unchanged', () => {
  const diff = '--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n z\n';
  assert.equal(paintDiff(diff, plainPaint), diff);
  assert.ok(paintDiff(diff, createPaint(true)).includes('\u001b[31m-x\u001b[39m\n\u001b[32m+y'));
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
