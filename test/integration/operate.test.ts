import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {openFolder} from '../support/folder.ts';
import {missing} from '../support/parts.ts';
import {startServed} from '../support/served.ts';
import {webTemplateAgain} from '../support/web.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

test('rollback, release and reconfigure as commands -> shown first, then done; without the token or a --yes nothing is', {
  skip: missing('haproxy'),
  timeout: 120_000,
}, async () => {
  await using folder = await openFolder();
  const tokenFile = join(folder.path, 'token');
  await writeFile(tokenFile, 'open-sesame\n');
  await using served = await startServed({KONTROL_WARMUP: '0', KONTROL_DAMPER: '0', KONTROL_TOKEN_FILE: tokenFile});
  const {daemon, template} = served;
  const run = (line: string, env: Readonly<Record<string, string>> = {KONTROL_TOKEN_FILE: tokenFile}) =>
    new Promise<{code: number; stdout: string; stderr: string}>(resolve => {
      const args = [MAIN, ...line.split(' '), '--url', `http://127.0.0.1:${daemon.statusPort}`];
      const options = {env: {PATH: process.env.PATH, ...env}, timeout: 60_000};
      execFile(process.execPath, args, options, (error, stdout, stderr) =>
        resolve({code: error === null ? 0 : Number(error.code), stdout, stderr}),
      );
    });
  const isInSync = async (text: string) =>
    daemon.waitFor(async ({inSync}) => inSync && (await served.committed()).includes(text), text);
  await served.rewrite(webTemplateAgain(template, 1));
  await isInSync('# reload 1');

  const unanswered = await run('rollback');
  assert.deepEqual([unanswered.code, unanswered.stderr.includes('add --yes')], [64, true]);
  assert.match(unanswered.stdout, /with today's pods, until it is released: \+1 -2 lines\n[\s\S]*-# reload 1\n/);
  for (const env of [{}, {HAPROXY_KONTROL_TOKEN: 'wrong'}]) {
    const refused = await run('rollback --yes', env);
    assert.deepEqual([refused.code, /token/.test(refused.stderr)], [64, true]);
  }
  assert.match(await served.committed(), /^# reload 1/);

  const back = await run('rollback --yes', {HAPROXY_KONTROL_TOKEN: 'open-sesame'});
  assert.deepEqual([back.code, back.stderr], [0, '']);
  assert.match(back.stdout, /done: pass \d+, ok\n$/);
  assert.doesNotMatch(await served.committed(), /# reload/);
  const released = await run('release --yes');
  assert.match(released.stdout, /^The template of today again[\s\S]*\+# reload 1\n[\s\S]*done: pass \d+, ok\n$/);
  assert.match(await served.committed(), /^# reload 1/);
  const again = await run('release --yes');
  assert.deepEqual([again.code, /no rollback is held/.test(again.stderr)], [64, true]);
  assert.match(
    (await run('reconfigure --yes')).stdout,
    /no line of the configuration changes\ndone: pass \d+, unchanged\n$/,
  );

  const before = new Date().toISOString();
  await served.rewrite(`${template}  bogus hunter2\n`);
  await daemon.waitFor(({refused}) => refused?.serving != null, 'the template refused');
  const wrong = await run('reconfigure --yes');
  assert.equal(wrong.code, 8);
  assert.match(wrong.stdout, /it would be refused, nothing was changed\n.*line 16: unknown keyword 'bogus'/);
  assert.doesNotMatch(wrong.stdout, /hunter2/);
  const then = await run(`rollback --yes --at ${before}`);
  assert.deepEqual([then.code, then.stderr], [0, '']);
  await daemon.waitFor(({refused, inSync}) => refused === null && inSync, 'the template of then');
  assert.match(await served.committed(), /^# reload 1/);
  assert.equal(await served.fetch(), 'pod');
});
