import assert from 'node:assert/strict';
import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {openFolder} from '../support/folder.ts';
import {freePort} from '../support/free-port.ts';
import {haproxiesUnderTest} from '../support/haproxies.ts';
import {haproxyIsAtLeast} from '../support/haproxy-version.ts';
import {waitFor} from '../support/wait.ts';

const LISTEN = (port: number) =>
  `listen l\n  bind 127.0.0.1:${port}\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\n`;

for (const {name, binary, skip} of haproxiesUnderTest()) {
  const isAtLeast = (major: number, minor: number) => skip === false && haproxyIsAtLeast(major, minor, binary);

  describe(`HAProxy's ways, as docs/reload.md tells them, ${name}`, {skip, timeout: 60_000}, () => {
    test('-c -> what its exit code means', async () => {
      await using folder = await openFolder();
      const codeOf = (text: string): number | null => {
        const file = join(folder.path, 'x.cfg');
        writeFileSync(file, text);
        return spawnSync(binary, ['-c', '-q', '-f', file], {stdio: 'ignore', timeout: 10_000}).status;
      };
      const listen = LISTEN(await freePort());
      const twice = `${listen}  server a 127.0.0.1:1\n  server a 127.0.0.1:2\n`;
      assert.deepEqual(
        [listen, listen.replace(/ {2}timeout.*\n/g, ''), 'bogus\n', 'backend b\n'].map(codeOf),
        [0, 0, 1, 2],
      );
      const [isStrict, isLax] = [isAtLeast(2, 4), !isAtLeast(1, 8)];
      if (isStrict) assert.deepEqual([listen.trimEnd(), twice].map(codeOf), [1, 1]);
      if (isLax) assert.deepEqual([listen.trimEnd(), twice].map(codeOf), [0, 0]);
    });

    test('-db -> it stays in front and writes no PID file; SIGUSR1 ends it with 0, SIGUSR2 kills 1.7', async () => {
      await using folder = await openFolder();
      const at = (file: string) => join(folder.path, file);
      const sock = `stats socket ${at('sock')}`;
      writeFileSync(at('x.cfg'), `global\n  ${sock}\n${LISTEN(await freePort())}`);
      const end = async (signal: NodeJS.Signals) => {
        rmSync(at('sock'), {force: true});
        const child = spawn(binary, ['-db', '-f', at('x.cfg'), '-p', at('pid')], {stdio: 'ignore'});
        using _child = {[Symbol.dispose]: () => child.kill('SIGKILL')};
        await waitFor(() => existsSync(at('sock')), 'a HAProxy that runs');
        const ended = once(child, 'exit');
        child.kill(signal);
        return await ended;
      };
      assert.deepEqual(await end('SIGUSR1'), [0, null]);
      assert.equal(existsSync(at('pid')), false);
      if (!isAtLeast(1, 8)) assert.deepEqual(await end('SIGUSR2'), [null, 'SIGUSR2']);
    });
  });
}
