import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {DaemonError} from '../../src/errors.ts';
import type {JobHandle} from '../../src/jobs/handle.ts';
import {createControl} from '../../src/lifecycle/control.ts';
import type {VisitRequest} from '../../src/lifecycle/lifecycle.ts';
import {createBlockVariables} from '../../src/lifecycle/variables.ts';
import {openLogSink} from '../members/fixtures.ts';

const jobOf = (name: string, state: string, ok = true): JobHandle => ({
  name,
  start: async () => ({ok, text: ok ? 'started' : 'ERROR (spawn error)'}),
  stop: async () => ({ok: true, text: 'stopped'}),
  restart: async () => ({ok, text: ok ? 'started' : 'ERROR (spawn error)'}),
  status: () => ({state, description: state === 'RUNNING' ? 'pid 17, uptime 0:01:02' : 'Not running'}),
  tail: () => ['one', 'two'],
});

function openBench() {
  const {log, lines} = openLogSink();
  const asked: [string, VisitRequest][] = [];
  const entered = Promise.withResolvers<void>();
  const over = Promise.withResolvers<unknown>();
  const variables = createBlockVariables();
  const blamed: unknown[] = [];
  let stops = 0;
  let fault: Error | undefined;
  const answer = createControl({
    log,
    lifecycle: {
      state: {tag: 'configure', sinceMs: 5},
      async goTo(tag, request) {
        asked.push([tag, request]);
        if (fault !== undefined) throw fault;
      },
      ending: {entered: entered.promise, over: over.promise},
      blame: reason => blamed.push(reason),
    },
    terminal: 'stop',
    variables,
    jobs: [jobOf('haproxy', 'RUNNING'), jobOf('telegraf', 'STOPPED', false)],
    hideSecrets: said => said.replaceAll('hunter2', '***'),
    requestStop: () => {
      stops += 1;
    },
  });
  return {
    say: (text: string) => answer(Buffer.from(text), async () => false),
    asked,
    entered,
    over,
    variables,
    lines,
    blamed,
    stops: () => stops,
    failWith: (error: Error) => {
      fault = error;
    },
  };
}

describe('control', () => {
  test('the answers of 2017 -> byte for byte, without a line end', async () => {
    const {say, asked, variables} = openBench();
    assert.equal(await say('STATE\n'), 'configure');
    assert.equal(await say('GOTO expose x y\n'), 'OK');
    assert.equal(await say('WAIT configure\n'), 'OK');
    assert.equal(await say('SET A b\n'), 'OK');
    assert.equal(await say('nonsense'), 'KO');
    assert.deepEqual(
      asked.map(([tag, {cause, origin, input, until}]) => [tag, cause, origin, String(input), until]),
      [
        ['expose', 'socket: GOTO expose x y', 'socket', 'x y', 'entered'],
        ['configure', 'socket: WAIT configure', 'socket', '', 'finished'],
      ],
    );
    assert.deepEqual(variables.all(), {A: 'b'});
  });

  test('refused -> KO; with the reason for whoever asks for it', async () => {
    const {say, failWith, lines} = openBench();
    failWith(new DaemonError('LIFECYCLE', 'cannot finish state configure: no'));
    assert.equal(await say('WAIT configure'), 'KO');
    assert.equal(await say('?WAIT configure'), 'KO cannot finish state configure: no');
    assert.equal(await say('?SET X'), 'OK');
    assert.match(await say('?SET 1'), /^KO SET takes the name of a variable/);
    assert.ok(lines.some(({reason}) => reason === 'cannot finish state configure: no'));
    failWith(new DaemonError('LIFECYCLE', "cannot validate: found 'hunter2'"));
    assert.equal(await say('?WAIT configure'), "KO cannot validate: found '***'");
  });

  test('a long input -> shown short in the cause', async () => {
    const {say, asked} = openBench();
    await say(`WAIT configure ${'x'.repeat(1000)}`);
    assert.ok((asked[0]?.[1].cause.length ?? 0) < 120);
  });

  test('the terminal state -> a stop of the daemon: GOTO answers when it is entered, WAIT when it is over', async () => {
    const {say, asked, entered, over, stops} = openBench();
    const [goTo, wait] = [say('GOTO stop'), say('WAIT stop')];
    assert.deepEqual([asked, stops()], [[], 2]);
    entered.resolve();
    assert.equal(await goTo, 'OK');
    over.resolve(undefined);
    assert.equal(await wait, 'OK');
    assert.equal(await say('DIE'), 'OK');
    assert.equal(stops(), 3);
  });

  test('the terminal state failed -> WAIT for it answers KO', async () => {
    const {say, entered, over} = openBench();
    entered.resolve();
    over.resolve(new DaemonError('LIFECYCLE', 'not drained'));
    assert.equal(await say('WAIT stop'), 'KO');
  });

  test('job commands -> what supervisorctl prints, after OK or KO', async () => {
    const {say} = openBench();
    for (const name of ['haproxy', 'haproxy:haproxy', 'haproxy:*', 'haproxy:']) {
      assert.equal(await say(`JOB start ${name}`), 'OK\nhaproxy: started');
    }
    assert.equal(await say('JOB restart all'), 'KO\nhaproxy: started\ntelegraf: ERROR (spawn error)');
    assert.equal(await say('JOB stop nginx'), 'KO\nnginx: ERROR (no such process)');
    assert.equal(await say('JOB tail haproxy'), 'OK\none\ntwo');
    assert.equal(
      await say('JOB status'),
      'OK\nhaproxy                          RUNNING   pid 17, uptime 0:01:02\ntelegraf                         STOPPED   Not running',
    );
    assert.equal(await say('?JOB start'), 'KO start takes the name of a job, one of haproxy, telegraf');
  });
});
