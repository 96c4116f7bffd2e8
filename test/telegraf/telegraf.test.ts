import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {createTelegraf} from '../../src/telegraf/telegraf.ts';
import {createMemoryFiles, openLogSink} from '../members/fixtures.ts';
import {systemError} from '../support/system-error.ts';

const PATH = '/etc/telegraf/telegraf.conf';
const ON = {'kontrol.unity3d.com/opentsdb': 'tsdb'};

function openBench(withJob = true) {
  const {log, lines} = openLogSink();
  const {files, contents, seen, failWith} = createMemoryFiles();
  const input = {
    labels: {app: 'haproxy'} as Record<string, string>,
    annotations: ON as Record<string, string>,
    nodeLabels: {},
  };
  const told: string[] = [];
  let down = true;
  const run = async (verb: string, isDown: boolean) => {
    told.push(verb);
    down = isDown;
    return {ok: true, text: ''};
  };
  const job = {
    get isDown() {
      return down;
    },
    start: () => run('start', false),
    stop: () => run('stop', true),
    restart: () => run('restart', false),
  };
  const telegraf = createTelegraf({files, log, path: PATH, input: () => input, job: withJob ? job : undefined});
  return {telegraf, contents, seen, input, told, lines, failWith};
}

describe('telegraf', () => {
  test('first time -> written and started; again -> nothing; changed -> written and restarted', async () => {
    const {telegraf, contents, seen, input, told} = openBench();
    await telegraf();
    assert.match(contents.get(PATH) ?? '', /app = "haproxy"/);
    await telegraf();
    assert.deepEqual([told, seen.writes], [['start'], 1]);
    input.labels = {app: 'other'};
    await telegraf();
    assert.deepEqual([told, seen.writes], [['start', 'restart'], 2]);
  });

  test('no annotation -> off, said once; it is stopped when it runs', async () => {
    const {telegraf, input, told, lines, contents} = openBench();
    input.annotations = {};
    await telegraf();
    await telegraf();
    assert.deepEqual([told, contents.size], [[], 0]);
    assert.deepEqual(
      lines.map(({level, msg, reason}) => [level, msg, reason]),
      [[30, 'telegraf is off', 'there is no annotation kontrol.unity3d.com/opentsdb']],
    );
    input.annotations = ON;
    await telegraf();
    input.annotations = {};
    await telegraf();
    assert.deepEqual(told, ['start', 'stop']);
  });

  test('an annotation that is no host -> off, a warning', async () => {
    const {telegraf, input, lines} = openBench();
    input.annotations = {'kontrol.unity3d.com/opentsdb': 'a b'};
    await telegraf();
    assert.equal(lines[0]?.level, 40);
  });

  test('its file cannot be written -> one warning that names the setting, no fault', async () => {
    const {telegraf, failWith, told, lines} = openBench();
    failWith(systemError('EROFS', 'read-only file system'));
    await telegraf();
    await telegraf();
    assert.deepEqual([told, lines.length], [[], 1]);
    assert.match(String(lines[0]?.reason), /cannot write .* \(KONTROL_TELEGRAF_CONF\): EROFS/);
  });

  test('a manifest without the job -> the file is written, a warning', async () => {
    const {telegraf, contents, lines} = openBench(false);
    await telegraf();
    assert.ok(contents.has(PATH));
    assert.equal(lines[0]?.reason, 'lifecycle.yml has no job "telegraf"');
  });
});
