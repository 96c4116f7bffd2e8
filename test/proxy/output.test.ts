import assert from 'node:assert/strict';
import {test} from 'node:test';
import {parseOutputLine} from '../../src/proxy/output.ts';
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

test('output line, no mark -> info, as it is', () => {
  for (const line of ['   | While not properly invalid', 'Proxy web started.', '', '[ALERT] half']) {
    assert.deepEqual(parseOutputLine(line), {level: 'info', text: line, pid: undefined});
  }
});

test('output, recorded from 1.7.5 -> no line of it is misread', () => {
  assert.deepEqual(levelsOf('stderr-bind-conflict.txt'), ['error']);
  assert.deepEqual(levelsOf('stderr-config-error.txt'), ['error', 'error', 'warn', 'info', 'info', 'info', 'error']);
  assert.deepEqual(new Set(levelsOf('stderr-start.txt')), new Set(['warn', 'info']));
});
