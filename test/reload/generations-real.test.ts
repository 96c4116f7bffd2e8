import assert from 'node:assert/strict';
import {once} from 'node:events';
import {readdir, readFile, readlink, writeFile} from 'node:fs/promises';
import {connect, createServer, type Socket} from 'node:net';
import {hostname} from 'node:os';
import {afterEach, beforeEach, describe, test} from 'node:test';
import {DaemonError} from '../../src/errors.ts';
import {ask} from '../../src/proxy/runtime.ts';
import {freePort} from '../support/free-port.ts';
import {haproxyIsAtLeast} from '../support/haproxy-version.ts';
import {missing} from '../support/parts.ts';
import {haproxiesOf} from '../support/processes.ts';
import {waitFor} from '../support/wait.ts';
import {createFakeGate, type Here, type HereOptions, openHere, statusOf, textOn} from './here.ts';

const isCode = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof DaemonError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, message);
  return true;
};

const best = haproxyIsAtLeast(1, 8) ? 'transfer' : 'inherit';

/** The old one serves on, the gate is open, the runtime socket works, nothing of the candidate is left. */
async function assertServes(here: Here, port: number, generation: number): Promise<void> {
  assert.equal(await statusOf(port), 503);
  assert.equal(here.gate.isShut, false);
  assert.match(await here.ask('show info'), new RegExp(`^Pid: ${here.generations.status.pid}$`, 'm'));
  assert.equal(here.generations.status.generation, generation);
  assert.equal(here.generations.status.state, 'RUNNING');
  await waitFor(() => haproxiesOf(here.folder).length === 1, 'one HAProxy');
  const others = async () =>
    (await readdir(`${here.folder}/run`)).filter(name => /^\d/.test(name) && !name.startsWith(`${generation}.`));
  await waitFor(async () => (await others()).length === 0, 'the end of the other files');
}

/** HAProxy 2.x teaches its successor only what it itself knows to be whole: 5 s after it found nobody to learn from. */
async function hasPeersInSync(here: Here): Promise<boolean> {
  if (!haproxyIsAtLeast(2, 0)) return true;
  const flags = Number(/ flags=(0x[0-9a-f]+) /.exec(await here.ask('show peers'))?.[1]);
  return (flags & 3) === 3;
}

describe('generations', {skip: missing('haproxy'), timeout: 600_000}, () => {
  let port = 0;
  beforeEach(async () => {
    port = await freePort();
  });

  test('two texts -> the best way, one process, one set of files, a link and a PID file', async () => {
    await using here = await openHere();
    assert.deepEqual((await here.apply(textOn([port]))).way, 'start');
    assert.deepEqual((await here.apply(textOn([port], 1))).way, best);
    await assertServes(here, port, 2);
    assert.equal(await readFile(`${here.folder}/proxy.cfg`, 'utf8'), textOn([port], 1));
    assert.equal(await readlink(`${here.folder}/haproxy.sock`), 'run/2.sock');
    assert.equal(await readFile(`${here.folder}/proxy.pid`, 'utf8'), `${here.generations.status.pid}\n`);
    assert.deepEqual(here.gate.closed, []);
  });

  for (const setting of ['transfer', 'inherit', 'syn-drop', 'classic', 'plain'] as const) {
    test(`${setting}, a port of the new text is taken -> refused, the old one serves on; free -> applied`, async () => {
      await using here = await openHere({setting});
      const other = await freePort();
      const stranger = createServer().listen(other, '127.0.0.1');
      await once(stranger, 'listening');
      try {
        await here.apply(textOn([port]));
        await assert.rejects(
          here.apply(textOn([port, other], 1)),
          isCode('APPLY', /cannot start HAProxy: .*other|cannot start HAProxy: exit code 1/),
        );
        await assertServes(here, port, 1);
        assert.equal(await readFile(`${here.folder}/proxy.cfg`, 'utf8'), textOn([port]));
      } finally {
        stranger.close();
        await once(stranger, 'close');
      }
      await here.apply(textOn([port, other], 1));
      assert.equal(await statusOf(other), 503);
    });
  }

  test('the new one dies at its start -> refused with what it wrote, the old one serves on', async () => {
    await using here = await openHere();
    await here.apply(textOn([port]));
    await here.fault('dies');
    await assert.rejects(here.apply(textOn([port], 1)), isCode('APPLY', /exit code 1: .*told to die/));
    await assertServes(here, port, 1);
    await here.fault('');
    assert.equal((await here.apply(textOn([port], 1))).way, best);
  });

  test('the new one never gets ready -> killed, refused, the old one serves on', async () => {
    await using here = await openHere({readyWithinMs: 1500});
    await here.apply(textOn([port]));
    await here.fault('mute');
    await assert.rejects(here.apply(textOn([port], 1)), isCode('APPLY', /SIGKILL/));
    await assertServes(here, port, 1);
  });

  test('the new one listens elsewhere (canary) -> refused before the old one is told anything', async () => {
    await using here = await openHere({setting: 'syn-drop'});
    await here.apply(textOn([port]));
    const other = `${here.folder}/other.cfg`;
    await writeFile(other, textOn([await freePort()]));
    await here.fault(`other ${other}`);
    await assert.rejects(here.apply(textOn([port], 1)), isCode('APPLY', new RegExp(`does not listen on ${port}`)));
    await assertServes(here, port, 1);
  });

  test('the old one is stopped (SIGSTOP) and cannot close its listeners -> it is ended, and that is said', async () => {
    await using here = await openHere({setting: 'syn-drop', hangMs: 0});
    await here.apply(textOn([port]));
    const old = here.generations.status.pid ?? 0;
    process.kill(old, 'SIGSTOP');
    const applied = await here.apply(textOn([port], 1));
    assert.equal(applied.way, 'syn-drop');
    assert.match(applied.why, new RegExp(`HAProxy \\(PID ${old}\\) still listened .* was ended`));
    assert.ok(here.lines.some(line => line.includes('still listens though it was told')));
    await waitFor(() => !haproxiesOf(here.folder).includes(old), 'the end of the old one');
    await assertServes(here, port, 2);
  });

  test('the old one is found hung -> it is ended and started anew before the new one takes over', async () => {
    await using here = await openHere({hangMs: 1500});
    await here.apply(textOn([port]));
    const old = here.generations.status.pid ?? 0;
    process.kill(old, 'SIGSTOP');
    const applied = await here.apply(textOn([port], 1));
    assert.equal(applied.way, best);
    assert.match(applied.why, new RegExp(`HAProxy \\(PID ${old}\\) answered nothing for \\d+ ms and was ended before`));
    assert.ok(!haproxiesOf(here.folder).includes(old));
    assert.equal(here.generations.status.hangs, 1);
    await assertServes(here, port, 2);
  });

  test('the old one does not answer for a transfer -> the next best way', {skip: !haproxyIsAtLeast(1, 8)}, async () => {
    await using here = await openHere({hangMs: 0});
    await here.apply(textOn([port]));
    process.kill(here.generations.status.pid ?? 0, 'SIGSTOP');
    const applied = await here.apply(textOn([port], 1));
    assert.match(applied.why, /no transfer: the running HAProxy does not offer its sockets/);
    await waitFor(() => here.generations.status.draining.length === 0, 'the end of the old one');
    await assertServes(here, port, 2);
  });

  test('the gate is refused -> a retry first; refused again -> a reload without it, shown as plain', async () => {
    await using here = await openHere({setting: 'syn-drop'});
    await here.apply(textOn([port]));
    here.gate.refuse = true;
    await assert.rejects(here.apply(textOn([port], 1)), isCode('APPLY', /holds the lock/));
    await assertServes(here, port, 1);
    const applied = await here.apply(textOn([port], 1));
    assert.equal(applied.way, 'plain');
    assert.match(applied.why, /iptables refused the SYN gate/);
    here.gate.refuse = false;
    assert.equal((await here.apply(textOn([port], 2))).way, 'syn-drop');
    assert.deepEqual(here.gate.closed, [[port]]);
  });

  test('the gate is refused after the new one took connections -> it finishes them before it goes', async () => {
    const sockets: Socket[] = [];
    const currentOf = async (generation: number): Promise<number> => {
      const answer = await ask(`${here.folder}/run/${generation}.sock`, 'show stat', {timeoutMs: 3000});
      const fields = answer.split('\n').find(line => line.startsWith('web,FRONTEND,'));
      return Number(fields?.split(',')[4]);
    };
    const firewall = {
      ...createFakeGate(),
      async closeGate(): Promise<never> {
        for (let n = 0; n < 30; n++) sockets.push(connect(port, '127.0.0.1').setEncoding('utf8'));
        for (const socket of sockets) socket.write('GET / HTTP/1.0\r\n');
        const isEachTaken = async () => (await currentOf(1)) + (await currentOf(2)) === sockets.length;
        await waitFor(isEachTaken, 'connections at both');
        assert.ok((await currentOf(2)) > 0);
        throw new DaemonError('APPLY', 'cannot close the SYN gate: another program holds the lock');
      },
    };
    await using here = await openHere({setting: 'syn-drop', firewall});
    await here.apply(textOn([port]));
    await assert.rejects(here.apply(textOn([port], 1)), isCode('APPLY', /holds the lock/));
    const answers = sockets.map(async socket => {
      socket.write('\r\n');
      let answer = '';
      for await (const chunk of socket) answer += chunk;
      return answer.split('\r\n')[0];
    });
    assert.deepEqual(new Set((await Promise.all(answers)).map(line => line?.split(' ')[1])), new Set(['503']));
    await assertServes(here, port, 1);
  });

  test('HAProxy dies -> restarted at once on the same text, with all it inherited', async () => {
    await using here = await openHere({setting: 'inherit'});
    await here.apply(textOn([port]));
    process.kill(here.generations.status.pid ?? 0, 'SIGKILL');
    await waitFor(
      () => here.generations.status.restarts === 1 && here.generations.status.state === 'RUNNING',
      'a restart',
    );
    assert.equal(await statusOf(port), 503);
    assert.equal((await here.apply(textOn([port], 1))).way, 'inherit');
  });

  for (const signal of ['SIGSEGV', 'SIGKILL'] as const) {
    for (const [when, isIt] of [
      ['before it hears of a change', (command: string) => command.startsWith('set server')],
      ['between two lines of changes', (command: string) => command.startsWith('set server web/s299')],
      ['before it is asked how it took them', (command: string) => command.startsWith('show servers state')],
    ] as const) {
      test(`HAProxy dies ${when} (${signal}) -> the same pass ends by a reload to the new text, which says why`, async () => {
        let kill = () => {};
        const askSocket: HereOptions['ask'] = async (socket, command) => {
          const lines = command.split('; ');
          if (lines.some(isIt)) kill();
          return ask(socket, command, {timeoutMs: 1000});
        };
        await using here = await openHere({ask: askSocket});
        const text = (ip: string) => {
          const servers = Array.from({length: 300}, (_, index) => `  server s${index} ${ip}:80`);
          return `${textOn([port])}backend web\n  option http-server-close\n${servers.join('\n')}\n`;
        };
        await here.apply(text('10.0.0.1'));
        const {pid} = here.generations.status;
        kill = () => {
          kill = () => {};
          process.kill(pid ?? 0, signal);
        };
        const applied = await here.apply(text('10.0.0.2'));
        assert.equal(applied.generation, 2);
        assert.match(applied.why, /^(told at run time, but |HAProxy died while it was told)/);
        await assertServes(here, port, 2);
        assert.equal(here.generations.text, text('10.0.0.2'));
        assert.doesNotMatch(await here.ask('show servers state'), /10\.0\.0\.1 /);
        assert.equal((await here.apply(text('10.0.0.3'))).way, 'runtime');
      });
    }
  }

  test('many generations drain -> the oldest are ended above the cap', async () => {
    await using here = await openHere({drain: {maxAgeMs: 60_000, maxCount: 2}});
    await here.apply(textOn([port]));
    const sockets = [];
    for (let round = 1; round <= 4; round += 1) {
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      await once(socket, 'connect');
      socket.write('GET / HTTP/1.1\r\n');
      sockets.push(socket);
      await waitFor(async () => /CurrConns: 1/.test(await here.ask('show info')), 'the connection taken');
      await here.apply(textOn([port], round));
    }
    await waitFor(() => haproxiesOf(here.folder).length <= 3, 'the end of the oldest');
    assert.equal(await statusOf(port), 503);
    for (const socket of sockets) socket.destroy();
    await waitFor(() => haproxiesOf(here.folder).length === 1, 'the end of all old ones');
  });

  test('a generation drains for too long -> ended', async () => {
    await using here = await openHere({drain: {maxAgeMs: 500, maxCount: 16}});
    await here.apply(textOn([port]));
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    await once(socket, 'connect');
    socket.write('GET / HTTP/1.1\r\n');
    await waitFor(async () => /CurrConns: 1/.test(await here.ask('show info')), 'the connection taken');
    await here.apply(textOn([port], 1));
    await waitFor(() => haproxiesOf(here.folder).length === 1, 'the end of the old one');
    socket.destroy();
    await assertServes(here, port, 2);
  });

  test("the user's own daemon, nbproc, pidfile, user, chroot and stats socket -> work, reload after reload", {
    skip: missing('root'),
  }, async () => {
    await using here = await openHere();
    const own = `  daemon
  ${haproxyIsAtLeast(2, 5) ? 'nbthread 2' : 'nbproc 2'}
  pidfile ${here.folder}/user.pid
  user nobody
  group nogroup
  chroot ${here.folder}
  stats socket ${here.folder}/user.sock mode 600 level admin`;
    for (let round = 0; round < 3; round += 1) await here.apply(textOn([port], round, own));
    await assertServes(here, port, 3);
  });

  for (const setting of ['auto', 'classic'] as const) {
    test(`${setting}, a stick table with peers -> the next generation learns it from the old one`, async () => {
      await using here = await openHere({setting});
      const peer = `peers pods\n  peer ${hostname()} 127.0.0.1:${await freePort()}\n`;
      const table = 'backend seen\n  stick-table type string len 32 size 100 expire 60s store gpc0 peers pods\n';
      const text = (round: number) => `${textOn([port], round)}${peer}${table}`;
      await here.apply(text(0));
      await here.ask('set table seen key visitor data.gpc0 7');
      for (let round = 1; round <= 2; round += 1) {
        await waitFor(() => hasPeersInSync(here), 'a generation that may teach');
        await here.apply(text(round));
        await waitFor(async () => /key=visitor .*gpc0=7/.test(await here.ask('show table seen')), 'the entry');
      }
      await assertServes(here, port, 3);
    });
  }
});

describe('inherited listeners', {skip: missing('haproxy'), timeout: 600_000}, () => {
  let port = 0;
  let other = 0;
  beforeEach(async () => {
    [port, other] = [await freePort(), await freePort()];
  });
  const sockets: ReturnType<typeof connect>[] = [];
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  test('a reload, a failed start beside it -> not one connection refused or reset', async () => {
    await using here = await openHere({setting: 'inherit'});
    await here.apply(textOn([port]));
    let ended = false;
    const seen = new Set<number | string>();
    const clients = Array.from({length: 4}, async () => {
      while (!ended) seen.add(await statusOf(port));
    });
    const stranger = createServer().listen(other, '127.0.0.1');
    await once(stranger, 'listening');
    for (let round = 1; round <= 3; round += 1) {
      assert.equal((await here.apply(textOn([port], round))).way, 'inherit');
      await assert.rejects(here.apply(textOn([port, other], round)));
    }
    ended = true;
    await Promise.all(clients);
    stranger.close();
    assert.deepEqual([...seen], [503]);
  });

  test('the copy that HAProxy reads -> fd@N; the user’s text, everywhere else', async () => {
    await using here = await openHere({setting: 'inherit'});
    const text = textOn([port, other]).replace(`127.0.0.1:${port}\n`, `127.0.0.1:${port} name mine # comment\n`);
    await here.apply(text);
    const copy = await readFile(`${here.folder}/run/1.run.cfg`, 'utf8');
    assert.match(copy, /^ {2}bind fd@3 name mine # comment\n {2}bind fd@4$/m);
    assert.equal(copy.split('\n').length, text.split('\n').length);
    assert.equal(await readFile(`${here.folder}/proxy.cfg`, 'utf8'), text);
    assert.equal(here.generations.text, text);
  });

  test('a listener is removed -> refused at once, not taken and left hanging; it returns -> served', async () => {
    await using here = await openHere({setting: 'inherit'});
    await here.apply(textOn([port, other]));
    await here.apply(textOn([port], 1));
    await waitFor(async () => (await statusOf(other)) === 'refused', 'a refusal');
    await here.apply(textOn([port, other], 2));
    assert.deepEqual([await statusOf(port), await statusOf(other)], [503, 503]);
  });

  test('a port that somebody else has, without SO_REUSEPORT -> not inherited, HAProxy says so', async () => {
    await using here = await openHere({setting: 'inherit'});
    const stranger = createServer().listen(port, '127.0.0.1');
    await once(stranger, 'listening');
    await assert.rejects(here.apply(textOn([port])), isCode('APPLY', /cannot start HAProxy/));
    stranger.close();
    await once(stranger, 'close');
    assert.match(here.generations.reload.why, /EADDRINUSE/);
    assert.equal((await here.apply(textOn([port]))).way, 'start');
    assert.equal(await statusOf(port), 503);
  });

  test('taken over from a HAProxy that bound it itself -> guarded once, then inherited', async () => {
    await using here = await openHere({setting: 'inherit', capable: {bindOnly: {able: true, why: null}}});
    await here.apply(textOn([port]).replace(`127.0.0.1:${port}`, `127.0.0.1:${port} interface lo`));
    const guarded = await here.apply(textOn([port]));
    assert.equal(guarded.way, 'syn-drop');
    assert.match(guarded.why, /taken over once/);
    assert.deepEqual(here.gate.closed, [[port]]);
    assert.equal((await here.apply(textOn([port], 1))).way, 'inherit');
    assert.equal(here.gate.closed.length, 1);
  });

  test('stop, while a connection drains -> new ones are refused', async () => {
    await using here = await openHere({setting: 'inherit'});
    await here.apply(textOn([port]));
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    sockets.push(socket);
    await once(socket, 'connect');
    socket.write('GET / HTTP/1.1\r\n');
    await waitFor(async () => /CurrConns: 1/.test(await here.ask('show info')), 'the connection taken');
    const drained = here.generations.drain(20_000, new AbortController().signal);
    await waitFor(async () => (await statusOf(port)) === 'refused', 'a refusal');
    socket.end('Host: x\r\n\r\n');
    assert.equal(await drained, true);
  });

  test('HAProxy cannot be kept running -> clients are refused, not left hanging', async () => {
    await using here = await openHere({setting: 'inherit'});
    await here.apply(textOn([port]));
    await here.fault('dies');
    process.kill(here.generations.status.pid ?? 0, 'SIGKILL');
    await waitFor(() => here.fatal.length > 0, 'the end of retries', {timeoutMs: 30_000});
    assert.match(here.fatal[0]?.message ?? '', /died 6 times in a row/);
    assert.equal(await statusOf(port), 'refused');
  });

  for (const [name, bind, hosts] of [
    ['IPv6 only', '[::]:PORT v6only', ['::1']],
    ['both families', '[::]:PORT v4v6', ['::1', '127.0.0.1']],
    ['a list', '127.0.0.1:PORT,[::1]:PORT', ['::1', '127.0.0.1']],
    ['in quotes beside a UNIX socket', '"127.0.0.1:PORT,/FOLDER/web.sock"', ['127.0.0.1']],
  ] as const) {
    test(`${name} -> inherited, answers on ${hosts.join(' and ')} alone`, async () => {
      await using here = await openHere({setting: 'inherit'});
      const text = (round: number) =>
        textOn([port], round).replace(
          `bind 127.0.0.1:${port}`,
          `bind ${bind.replaceAll('PORT', String(port)).replace('/FOLDER', here.folder)}`,
        );
      await here.apply(text(0));
      assert.equal((await here.apply(text(1))).way, 'inherit');
      for (const host of ['::1', '127.0.0.1']) {
        const socket = connect({host, port}).on('error', () => {});
        sockets.push(socket);
        const reached = await Promise.race([
          once(socket, 'connect').then(() => true),
          once(socket, 'close').then(() => false),
        ]).catch(() => false);
        assert.equal(
          reached,
          hosts.some(one => one === host),
          host,
        );
      }
    });
  }
});
