import assert from 'node:assert/strict';
import {execFile, spawn} from 'node:child_process';
import {accessSync, constants, readFileSync} from 'node:fs';
import {mkdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {openFolder} from '../support/folder.ts';
import {freePort} from '../support/free-port.ts';
import {collectOutput} from '../support/output.ts';
import {haproxyBinary, missing} from '../support/parts.ts';
import {endProcessesOf} from '../support/processes.ts';
import {waitFor} from '../support/wait.ts';

const PAGE = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

const blocks = [...PAGE.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, kind = '', text = '']) => ({kind, text}));
const template = blocks.find(({kind}) => kind === 'jinja')?.text ?? '';
const lines = blocks.filter(({kind}) => kind === 'sh').flatMap(({text}) => text.trim().split('\n'));
const lineWith = (words: string): string => lines.find(line => line.includes(words)) ?? assert.fail(words);

/** What the page promises behind `# ...`. */
const promiseOf = (line: string): string => /# (?:\.\.\. )?(.*)$/.exec(line)?.[1] ?? assert.fail(line);

test('the program, once it is built -> npx can run it', () => accessSync(MAIN, constants.X_OK));

test('the first page -> 150 lines at most', () => {
  assert.ok(PAGE.split('\n').length <= 150);
});

describe('the first page, its template and commands as they stand there', {skip: missing('haproxy')}, () => {
  test('a template, the daemon, a ping -> what the page says', {timeout: 60_000}, async () => {
    await using folder = await openFolder();
    const mark = `first-page-test-${process.pid}`;
    const [web, master, status] = [await freePort(), await freePort(), await freePort()];
    const here = (line: string): string =>
      line
        .replaceAll('8080', String(web))
        .replaceAll('8000', String(master))
        .replaceAll('8001', String(status))
        .replaceAll('/tmp/kontrol', join(folder.path, 'data'))
        .replace('npm start', 'npx haproxy-kontrol run');
    // What npm finds in a clone that was built.
    const programs = join(folder.path, 'bin');
    await mkdir(programs);
    const npx = `#!/bin/sh\n[ "$1" = haproxy-kontrol ] && shift && exec '${process.execPath}' '${MAIN}' "$@"\n`;
    await writeFile(join(programs, 'npx'), npx, {mode: 0o755});
    const env = {
      PATH: `${programs}:${process.env.PATH}`,
      KONTROL_HAPROXY: haproxyBinary,
      KONTROL_PORT: String(master),
      KONTROL_STATUS_PORT: String(status),
      KONTROL_SOCKET: join(folder.path, 'sock'),
      KONTROL_LINGER: '0',
      KONTROL_GRACE: '1',
      KONTROL_RENDER_TIMEOUT: '20',
      FIRST_PAGE: mark,
    };
    const options = {cwd: folder.path, env};
    const run = async (line: string): Promise<string> => {
      const {stdout} = await promisify(execFile)('sh', ['-c', here(line)], options);
      return stdout;
    };
    await writeFile(join(folder.path, 'my.cfg.j2'), here(template));
    assert.match(await run(lineWith('check --template')), /^my\.cfg\.j2: valid/);

    const daemon = spawn('sh', ['-c', `exec env ${here(lineWith('npm start'))}`], {
      ...options,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = collectOutput(daemon);
    try {
      const saysOf = (line: string) => run(line).catch(() => '');
      const config = lineWith('/config');
      await waitFor(async () => (await saysOf(config)).includes('listen web'), 'the daemon', {evidence: output.tail});
      await run(lineWith('curl -X PUT'));
      await waitFor(async () => (await saysOf(config)).includes(promiseOf(config)), promiseOf(config), {
        evidence: output.tail,
      });
      const hosts = lineWith('/hosts');
      assert.deepEqual(JSON.parse(await run(hosts)), JSON.parse(promiseOf(hosts)));
      await waitFor(async () => /joined web 10\.2\.0\.17/.test(await saysOf(lineWith('kontrol history'))), 'the pass', {
        evidence: output.tail,
      });
    } finally {
      daemon.kill('SIGTERM');
      await output.exited;
      await endProcessesOf(mark);
    }
  });
});
