import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {DaemonError, StartRefused} from '../../src/errors.ts';
import type {Job} from '../../src/jobs/job.ts';
import {superviseJob} from '../../src/jobs/supervisor.ts';
import type {Command, Exit, OnLine, OwnChild} from '../../src/ports/spawn.ts';
import {pathsOf, START_BESIDE} from '../../src/reload/files.ts';
import {
  createGeneration,
  END,
  type GenerationPorts,
  hasProcess,
  TERMINATE,
  writeGeneration,
} from '../../src/reload/generation.ts';
import {nothingInherited} from '../../src/reload/inherited-sockets.ts';
import {createMemoryFiles, openLogSink} from '../members/fixtures.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {systemError} from '../support/system-error.ts';

const TEXT = 'frontend f\n  bind 127.0.0.1:80\n';
const PATHS = pathsOf('/data', 1);
const OWN = ['-db', '-f', PATHS.configuration, '-f', PATHS.control];

/** A generation whose processes answer and, unless they are deaf, end when they are told to. */
function open(ports: Partial<GenerationPorts> = {}) {
  const clock = createFakeClock();
  const {log} = openLogSink();
  const started: {command: Command; say: OnLine; end: (exit?: Partial<Exit>) => void; signals: string[]}[] = [];
  const [jobs, said, restored]: [string[], unknown[], string[]] = [[], [], []];
  const state = {answers: true, isDeaf: false};
  const generation = createGeneration(
    {number: 1, text: TEXT, paths: PATHS, inheritance: nothingInherited},
    {
      clock,
      files: createMemoryFiles().files,
      log,
      haproxy: 'haproxy',
      supervise: superviseJob,
      spawn: {
        async start(command, say): Promise<OwnChild> {
          const {promise: exited, resolve} = Promise.withResolvers<Exit>();
          const end = (exit: Partial<Exit> = {}) => resolve({code: undefined, signal: undefined, ...exit});
          const signals: string[] = [];
          started.push({command, say, end, signals});
          const kill = (signal: NodeJS.Signals) => {
            signals.push(signal);
            if (!state.isDeaf) end({signal});
            return true;
          };
          return {pid: 100 + started.length, exited, kill, killGroup: () => false};
        },
        run: () => Promise.reject(new Error('not used')),
      },
      async ask(socket, command) {
        assert.deepEqual([socket, command], [PATHS.socket, 'show info']);
        if (!state.answers) throw systemError('ENOENT');
        return `Pid: ${100 + started.length}`;
      },
      pidIn: answer => Number(answer.slice('Pid: '.length)),
      onOutput: (...output) => said.push(output),
      onLaunch: () => {},
      onChange: ({number}, {is}) => jobs.push(`${number} ${is}`),
      descriptors: () => [],
      restore: async ({text}) => void restored.push(text),
      readyWithinMs: 1000,
      ...ports,
    },
  );
  /** Starts it and lets it come up. */
  const start = async () => {
    const starting = generation.start(START_BESIDE);
    await clock.advance(0);
    await starting;
  };
  return {clock, generation, jobs, restored, said, start, started, state};
}

describe('the start of a generation', () => {
  test('it answers with its own PID -> started on its files, which are not restored', async () => {
    const {generation, jobs, restored, start, started} = open();
    await start();
    assert.deepEqual(jobs, ['1 STARTING', '1 RUNNING']);
    assert.deepEqual(
      started.map(({command}) => command),
      [{file: 'haproxy', args: OWN, descriptors: []}],
    );
    assert.deepEqual([generation.text, restored], [TEXT, []]);
  });

  test('another answers on its socket -> not ready before it does itself, asked every 5 ms', async () => {
    let asked = 0;
    const {clock, generation} = open({ask: async () => `Pid: ${++asked < 3 ? 99 : 101}`});
    const starting = generation.start(START_BESIDE);
    await clock.advance(9);
    assert.deepEqual([generation.supervisor.job.is, asked], ['STARTING', 2]);
    await clock.advance(1);
    await starting;
    assert.deepEqual([generation.supervisor.job.is, asked], ['RUNNING', 3]);
  });

  test('options -> for this start alone; a log target comes first', async () => {
    const {clock, generation, started} = open({logFileFor: async () => '/data/log.cfg'});
    const starting = generation.start({finish: [7], transferFrom: '/data/run/0.sock'});
    await clock.advance(0);
    await starting;
    started[0]?.end({code: 1});
    await clock.advance(0);
    const withLog = ['-db', '-f', '/data/log.cfg', ...OWN.slice(1)];
    assert.deepEqual(
      started.map(({command}) => command.args),
      [[...withLog, '-x', '/data/run/0.sock', '-sf', '7'], withLog],
    );
  });

  for (const [name, exit, Fault, message] of [
    ['ends with a code', {code: 1}, StartRefused, 'cannot start HAProxy: exit code 1: no room'],
    ['is ended', {signal: 'SIGKILL'}, DaemonError, 'cannot start HAProxy: SIGKILL: no room'],
    ['ends unseen', {}, DaemonError, 'cannot start HAProxy: exit code none: no room'],
  ] as const) {
    test(`it ${name} -> rejected with its first alert, once; what it wrote last is the detail`, async () => {
      const {clock, generation, said, started, state} = open();
      state.answers = false;
      const failed = assert.rejects(generation.start(START_BESIDE), error => {
        assert.ok(error instanceof DaemonError);
        assert.deepEqual([error.constructor, error.code, error.message], [Fault, 'APPLY', message]);
        const lines = (error.detail ?? '').split('\n');
        assert.deepEqual([lines.length, lines[0], lines.at(-1)], [20, 'line 2', '[ALERT]    (101) : no room']);
        return true;
      });
      await clock.advance(0);
      for (let line = 0; line < 21; line += 1) started[0]?.say(`line ${line}`, 'stderr');
      started[0]?.say('[ALERT]    (101) : no room', 'stderr');
      assert.deepEqual(said.at(-1), [1, 101, '[ALERT]    (101) : no room', 'stderr']);
      started[0]?.end(exit);
      await clock.advance(1000);
      await failed;
      assert.deepEqual([started.length, generation.supervisor.job.is], [1, 'FATAL']);
    });
  }

  test('it writes nothing, or no alert -> says so, or its first line', async () => {
    for (const [lines, reason] of [
      [[], 'it wrote nothing'],
      [['one', 'two'], 'one'],
    ] as const) {
      const {clock, generation, started, state} = open();
      state.answers = false;
      const failed = assert.rejects(generation.start(START_BESIDE), {
        message: `cannot start HAProxy: exit code 1: ${reason}`,
      });
      await clock.advance(0);
      for (const line of lines) started[0]?.say(line, 'stderr');
      started[0]?.end({code: 1});
      await clock.advance(0);
      await failed;
    }
  });
});

describe('the end of a generation', () => {
  test('again and again -> started anew after 0, 100, 500, 2000 and 5000 ms, then no more', async () => {
    const {clock, generation, restored, start, started, state} = open();
    await start();
    generation.runsNow(`${TEXT}# two\n`);
    state.answers = false;
    const waits: number[] = [];
    for (let deaths = 1; deaths <= 5; deaths += 1) {
      started.at(-1)?.end({code: 1});
      await clock.advance(0);
      const {job} = generation.supervisor;
      const waitMs = job.is === 'BACKOFF' ? job.untilMs - clock.nowMs() : 0;
      waits.push(waitMs);
      await clock.advance(waitMs);
      assert.equal(started.length, deaths + 1);
    }
    assert.deepEqual(waits, [0, 100, 500, 2000, 5000]);
    assert.deepEqual(
      restored,
      Array.from({length: 5}, () => `${TEXT}# two\n`),
    );
    started.at(-1)?.end({code: 1});
    await clock.advance(60_000);
    assert.deepEqual([started.length, generation.supervisor.job.is], [6, 'FATAL']);
  });

  for (const [aliveMs, failures] of [
    [9999, 2],
    [10_000, 1],
  ] as const) {
    test(`it has served for ${aliveMs} ms since it died -> its next death is number ${failures}`, async () => {
      const {clock, generation, start, started} = open();
      await start();
      started[0]?.end({code: 1});
      await clock.advance(0);
      assert.equal(generation.supervisor.job.is, 'RUNNING');
      await clock.advance(aliveMs);
      started[1]?.end({code: 1});
      await clock.advance(0);
      const {job} = generation.supervisor;
      assert.equal('failures' in job && job.failures, failures);
    });
  }

  test('a successor is awaited -> left alone; that one fails -> started anew at once', async () => {
    const {clock, generation, start, started} = open();
    await start();
    generation.expectSuccessor();
    started[0]?.end({code: 0});
    await clock.advance(1000);
    assert.deepEqual([generation.supervisor.job.is, started.length], ['BACKOFF', 1]);
    generation.serveOn();
    await clock.advance(0);
    assert.deepEqual([generation.supervisor.job.is, started.length], ['RUNNING', 2]);
  });

  test('nobody says what became of the successor -> started anew after two minutes', async () => {
    const {clock, generation, start, started} = open();
    await start();
    generation.expectSuccessor();
    started[0]?.end({code: 0});
    await clock.advance(119_999);
    assert.equal(started.length, 1);
    await clock.advance(1);
    assert.equal(started.length, 2);
  });

  for (const [name, ladder, graceMs] of [
    ['whatever its connections', TERMINATE, 5000],
    ['it hangs', END, 250],
  ] as const) {
    test(`ended, ${name} -> killed where it has not obeyed for ${graceMs} ms`, async () => {
      const {clock, generation, start, started, state} = open();
      await start();
      state.isDeaf = true;
      generation.supervisor.stop(ladder);
      await clock.advance(graceMs - 1);
      assert.deepEqual(started[0]?.signals, ['SIGTERM']);
      await clock.advance(1);
      assert.deepEqual(started[0]?.signals, ['SIGTERM', 'SIGKILL']);
    });
  }

  test('the successor fails while it still runs -> it goes on, its next death is answered at once', async () => {
    const {clock, generation, start, started} = open();
    await start();
    generation.expectSuccessor();
    generation.serveOn();
    await clock.advance(0);
    assert.deepEqual([generation.supervisor.job.is, started.length, started[0]?.signals], ['RUNNING', 1, []]);
    started[0]?.end({code: 1});
    await clock.advance(0);
    assert.equal(started.length, 2);
  });
});

test('jobs that have a process -> those that start, run or stop', () => {
  const all: Job['is'][] = ['STOPPED', 'STARTING', 'RUNNING', 'BACKOFF', 'STOPPING', 'EXITED', 'FATAL'];
  assert.deepEqual(
    all.filter(is => hasProcess({is} as Job)),
    ['STARTING', 'RUNNING', 'STOPPING'],
  );
});

describe('the files of a generation', () => {
  const CONTROL = {
    exposesListeners: false,
    hardStopAfterMs: undefined,
    statsTimeoutIsSet: true,
    statsMaxconn: undefined,
    stateFile: undefined,
  };

  test('written -> for its owner alone; no copy where HAProxy reads the text as it is', async () => {
    const {files, modes} = createMemoryFiles();
    await writeGeneration(files, PATHS, TEXT, CONTROL);
    assert.deepEqual(Object.fromEntries(modes), {[PATHS.configuration]: 0o600, [PATHS.control]: 0o600});
  });

  for (const [code, advice] of [
    ['ENOSPC', '; make room in KONTROL_DATA'],
    ['EIO', ''],
  ] as const) {
    test(`${code} -> rejected with APPLY${advice === '' ? '' : ' and what to do'}`, async () => {
      const memory = createMemoryFiles();
      memory.failWith(Object.assign(new Error(code), {code}));
      await assert.rejects(writeGeneration(memory.files, PATHS, TEXT, CONTROL), {
        code: 'APPLY',
        message: `cannot write ${PATHS.configuration}: ${code}${advice}`,
      });
    });
  }
});
