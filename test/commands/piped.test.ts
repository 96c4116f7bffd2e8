import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {createServer} from 'node:http';
import {describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {EXIT_CODES} from '../../src/errors.ts';
import {entryOf, PROBLEM, STATUS} from '../http/status-ports.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

interface Ran {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** A line for bash, in which `$kontrol` is the built program; its code is the first one in the pipe that is not 0. */
const shell = (line: string, env: NodeJS.ProcessEnv = {}): Promise<Ran> =>
  new Promise(resolve => {
    execFile(
      'bash',
      ['--norc', '-c', `set -o pipefail; ${line}`],
      {env: {PATH: process.env.PATH, kontrol: `${process.execPath} ${MAIN}`, ...env}, maxBuffer: 64 << 20},
      (error, stdout, stderr) =>
        // On a busy machine a command may say that it waits for its answer.
        resolve({
          code: error === null ? 0 : error.code,
          stdout,
          stderr: stderr.replaceAll(/^waiting for .*\n/gm, ''),
        }),
    );
  });

/** A status port that has many passes to tell, and something to complain about. */
async function openStatusPort() {
  const entries = Array.from({length: 200}, (_, index) => ({...entryOf(200 - index), cause: 'x'.repeat(4096)}));
  const status = {...STATUS, problems: [{...PROBLEM, why: 'x'.repeat(1 << 20)}]};
  const server = createServer(({url}, response) => {
    const answer = url?.startsWith('/history') ? entries : status;
    response.end(JSON.stringify(answer));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return {url: `http://127.0.0.1:${address.port}`, [Symbol.dispose]: () => server.close()};
}

const LINES = 10_000;
/** Long ones: a text may not have more of them. */
const WORDS = 'of the configuration, which is said at length, '.repeat(4);
const TEMPLATE = `{% for n in range(${LINES}) %}# a line ${WORDS}number {{ n }}\n{% endfor %}`;

describe('piped output', () => {
  test('render, a reader that is slow -> all of it', async () => {
    const line = `$kontrol render --template <(printf %s "$template") --hosts '{}' | (sleep 0.5; tail -n 1; cat)`;
    const {code, stdout, stderr} = await shell(line, {template: TEMPLATE, KONTROL_RENDER_TIMEOUT: '20'});
    assert.deepEqual([code, stdout, stderr], [0, `# a line ${WORDS}number ${LINES - 1}\n`, '']);
  });

  test('render, a reader that goes away -> ends quietly', async () => {
    const line = `$kontrol render --template <(printf %s "$template") --hosts '{}' | head -n 1`;
    const {code, stdout, stderr} = await shell(line, {template: TEMPLATE, KONTROL_RENDER_TIMEOUT: '20'});
    assert.deepEqual([code, stdout, stderr], [0, `# a line ${WORDS}number 0\n`, '']);
  });

  test('history --json, a slow reader and one that goes away -> all of it; ends quietly', async () => {
    using port = await openStatusPort();
    const whole = await shell(`$kontrol history -n 200 --json --url ${port.url} | (sleep 0.5; cat)`);
    assert.equal(JSON.parse(whole.stdout).length, 200);
    const first = await shell(`$kontrol history -n 200 --json --url ${port.url} | head -n 1`);
    assert.deepEqual(first, {code: 0, stdout: '[\n', stderr: ''});
  });

  test('diff --json -> what the last change changed', async () => {
    using port = await openStatusPort();
    const {code, stdout} = await shell(`$kontrol diff --json --url ${port.url}`);
    assert.equal(code, 0);
    const {pass, verdict, difference} = JSON.parse(stdout);
    assert.deepEqual([pass, verdict, difference], [200, 'ok', entryOf(200).difference]);
  });

  test('status, its reader goes away -> the exit code says all the same that something is wrong', async () => {
    using port = await openStatusPort();
    const {code, stderr} = await shell(`$kontrol status --json --url ${port.url} | head -c 1`);
    assert.deepEqual([code, stderr], [EXIT_CODES.UNHEALTHY, '']);
  });

  test('on a terminal -> in colours; with NO_COLOR without, the daemon with KONTROL_LOG=pretty too', async () => {
    using port = await openStatusPort();
    const isColored = async (command: string, env: NodeJS.ProcessEnv = {}): Promise<boolean> => {
      const {stdout} = await shell(`script --quiet --command '${command}' /dev/null`, {TERM: 'xterm', ...env});
      assert.notEqual(stdout, '');
      return stdout
        .split('\u001b[')
        .slice(1)
        .some(behind => /^\d+m/.test(behind));
    };
    const refused = {KONTROL_LOG: 'pretty', KONTROL_DATA: '/dev/null', KONTROL_LABELS: '{"app":"a","role":"b"}'};
    for (const [command, env] of [
      [`$kontrol status --url ${port.url}`, {}],
      ['$kontrol run', {...refused, KONTROL_TEMPLATE: 'a {{ b }}'}],
    ] as const) {
      assert.equal(await isColored(command, env), true, command);
      assert.equal(await isColored(command, {...env, NO_COLOR: '1'}), false, command);
    }
  });

  test('status --watch, its reader goes away -> ends', async () => {
    using port = await openStatusPort();
    const {code, stderr} = await shell(`$kontrol status --watch --url ${port.url} | head -n 1`);
    assert.deepEqual([code, stderr], [0, '']);
  });

  test('render onto a full disk -> one line that says so, not 0', async () => {
    const line = `$kontrol render --template <(echo text) --hosts '{}' > /dev/full`;
    const {code, stderr} = await shell(line);
    assert.equal(code, EXIT_CODES.UNEXPECTED);
    assert.match(stderr, /^haproxy-kontrol: cannot print: [^\n]*ENOSPC[^\n]*\n$/);
  });
});
