import assert from 'node:assert/strict';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {OverLimit} from '../../src/errors.ts';
import type {Command, Finished, Spawn} from '../../src/ports/spawn.ts';
import {systemSpawn} from '../../src/ports/spawn.ts';
import {checkCandidate, checkConfiguration, deriveCheckLimitMs, loadBuild, loadVersion} from '../../src/proxy/check.ts';
import {haproxyIsAtLeast} from '../support/haproxy-version.ts';
import {haproxyBinary, missing} from '../support/parts.ts';
import {recordingOf} from './recording.ts';

const A = {files: ['a.cfg'], configuration: 'a.cfg'};
/** A log target of ours comes first, the user's text second. */
const AB = {files: ['log.cfg', 'a.cfg', 'b.cfg'], configuration: 'a.cfg'};

const FINE: Finished = {code: 0, signal: undefined, stdout: '', stderr: '', timedOut: false};

const finishing = (
  finished: Partial<Finished>,
  commands: Command[] = [],
): {spawn: Pick<Spawn, 'run'>; haproxy: string} => ({
  haproxy: 'haproxy',
  spawn: {
    async run(command) {
      commands.push(command);
      return {...FINE, ...finished};
    },
  },
});

test('check, accepted -> every file was given, the warnings come back', async () => {
  const commands: Command[] = [];
  const ports = finishing({stderr: recordingOf('stderr-start.txt')}, commands);
  const [warning] = await checkConfiguration(ports, AB);
  assert.deepEqual(commands, [{file: 'haproxy', args: ['-c', '-f', 'log.cfg', '-f', 'a.cfg', '-f', 'b.cfg']}]);
  assert.equal(warning, "config : missing timeouts for backend 'no-timeouts'.");
});

test('check, an alert but code 0 -> accepted', async () => {
  const ports = finishing({stderr: '[ALERT] 325/121501 (6730) : bad ciphers. Continuing.\n'});
  assert.deepEqual(await checkConfiguration(ports, A), []);
});

test('check, refused -> the first alert in the message, all output in the detail', async () => {
  const stderr = recordingOf('stderr-config-error.txt');
  await assert.rejects(checkConfiguration(finishing({code: 1, stderr, stdout: 'end\n'}), AB), {
    code: 'VALIDATE',
    message: "cannot validate a.cfg: parsing [proxy.cfg:3] : unknown keyword 'bogus' in 'frontend' section",
    detail: `${stderr}end\n`,
  });
});

test('check, refused with a message that quotes a secret -> hidden before it is cut', async () => {
  const secret = 'x'.repeat(400);
  const stderr = `[ALERT] 325/121501 (6730) : parsing [a.cfg:2] : found '${secret}'\n`;
  const text = `userlist u\n  user a insecure-password ${secret}\n`;
  await assert.rejects(checkConfiguration(finishing({code: 1, stderr}), {...A, text}), {
    message: "cannot validate a.cfg: parsing [a.cfg:2] : found '***'",
    detail: "[ALERT] 325/121501 (6730) : parsing [a.cfg:2] : found '***'\n",
  });
});

test('check, refused without a usable alert -> the reason is told another way', async () => {
  const rows: [Partial<Finished>, string][] = [
    [{code: 2}, 'it binds no port'],
    [{code: 1}, 'haproxy exited with 1 and no alert'],
    [{code: undefined, signal: 'SIGSEGV'}, 'haproxy was ended by SIGSEGV'],
    [{code: undefined, signal: 'SIGTERM', timedOut: true}, 'no verdict within 60 s'],
    [{code: 1, stderr: `[ALERT]    (1) : ${'x'.repeat(400)}`}, `${'x'.repeat(300)}…`],
  ];
  for (const [finished, reason] of rows) {
    await assert.rejects(checkConfiguration(finishing(finished), A), {
      message: `cannot validate a.cfg: ${reason}`,
    });
  }
});

test('check, no verdict in time -> a limit was hit, by whoever makes the text so long; the limit goes by how many pods there are', async () => {
  const never = {...finishing({code: undefined, signal: 'SIGTERM', timedOut: true}), limitMs: 15_000};
  await assert.rejects(
    checkConfiguration(never, A),
    error =>
      error instanceof OverLimit && error.code === 'VALIDATE' && error.message.endsWith('no verdict within 15 s'),
  );
  assert.deepEqual([0, 499, 1000, 10_000, 100_000].map(deriveCheckLimitMs), [15_000, 15_000, 17_000, 35_000, 60_000]);
});

test('check, binary missing or not executable -> what to do about it', async () => {
  for (const [haproxy, reason] of [
    ['/nowhere/haproxy', 'there is no such program'],
    [import.meta.filename, 'it is not an executable file'],
  ] as const) {
    await assert.rejects(checkConfiguration({spawn: systemSpawn, haproxy}, A), {
      code: 'HAPROXY',
      message: `cannot run ${haproxy}: ${reason}; install HAProxy or set KONTROL_HAPROXY`,
    });
  }
});

test('version, of a binary -> from what it prints', async () => {
  const commands: Command[] = [];
  const version = await loadVersion(finishing({stdout: recordingOf('version.txt')}, commands));
  assert.equal(version.text, '1.7.5');
  assert.deepEqual(commands, [{file: 'haproxy', args: ['-v']}]);
  await assert.rejects(loadVersion({spawn: systemSpawn, haproxy: '/nowhere/haproxy'}), {code: 'HAPROXY'});
});

test('version, the binary hangs -> HAPROXY, that says so and what to do; the end of the daemon -> its reason', async () => {
  const hanging = finishing({code: undefined, signal: 'SIGTERM', timedOut: true});
  const message =
    'cannot run haproxy: -v has not ended within 5 s; try it by hand, install HAProxy or set KONTROL_HAPROXY';
  await assert.rejects(loadVersion(hanging), {code: 'HAPROXY', message});
  await assert.rejects(loadBuild(hanging), {code: 'HAPROXY', message: message.replace('-v', '-vv')});
  const stop = new AbortController();
  const reason = new Error('the daemon stops');
  const stopping = finishing({code: undefined, signal: 'SIGTERM'});
  const {run} = stopping.spawn;
  const spawn = {
    run: (...given: Parameters<typeof run>) => {
      stop.abort(reason);
      return run(...given);
    },
  };
  await assert.rejects(loadVersion({...stopping, spawn}, stop.signal), reason);
});

test('check, aborted before -> nothing is run', async () => {
  const commands: Command[] = [];
  const reason = new Error('superseded');
  await assert.rejects(checkConfiguration(finishing({}, commands), A, AbortSignal.abort(reason)), reason);
  assert.deepEqual(commands, []);
});

test('check, of keywords that HAProxy is not shown -> a warning each, with line and reason', async () => {
  const text = 'global\n    nbproc 2\n    master-worker\nlisten web\n    bind :80\n    grace 5s\n';
  const warnings = await checkCandidate(finishing({}), {...A, text});
  assert.deepEqual(
    warnings.map(warning => warning.split(': ')[0]),
    ['nbproc 2 is ignored', 'master-worker in line 3 is ignored', 'grace in line 6 is ignored'],
  );
});

describe('check, real HAProxy', {skip: missing('haproxy')}, () => {
  const verdictOn = async (...texts: string[]): Promise<string[]> => {
    const folder = await mkdtemp(join(tmpdir(), 'kontrol-check-'));
    try {
      const files = texts.map((_, index) => join(folder, `${index}.cfg`));
      for (const [index, file] of files.entries()) await writeFile(file, texts[index] ?? '');
      return await checkConfiguration(
        {spawn: systemSpawn, haproxy: haproxyBinary},
        {files, configuration: files[0] ?? ''},
      );
    } finally {
      await rm(folder, {recursive: true});
    }
  };
  const control = 'global\n    stats socket /tmp/kontrol-check.sock mode 600 level admin\n';

  test('its version -> is read', async () => {
    assert.match((await loadVersion({spawn: systemSpawn, haproxy: haproxyBinary})).text, /^\d+\.\d+/);
  });

  test('missing timeouts -> accepted with a warning', async () => {
    const warnings = await verdictOn('listen web\n    bind :18080\n');
    assert.ok(warnings.some(warning => /missing timeouts/.test(warning)));
  });

  test('unknown word -> refused, naming file and line', async () => {
    await assert.rejects(verdictOn('listen web\n    bind :18080\n    bogus\n', control), {
      code: 'VALIDATE',
      message: /^cannot validate .*0\.cfg: .*parsing \[.*0\.cfg:3\] : unknown keyword 'bogus'/,
    });
  });

  test('a section that takes a master-worker -> refused, in HAProxy’s own words, and what to do instead', {
    skip: !haproxyIsAtLeast(2, 0) && '`program` is of 2.0',
  }, async () => {
    const text = 'program beside\n    command /bin/true\nlisten web\n    bind :18080\n';
    await assert.rejects(verdictOn(text), {
      code: 'VALIDATE',
      message: /'program' section without .*lifecycle\.yml|'program' section is deprecated|unknown keyword 'program'/,
    });
  });

  test('nothing that listens -> refused, unless a control file adds a socket', async () => {
    await assert.rejects(verdictOn(''), {code: 'VALIDATE', message: /: it binds no port$/});
    assert.deepEqual(await verdictOn('', control), []);
  });
});
