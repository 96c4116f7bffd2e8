import assert from 'node:assert/strict';
import {readFile, stat} from 'node:fs/promises';
import {describe, test} from 'node:test';
import {startDaemon} from '../support/daemon.ts';
import {missing} from '../support/parts.ts';
import {machine} from '../support/place.ts';
import {openPodFolder, shell} from '../support/pod.ts';
import {isRunning, processesOf} from '../support/processes.ts';
import {waitFor} from '../support/wait.ts';
import {linesOf, manifestWith, RUN, startBench} from './scripted-daemon.ts';

const suite = {skip: missing('haproxy', 'socat'), timeout: 600_000};

/** Each look starts a process, and the machine may be busy. */
const PATIENT = {timeoutMs: 40_000};

const runsWith = (marker: string): number[] => processesOf(marker);

describe('shell blocks of a daemon', suite, () => {
  test('fault 8: a block that writes 10 MB -> finishes; another that writes without end is killed for a newer request', async () => {
    await using folder = await openPodFolder();
    const states = `
  - tag: loud
    next: ['*']
    shell: head -c 10000000 /dev/zero | tr '\\\\0' x | fold -w 1000; echo end > $POD/end
  - tag: endless
    next: ['*']
    shell: |
      yes & sleep 300 & echo $! > $POD/grandchild; wait
  - tag: calm
`;
    const {daemon, say} = await startBench(folder, manifestWith(RUN, states));
    await using _daemon = daemon;
    assert.equal(await say('WAIT loud'), 'OK');
    assert.deepEqual(await linesOf(folder.file('end')), ['end']);
    const endless = say('WAIT endless');
    const [pid] = await waitFor(async () => {
      const lines = await linesOf(folder.file('grandchild'));
      return lines.length > 0 && lines;
    }, 'the grandchild');
    assert.equal(await say('WAIT calm'), 'OK');
    assert.equal(await endless, 'KO');
    assert.ok(!isRunning(pid));
    assert.equal((await daemon.status())?.lifecycle.state, 'calm');
  });

  test('a state with force -> not killed; a state with a timeout -> killed in its time, WAIT answers KO', async () => {
    await using folder = await openPodFolder();
    const states = `
  - {tag: forced, force: true, next: ['*'], shell: 'until [ -e $POD/go ]; do sleep 0.1; done; echo end >> $POD/end'}
  - {tag: slow, timeout: 0.5, next: ['*'], shell: 'sleep 300'}
`;
    const {daemon, say, ctl} = await startBench(folder, manifestWith(RUN, states));
    await using _daemon = daemon;
    const forced = say('WAIT forced');
    await waitFor(async () => (await say('STATE')) === 'forced', 'the state');
    const next = say('WAIT configure');
    const asked = (await daemon.status())?.lifecycle.sinceMs ?? 0;
    await daemon.waitFor(({lifecycle}) => lifecycle.sinceMs > asked + 1500, 'more than the second that others get');
    await folder.write('go', '');
    assert.deepEqual([await forced, await next], ['OK', 'OK']);
    assert.deepEqual(await linesOf(folder.file('end')), ['end']);
    const slow = await ctl('WAIT slow');
    assert.deepEqual(slow, {
      code: 1,
      stdout: '',
      stderr: 'KO cannot finish state slow: it took longer than its timeout\n',
    });
    assert.equal(await say('WAIT configure'), 'OK');
  });

  test('hooks before and after a reload -> in their places; one that fails stops the pass before anything is applied', async () => {
    await using folder = await openPodFolder();
    const run = `
    run:
      - render
      - validate
      - shell: echo before >> $POD/hooks; [ ! -e $POD/veto ]
      - apply
      - shell: echo after >> $POD/hooks
`;
    const {daemon, say} = await startBench(folder, manifestWith(run));
    await using _daemon = daemon;
    assert.deepEqual(await linesOf(folder.file('hooks')), ['before', 'after']);
    await folder.write('veto', '');
    const before = (await daemon.status())?.proxy.generation;
    assert.equal(await say('WAIT configure {"web":["127.0.0.1"]}'), 'KO');
    assert.deepEqual(await linesOf(folder.file('hooks')), ['before', 'after', 'before']);
    assert.equal((await daemon.status())?.proxy.generation, before);
  });

  test('supervisorctl restart haproxy inside a block of configure -> neither loops nor deadlocks', async () => {
    await using folder = await openPodFolder();
    const configure = `${RUN}    shell: echo run >> $POD/runs; supervisorctl restart haproxy\n`;
    const {daemon, say} = await startBench(folder, manifestWith(configure));
    await using _daemon = daemon;
    assert.deepEqual(await linesOf(folder.file('runs')), ['run']);
    assert.equal(await say('WAIT configure'), 'OK');
    assert.deepEqual(await linesOf(folder.file('runs')), ['run', 'run']);
    assert.equal((await daemon.status())?.proxy.generation, 3);
  });

  test('a block that waits for its own state -> ended and said so, no loop; one that says GOTO -> ended, and obeyed', async () => {
    await using folder = await openPodFolder();
    const state = `
  - tag: narcissus
    next: ['*']
    shell: echo run >> $POD/runs; echo WAIT narcissus | socat -t 60 - $SOCKET
  - tag: leading
    next: ['*']
    shell: haproxy-kontrol ctl GOTO led from inside; echo never >> $POD/runs
  - tag: led
    next: ['*']
    shell: echo "led $INPUT" >> $POD/runs
`;
    const {daemon, say, ctl} = await startBench(folder, manifestWith(RUN, state));
    await using _daemon = daemon;
    const waited = await ctl('WAIT narcissus');
    assert.deepEqual(
      [waited.code, waited.stderr],
      [1, 'KO cannot finish state narcissus: its own block waited for state narcissus, which can only follow it\n'],
    );
    assert.equal(await say('WAIT configure'), 'OK');
    assert.equal(await say('WAIT leading'), 'OK');
    await waitFor(async () => (await linesOf(folder.file('runs'))).length > 1, 'the state that the block asked for');
    assert.deepEqual(await linesOf(folder.file('runs')), ['run', 'led from inside']);
  });
});

describe('callback of a daemon', suite, () => {
  test('a callback of 2017 that does WAIT configure itself -> once per digest, no loop, no deadlock; STATE survives a restart', async () => {
    await using folder = await openPodFolder();
    const callback = await folder.write(
      'callback',
      `#!/bin/sh
echo "$MD5 $HASH $(printenv STATE || echo absent)" >> $POD/calls
printf '%s' "$PODS" > $POD/pods
echo 'WAIT configure {"web":["127.0.0.7"]}' | socat -t 60 - $KONTROL_SOCKET >> $POD/answers
echo >> $POD/answers
echo "{\\"calls\\": $(wc -l < $POD/calls)}"
`,
      0o755,
    );
    const {daemon} = await startBench(folder, undefined, {KONTROL_CALLBACK: callback});
    const ended = (count: number) =>
      waitFor(() => daemon.logs.filter(({msg}) => msg === 'callback ended').length >= count, `${count} callbacks`);
    {
      await using first = daemon;
      await ended(1);
      await first.ping({ip: '127.0.0.1'});
      await ended(2);
      const md5 = JSON.parse((await first.getMaster('/state'))?.body ?? '').md5;
      assert.deepEqual(await linesOf(folder.file('answers')), ['OK', 'OK']);
      const calls = (await linesOf(folder.file('calls'))).map(line => line.split(' '));
      assert.equal(calls.length, 2);
      assert.deepEqual(
        calls.map(([one, other]) => one === other),
        [true, true],
      );
      assert.deepEqual(
        calls.map(([, , ...state]) => state.join(' ')),
        ['absent', '{"calls": 1}'],
      );
      assert.notEqual(md5, calls[1]?.[0], 'the hosts that the callback asked for are applied');
      const pods = JSON.parse(await readFile(folder.file('pods'), 'utf8'));
      assert.deepEqual(
        pods.map(({ip, app}: {ip: string; app: string}) => [ip, app]),
        [['127.0.0.1', 'web']],
      );
      await using again = await startDaemon({
        template: 'frontend f\n  bind 127.0.0.1:1\n',
        env: {...folder.env, POD: folder.path, KONTROL_CALLBACK: callback},
        dataFolder: await copyOf(first.dataFolder, folder.file('data')),
      });
      await waitFor(async () => (await linesOf(folder.file('calls'))).length >= 3, 'a call of the daemon after it');
      assert.match((await linesOf(folder.file('calls')))[2] ?? '', / \{"calls": 2\}$/);
      again.signal('SIGKILL');
    }
  });

  test('fault 6: a callback that fails -> tried again until it succeeds', async () => {
    await using folder = await openPodFolder();
    const callback = 'echo call >> $POD/calls; [ $(wc -l < $POD/calls) -ge 3 ]';
    const {daemon} = await startBench(folder, undefined, {KONTROL_CALLBACK: callback});
    await using _daemon = daemon;
    await waitFor(() => daemon.logs.some(({msg}) => msg === 'callback ended'), 'its success', {timeoutMs: 20_000});
    assert.equal((await linesOf(folder.file('calls'))).length, 3);
  });
});

const copyOf = async (from: string, to: string): Promise<string> => {
  await shell(`mkdir ${to} && cp ${from}/callback-state.json ${to}/`);
  return to;
};

describe('jobs of a daemon', suite, () => {
  test('telegraf, installed -> its file is written, it runs; left by a killed daemon it is ended, never doubled', async () => {
    await using folder = await openPodFolder();
    await folder.write('telegraf', '#!/bin/sh\necho telegraf "$@" >> $POD/starts\nexec sleep 300\n', 0o755);
    const env = {
      KONTROL_ANNOTATIONS: JSON.stringify({'kontrol.unity3d.com/opentsdb': 'tsdb.example.info'}),
      KONTROL_LABELS: '{"app":"haproxy","role":"balancer"}',
      MARKER: `${folder.path}/marker`,
    };
    const {daemon, ctl} = await startBench(folder, undefined, env);
    const sleepers = () => runsWith(`${folder.path}/marker`).filter(pid => pid !== daemon.pid);
    const status = async () => (await ctl('status telegraf')).stdout;
    await waitFor(async () => /telegraf +RUNNING +pid \d+/.test(await status()), 'a running telegraf', PATIENT);
    const path = folder.file('telegraf.conf');
    assert.deepEqual(await linesOf(folder.file('starts')), [`telegraf --config ${path}`]);
    assert.equal((await stat(path)).mode & 0o777, 0o640);
    assert.match(await readFile(path, 'utf8'), /host = "tcp:\/\/tsdb\.example\.info"/);
    const pid = Number(/pid (\d+)/.exec(await status())?.[1]);
    assert.ok(sleepers().includes(pid));

    daemon.signal('SIGKILL');
    await daemon.exited;
    assert.ok(sleepers().includes(pid), 'it outlived the daemon');
    await using again = await startDaemon({
      template: `frontend f\n  bind 127.0.0.1:1\n`,
      dataFolder: daemon.dataFolder,
      env: {...folder.env, ...env, POD: folder.path, KONTROL_TELEGRAF_CONF: path},
    });
    await waitFor(async () => (await linesOf(folder.file('starts'))).length === 2, 'the second start', PATIENT);
    assert.ok(!isRunning(pid));
    again.signal('SIGTERM');
    await again.exited;
    assert.deepEqual(
      sleepers().filter(one => one !== again.pid),
      [],
    );
    await using _folder = daemon;
  });

  test('telegraf, not installed -> one warning, and everything else goes on', async () => {
    await using folder = await openPodFolder();
    const {daemon, say} = await startBench(folder, undefined, {
      KONTROL_ANNOTATIONS: JSON.stringify({'kontrol.unity3d.com/opentsdb': 'tsdb'}),
    });
    await using _daemon = daemon;
    assert.equal(await say('WAIT configure {"web":["127.0.0.1"]}'), 'OK');
    const warnings = daemon.logs.filter(({room, level}) => room === 'jobs' && Number(level) >= 40);
    assert.deepEqual(
      warnings.map(({msg, job}) => [msg, job]),
      [['job is not started', 'telegraf']],
    );
  });

  test('a job of the manifest -> started after setup, restarted when it dies, stopped with the daemon; tail shows its words', async () => {
    await using folder = await openPodFolder();
    const jobs = `
jobs:
  - name: beat
    command: sh -c 'echo beating; echo start >> $POD/starts; exec sleep 301'
    startsecs: 0.2
    autorestart: true
`;
    const {daemon, ctl} = await startBench(folder, `${manifestWith(RUN)}${jobs}`);
    await using _daemon = daemon;
    const pidOf = async () => /beat +RUNNING +pid (\d+)/.exec((await ctl('status')).stdout)?.[1];
    const pid = await waitFor(pidOf, 'the job', PATIENT);
    process.kill(Number(pid), 'SIGKILL');
    const next = await waitFor(
      async () => {
        const now = await pidOf();
        return now !== pid && now;
      },
      'its successor',
      PATIENT,
    );
    assert.equal((await linesOf(folder.file('starts'))).length, 2);
    assert.equal((await ctl('tail beat')).stdout, 'beating\nbeating\n');
    assert.equal((await ctl('restart beat')).stdout, 'beat: stopped\nbeat: started\n');
    assert.ok(!isRunning(next));
    const last = await waitFor(pidOf, 'the job', PATIENT);
    daemon.signal('SIGTERM');
    assert.equal((await daemon.exited).code, 0);
    assert.ok(!isRunning(last));
  });
});

describe('PUT /script of a daemon', suite, () => {
  const put = async (port: number, body: string, token?: string) => {
    const head = [
      'PUT /script HTTP/1.0',
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    ];
    const segments = [`${head.join('\r\n')}\r\n\r\n${body}`];
    const outcome = await machine.exchange({host: '127.0.0.1', port, segments, timeoutMs: 10_000});
    return outcome.is === 'answered' ? [outcome.answer.status, outcome.answer.body] : [outcome.kind];
  };

  test('fault 7: nobody without the token runs anything; switched on, its stdout is the answer and the log has a line', async () => {
    await using folder = await openPodFolder();
    const tokenFile = await folder.write('token', 'hush\n');
    const {daemon} = await startBench(folder, undefined, {KONTROL_SCRIPT: 'on', KONTROL_TOKEN_FILE: tokenFile});
    await using _daemon = daemon;
    const body = '{"cmd": "echo \\"$INPUT\\"; echo $KONTROL_LABELS"}';
    assert.deepEqual(await put(daemon.port, body, 'hush'), [200, `${body}\n{"app":"haproxy","role":"balancer"}\n`]);
    assert.equal((await put(daemon.port, body))[0], 401);
    assert.equal((await put(daemon.port, body, 'hus'))[0], 401);
    assert.equal((await put(daemon.port, '{"cmd": "exit 3"}', 'hush'))[0], 500);
    assert.equal((await put(daemon.port, 'nonsense', 'hush'))[0], 400);
    const audit = () => daemon.logs.filter(({msg}) => msg === 'command over HTTP').map(({status}) => status);
    await waitFor(() => audit().length >= 5, 'a line for each');
    assert.deepEqual(audit(), [200, 401, 401, 500, 400]);
  });

  test('fault 7: as it comes -> 403', async () => {
    await using folder = await openPodFolder();
    const {daemon} = await startBench(folder);
    await using _daemon = daemon;
    assert.equal((await put(daemon.port, '{"cmd": "id"}', 'x'))[0], 403);
  });
});
