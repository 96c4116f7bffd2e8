import assert from 'node:assert/strict';
import {execFileSync, spawn} from 'node:child_process';
import {dirname} from 'node:path';
import {describe, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {EXIT_CODES} from '../../src/errors.ts';
import {collectOutput} from '../support/output.ts';
import {haproxyBinary, missing, pythonBinary} from '../support/parts.ts';
import {endProcessesOf, haproxiesOf, processesOf} from '../support/processes.ts';
import {waitFor} from '../support/wait.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

const startDemo = (file: string, args: readonly string[], haproxy: string, more: Record<string, string> = {}) => {
  const env = {PATH: process.env.PATH, KONTROL_HAPROXY: haproxy, ...more};
  const child = spawn(file, args, {env, stdio: ['ignore', 'pipe', 'pipe']});
  const output = collectOutput(child);
  return {child, output, text: () => output.lines.map(({raw}) => raw).join('\n')};
};

/** Root in name only: what a plain user may do, which is to use neither iptables nor anything else of the kernel's. */
const UNPRIVILEGED = ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--no-new-privs'];

test('demo, as a plain user without iptables -> serves three backends, one leaves and returns, Ctrl-C leaves nothing', {
  skip: missing('root', 'haproxy'),
  timeout: 90_000,
}, async () => {
  const [file = '', ...args] = [...UNPRIVILEGED, process.execPath, MAIN, 'demo'];
  const {child, output, text} = startDemo(file, args, haproxyBinary);
  try {
    const urls = await waitFor(
      () => {
        const found = text().match(/http:\S+/g);
        return found !== null && found.length >= 8 && found;
      },
      'the guide',
      {evidence: output.tail},
    );
    const [, web = '', status = '', , , leave = '', , back = ''] = urls;
    const dashboard = /dashboard is at (\S+)\. /.exec(text())?.[1] ?? '';
    assert.match(await (await fetch(dashboard)).text(), /<title>/);
    const commands = [...text().matchAll(/^ {2}(KONTROL_STATUS_PORT=.*?) {2,}/gm)].map(([, command = '']) => command);
    assert.equal(commands.length, 3);
    const [asked = ''] = commands;
    assert.match(execFileSync('sh', ['-c', asked], {encoding: 'utf8'}), /serving, in sync/);
    const get = async (url: string, method = 'GET') => (await fetch(url, {method})).text();
    const names = new Set<string>();
    await waitFor(async () => names.add((await get(web)).trim()).size === 3, 'three backends');
    assert.deepEqual([...names].sort(), ['web-1', 'web-2', 'web-3']);

    const seeHosts = (count: number) =>
      waitFor(async () => {
        const {hosts, inSync} = JSON.parse(await get(status));
        return inSync && hosts.web.length === count;
      }, `${count} hosts`);
    assert.equal(await get(leave, 'POST'), 'web-2 said down\n');
    await seeHosts(2);
    assert.equal(await get(back, 'POST'), 'web-2 pings again\n');
    await seeHosts(3);

    const folder = dirname(/log is in (\S+)\./.exec(text())?.[1] ?? '');
    assert.equal(haproxiesOf(folder).length > 0, true);
    child.kill('SIGINT');
    assert.deepEqual(await output.exited, {code: 0, signal: null});
    assert.deepEqual(haproxiesOf(folder), []);
  } finally {
    child.kill('SIGTERM');
    await output.exited;
  }
});

test('demo, no HAProxy -> one line that says what to do, exit code of the proxy', async () => {
  const {output, text} = startDemo(process.execPath, [MAIN, 'demo'], '/absent/haproxy');
  const {code} = await output.exited;
  assert.match(text(), /^haproxy-kontrol: cannot run the demo: .*install HAProxy or set KONTROL_HAPROXY$/m);
  assert.equal(code, EXIT_CODES.PROXY);
});

/** Runs a program at a terminal of its own, and closes that once the program has printed a line that ends so. */
const AT_TERMINAL = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0: os.execvp(sys.argv[2], sys.argv[2:])
seen = b''
while sys.argv[1].encode() not in seen: seen += os.read(terminal, 65536)
os.close(terminal)
os.waitpid(pid, 0)
`;

const GUIDE_END = 'Ctrl-C stops everything.';

describe('demo, ended', {skip: missing('haproxy'), timeout: 240_000}, () => {
  /** What a run of the demo has in its environment, and all that it starts has too. */
  const mark = (name: string) => `kontrol-demo-test-${process.pid}-${name}`;

  const run = async (name: string, end: (demo: ReturnType<typeof startDemo>) => Promise<void>, args: string[] = []) => {
    const [file = '', ...rest] = [...args, process.execPath, MAIN, 'demo'];
    const demo = startDemo(file, rest, haproxyBinary, {DEMO_MARK: mark(name)});
    try {
      await end(demo);
      const exit = await demo.output.exited;
      await waitFor(() => processesOf(mark(name)).length === 0, 'the end of all that it started', {
        evidence: demo.output.tail,
      });
      return exit;
    } finally {
      await endProcessesOf(mark(name));
    }
  };
  const served = ({text, output}: ReturnType<typeof startDemo>) =>
    waitFor(() => text().includes(GUIDE_END), 'the guide', {evidence: output.tail});

  for (const signals of [['SIGINT', 'SIGINT'], ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGINT'], ['SIGHUP']] as const) {
    test(`by ${signals.join(', ')} at once -> with everything it started`, async () => {
      const exit = await run(signals.join(), async demo => {
        await served(demo);
        for (const signal of signals) demo.child.kill(signal);
      });
      assert.deepEqual(exit, {code: 0, signal: null});
    });
  }

  test('by two signals at any moment of its start -> with everything it started', async () => {
    for (const delayMs of [100, 300, 500, 800, 1200, 1700]) {
      await run(`start-${delayMs}`, async ({child}) => {
        await sleep(delayMs);
        child.kill('SIGINT');
        child.kill('SIGINT');
      });
    }
  });

  test('by the end of its terminal -> with everything it started', {skip: missing('jinja2')}, async () => {
    await run('terminal', async () => {}, [pythonBinary, '-c', AT_TERMINAL, GUIDE_END]);
  });
});
