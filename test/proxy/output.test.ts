import assert from 'node:assert/strict';
import {test} from 'node:test';
import {findReason, parseOutputLine} from '../../src/proxy/output.ts';
import {recordingOf} from './recording.ts';

const levelsOf = (recording: string): string[] =>
  recordingOf(recording)
    .trimEnd()
    .split('\n')
    .map(line => parseOutputLine(line).level);

test('output line, 1.7.5 -> level, text and pid', () => {
  const [line = ''] = recordingOf('stderr-config-error.txt').split('\n');
  const parsed = parseOutputLine(line);
  assert.deepEqual(
    {...parsed, pid: typeof parsed.pid},
    {
      level: 'error',
      text: "parsing [proxy.cfg:3] : unknown keyword 'bogus' in 'frontend' section",
      pid: 'number',
    },
  );
});

test('output line, 2.6 -> level, text and pid', () => {
  assert.deepEqual(parseOutputLine('[WARNING]  (6738) : config : missing timeouts'), {
    level: 'warn',
    text: 'config : missing timeouts',
    pid: 6738,
  });
  assert.deepEqual(parseOutputLine('[ALERT]    (67) : x : y').level, 'error');
  assert.deepEqual(parseOutputLine('[NOTICE]   (67) : New worker (68) forked').level, 'info');
});

test('output line, a proxy that makes room at a reload -> no warning; one whose connections are cut is one', () => {
  for (const text of [
    'Stopping frontend web in 0 ms.',
    'Stopping proxy alive in 0 ms.',
    'Proxy web stopped (FE: 1 conns, BE: 0 conns).',
    'Proxy web stopped (cumulated conns: FE: 1, BE: 0).',
    'CLI : Proxy web stopped (cumulated conns: FE: 1, BE: 0).',
  ]) {
    assert.equal(parseOutputLine(`[WARNING]  (6738) : ${text}`).level, 'debug', text);
  }
  for (const text of [
    'Proxy web hard-stopped (1 remaining conns will be closed).',
    'Server web/a is DOWN.',
    'config : missing timeouts for proxy web stopped (',
  ]) {
    assert.equal(parseOutputLine(`[WARNING]  (6738) : ${text}`).level, 'warn', text);
  }
});

test('output line, no mark -> info, as it is', () => {
  for (const line of ['   | While not properly invalid', 'Proxy web started.', '', '[ALERT] half']) {
    assert.deepEqual(parseOutputLine(line), {level: 'info', text: line, pid: undefined});
  }
});

test('output, recorded from 1.7.5 -> no line of it is misread', () => {
  assert.deepEqual(levelsOf('stderr-bind-conflict.txt'), ['error']);
  assert.deepEqual(levelsOf('stderr-config-error.txt'), ['error', 'error', 'warn', 'info', 'info', 'info', 'error']);
  assert.deepEqual(new Set(levelsOf('stderr-start.txt')), new Set(['warn', 'info', 'debug']));
});

test('reason, an alert that says it -> the first one, whatever was warned of', () => {
  const lines = [
    '[WARNING]  (1) : config : missing timeouts',
    "[ALERT]    (1) : config : parsing [a.cfg:3] : unknown keyword 'x'",
    '[ALERT]    (1) : config : Error(s) found in configuration file : a.cfg',
  ];
  assert.equal(findReason(lines), "config : parsing [a.cfg:3] : unknown keyword 'x'");
  assert.equal(
    findReason(['[ALERT]    (1) : weight is not within 0 and 256 (999)..']),
    'weight is not within 0 and 256 (999).',
  );
});

test('reason, alerts that only sum up -> what was warned of before', () => {
  const warnings = [
    '[NOTICE]   (1) : haproxy version is 3.2.26',
    '[WARNING]  (1) : config : one',
    '[WARNING]  (1) : two',
  ];
  for (const summary of [
    'config : Error(s) found in configuration file : a.cfg',
    'Fatal errors found in configuration.',
    "Some warnings were found and 'zero-warning' is set. Aborting.",
  ]) {
    assert.equal(findReason([...warnings, `[ALERT]    (1) : ${summary}`]), 'config : one; two');
    assert.equal(findReason([`[ALERT] 325/121501 (1) : ${summary}`]), summary);
  }
});

test('reason, no alert -> none', () => {
  assert.equal(findReason(['[WARNING]  (1) : two', 'Proxy web started.']), undefined);
  assert.equal(findReason([]), undefined);
});
