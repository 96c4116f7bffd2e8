import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {openFolder} from '../support/folder.ts';
import {haproxyBinary, missing} from '../support/parts.ts';
import {replaceFile} from '../support/replace-file.ts';
import {waitFor} from '../support/wait.ts';
import {runCommand} from './run-command.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

const LISTEN = `listen l
  mode http
  timeout client 1s
  timeout server 1s
  timeout connect 1s
  bind 127.0.0.1:1
`;

test('check --watch -> again after each change; Ctrl-C ends it with what the last round said', {
  skip: missing('haproxy'),
  timeout: 120_000,
}, async () => {
  await using folder = await openFolder();
  const file = join(folder.path, 't.j2');
  await writeFile(file, LISTEN);
  const env = {PATH: process.env.PATH, KONTROL_HAPROXY: haproxyBinary, KONTROL_RENDER_TIMEOUT: '20'};
  const child = spawn(process.execPath, [MAIN, 'check', '--template', file, '--watch'], {env});
  let said = '';
  child.stdout.on('data', chunk => (said += chunk));
  child.stderr.on('data', chunk => (said += chunk));
  const ended = once(child, 'exit');
  /** Waits for words, and forgets all that was said. */
  const see = async (words: RegExp) => {
    await waitFor(() => words.test(said), String(words), {timeoutMs: 40_000, evidence: () => said});
    said = '';
  };
  try {
    await see(/: valid, without any pod \(/);
    await replaceFile(file, `${LISTEN}  bogus\n`);
    await see(/t\.j2:7: unknown keyword 'bogus'[\s\S]*not valid/);
    await replaceFile(file, `${LISTEN}  {{ nothing.y }}\n`);
    await see(/'nothing' is undefined[\s\S]*not valid/);
    child.kill('SIGINT');
    assert.deepEqual(await ended, [7, null]);
  } finally {
    child.kill('SIGKILL');
  }
});

test('check --watch of stdin -> says that it does not change', () => {
  const {status, stderr} = runCommand(['check', '--template', '-', '--watch'], LISTEN);
  assert.deepEqual([status, /stdin does not change/.test(stderr)], [64, true]);
});
