import assert from 'node:assert/strict';
import {readFile, stat} from 'node:fs/promises';
import {connect} from 'node:net';
import {describe, test} from 'node:test';
import {startBackends} from '../support/backend.ts';
import {startDaemon} from '../support/daemon.ts';
import {missing} from '../support/parts.ts';
import {machine} from '../support/place.ts';
import {openPodFolder, shell} from '../support/pod.ts';
import {waitFor} from '../support/wait.ts';
import {answerOf, manifestWith, RUN, startBench} from './scripted-daemon.ts';

const suite = {skip: missing('haproxy', 'socat'), timeout: 120_000};

describe('control socket of a daemon', suite, () => {
  test('WAIT configure with hosts -> OK only once they serve; the table wins at its next change', async () => {
    await using folder = await openPodFolder();
    const {daemon, webPort, podPort, say} = await startBench(folder);
    await using _daemon = daemon;
    await using _backends = await startBackends([{name: 'pod', host: '127.0.0.1', port: podPort}], machine);
    assert.equal(await answerOf(webPort), '503');
    assert.equal(await say('WAIT configure {"web":["127.0.0.1"]}\n'), 'OK');
    assert.equal(await answerOf(webPort), '200');
    const status = await daemon.status();
    assert.equal(status?.reload.last?.cause, 'socket: WAIT configure {"web":["127.0.0.1"]}');
    assert.deepEqual(JSON.parse((await daemon.getMaster('/state'))?.body ?? '').hosts, {web: ['127.0.0.1']});

    await daemon.ping({ip: '127.0.0.1', app: 'api'});
    await daemon.waitFor(({reload}) => reload.last?.cause === 'joined api 127.0.0.1', 'the pass of the table');
    assert.match((await daemon.get('/config'))?.body ?? '', /server api-1/);
  });

  test('fault 4: WAIT configure with what HAProxy refuses -> KO, the old configuration serves on', async () => {
    await using folder = await openPodFolder();
    const {daemon, webPort, say, ctl} = await startBench(folder);
    await using _daemon = daemon;
    const before = (await daemon.status())?.proxy.generation;
    assert.equal(await say('WAIT configure {"broken":["127.0.0.1"]}\n'), 'KO');
    const status = await daemon.status();
    assert.deepEqual([status?.inSync, status?.proxy.generation, await answerOf(webPort)], [false, before, '503']);
    assert.match(status?.lastError ?? '', /unknown keyword 'nonsense'/);
    assert.match(await readFile(`${daemon.dataFolder}/proxy.cfg`, 'utf8'), /backend b/);
    assert.doesNotMatch(await readFile(`${daemon.dataFolder}/proxy.cfg`, 'utf8'), /nonsense/);
    assert.equal(await say('WAIT configure {"web":["not an address"]}'), 'KO');
    const explained = await ctl(`WAIT configure '{"web":["10.0.0.300"]}'`);
    assert.deepEqual(
      [explained.code, explained.stderr],
      [1, 'KO cannot use INPUT as hosts: "10.0.0.300" of web is not an IP address\n'],
    );
    assert.equal(await say('WAIT configure some words for the blocks alone'), 'OK');
  });

  test('restart haproxy -> a hand-changed proxy.cfg is the candidate; refused, the good text is restored', async () => {
    await using folder = await openPodFolder();
    const {daemon, webPort, podPort, ctl} = await startBench(folder);
    await using _daemon = daemon;
    await using _backends = await startBackends([{name: 'pod', host: '127.0.0.1', port: podPort}], machine);
    const committed = `${daemon.dataFolder}/proxy.cfg`;
    const good = await readFile(committed, 'utf8');
    await shell(`printf '  server by-hand 127.0.0.1:${podPort}\\n' >> ${committed}`);
    assert.deepEqual(await ctl('restart haproxy'), {code: 0, stdout: 'haproxy: started\n', stderr: ''});
    assert.equal(await answerOf(webPort), '200');
    const changed = await readFile(committed, 'utf8');
    assert.match(changed, /by-hand/);
    await shell(`printf '  nonsense\\n' >> ${committed}`);
    const refused = await ctl('restart haproxy');
    assert.equal(refused.code, 1);
    assert.match(refused.stdout, /^haproxy: ERROR \(cannot validate .*unknown keyword 'nonsense'/);
    assert.equal(await readFile(committed, 'utf8'), changed);
    assert.equal(await answerOf(webPort), '200');
    await daemon.ping({ip: '127.0.0.1', app: 'api'});
    await daemon.waitFor(({reload}) => reload.last?.cause === 'joined api 127.0.0.1', 'the pass of the table');
    assert.equal((await readFile(committed, 'utf8')).replace(/\n.*server api.*/, ''), good);
  });

  test('fault 8: SET -> answered; the variables reach the blocks, as do INPUT, INPUT_FILE and SOCKET', async () => {
    await using folder = await openPodFolder();
    const state = '  - tag: show\n    next: ["*"]\n    shell: cp "$INPUT_FILE" $POD/input; env > $POD/env\n';
    const {daemon, say, socket} = await startBench(folder, manifestWith(RUN, state));
    await using _daemon = daemon;
    assert.equal(await say('SET COLOUR dark  green\n'), 'OK');
    assert.equal(await say('SET no-name x'), 'KO');
    assert.equal(await say('SET INPUT x'), 'KO');
    const input = '  $(verbatim) "quoted"\nsecond line \\';
    assert.equal(await say(`WAIT show ${input}\n`), 'OK');
    const env = await readFile(folder.file('env'), 'utf8');
    assert.match(env, /^COLOUR=dark {2}green$/m);
    assert.ok(env.includes(`INPUT=${input}\n`), env);
    assert.ok(env.includes(`SOCKET=${socket}\n`));
    assert.match(env, /^KONTROL_LABELS=\{"app":"haproxy","role":"balancer"\}$/m);
    assert.equal(await readFile(folder.file('input'), 'utf8'), input);
    const large = 'x'.repeat(200_000);
    assert.equal(await say(`WAIT show ${large}`), 'OK');
    assert.equal(await readFile(folder.file('input'), 'utf8'), large);
    assert.doesNotMatch(await readFile(folder.file('env'), 'utf8'), /^INPUT=/m);
  });

  test('fault 8: a client that keeps its side open -> nobody else waits, and its own command runs after its newline', async () => {
    await using folder = await openPodFolder();
    const {daemon, say, socket} = await startBench(folder);
    await using _daemon = daemon;
    const silent = connect(socket);
    const answers: string[] = [];
    const open = connect(socket, () => open.write('STATE\n'));
    open.on('data', chunk => answers.push(String(chunk)));
    try {
      assert.equal(await say('STATE\n'), 'configure');
      await waitFor(() => answers.join('') === 'configure', 'the answer without an end of input');
    } finally {
      silent.destroy();
      open.destroy();
    }
  });

  test('netcat, half-closing or not -> answered like socat', {skip: missing('nc')}, async () => {
    await using folder = await openPodFolder();
    const {daemon, socket} = await startBench(folder);
    await using _daemon = daemon;
    assert.equal((await shell(`echo STATE | nc -U -N ${socket}`)).stdout, 'configure');
    assert.equal((await shell(`printf STATE | nc -U -N ${socket}`)).stdout, 'configure');
    assert.equal((await shell(`(echo STATE; sleep 2) | nc -U ${socket}`)).stdout, 'configure');
  });

  test('many clients with 64 KiB inputs at once -> every one is answered', async () => {
    await using folder = await openPodFolder();
    const {daemon, say, socket} = await startBench(
      folder,
      manifestWith(RUN, '  - tag: calm\n    next: ["*"]\n    force: true\n'),
    );
    await using _daemon = daemon;
    assert.equal(await say('WAIT calm'), 'OK');
    const input = 'y'.repeat(64 << 10);
    const ask = (command: string) =>
      new Promise<string>((resolve, reject) => {
        let answer = '';
        const client = connect(socket, () => client.end(command));
        client.on('data', chunk => {
          answer += chunk;
        });
        client.once('error', reject);
        client.once('close', () => resolve(answer));
      });
    const commands = Array.from({length: 200}, (_, index) =>
      index % 3 === 0 ? 'STATE' : index % 3 === 1 ? `SET V${index} ${input.slice(0, 100)}` : `WAIT calm ${input}`,
    );
    const answers = await Promise.all(commands.map(ask));
    assert.deepEqual(
      answers.filter((_, index) => index % 3 === 0).filter(answer => answer !== 'calm'),
      [],
    );
    assert.deepEqual([...new Set(answers.filter((_, index) => index % 3 === 1))], ['OK']);
    assert.deepEqual([...new Set(answers.filter((_, index) => index % 3 === 2))], ['OK']);
  });

  test('its file -> for its owner alone, replaced when stale, gone after a stop; another live one is respected', async () => {
    await using folder = await openPodFolder();
    const path = folder.file('sock');
    await shell(
      `socat UNIX-LISTEN:${path},unlink-close=0 /dev/null & pid=$!; until [ -S ${path} ]; do :; done; kill -9 $pid`,
    );
    assert.ok((await stat(path)).isSocket(), 'a stale one');
    const {daemon} = await startBench(folder, undefined, {KONTROL_SOCKET: path});
    await using _daemon = daemon;
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    await using second = await startDaemon({template: 'x', env: {KONTROL_SOCKET: path}});
    assert.equal((await second.exited).code, 5);
    const fatal = second.logs.find(({msg}) => msg === 'daemon failed');
    assert.match(JSON.stringify(fatal), /control socket\): another daemon listens there; or set KONTROL_SOCKET/);
    daemon.signal('SIGTERM');
    assert.equal((await daemon.exited).code, 0);
    await assert.rejects(stat(path), {code: 'ENOENT'});
  });

  test('DIE, and WAIT for the terminal state -> an orderly stop, answered', async () => {
    for (const [command, answer] of [
      ['DIE', 'OK'],
      ['WAIT stop', 'OK'],
      ['GOTO stop', 'OK'],
    ] as const) {
      await using folder = await openPodFolder();
      const {daemon, say} = await startBench(folder);
      await using _daemon = daemon;
      assert.equal(await say(command), answer);
      assert.deepEqual(await daemon.exited, {code: 0, signal: null});
    }
  });
});
