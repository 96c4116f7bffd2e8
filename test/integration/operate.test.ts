import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {readdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {test} from 'node:test';
import {fileURLToPath} from 'node:url';
import type {Daemon} from '../support/daemon.ts';
import {openFolder} from '../support/folder.ts';
import {missing} from '../support/parts.ts';
import {POD_IP, startServed} from '../support/served.ts';
import {waitFor} from '../support/wait.ts';
import {webTemplateAgain} from '../support/web.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** The program, asked of this daemon, with the operators' token unless said otherwise. */
const programOf =
  (daemon: Pick<Daemon, 'statusPort'>, tokenFile: string) =>
  (line: string, env: Readonly<Record<string, string>> = {KONTROL_TOKEN_FILE: tokenFile}) =>
    new Promise<{code: number; stdout: string; stderr: string}>(resolve => {
      const url = `http://127.0.0.1:${daemon.statusPort}`;
      const args = line.includes('--live') ? line.replace('--live', `--live ${url}`) : `${line} --url ${url}`;
      const options = {env: {PATH: process.env.PATH, ...env}, timeout: 60_000};
      execFile(process.execPath, [MAIN, ...args.split(' ')], options, (error, stdout, stderr) =>
        // On a busy machine a command may say that it waits for its answer.
        resolve({
          code: error === null ? 0 : Number(error.code),
          stdout,
          stderr: stderr.replaceAll(/^waiting for .*\n/gm, ''),
        }),
      );
    });

test('rollback, release and reconfigure as commands -> shown first, then done; without the token or a --yes nothing is', {
  skip: missing('haproxy'),
  timeout: 120_000,
}, async () => {
  await using folder = await openFolder();
  const tokenFile = join(folder.path, 'token');
  await writeFile(tokenFile, 'open-sesame\n');
  await using served = await startServed({KONTROL_WARMUP: '0', KONTROL_DAMPER: '0', KONTROL_TOKEN_FILE: tokenFile});
  const {daemon, template} = served;
  const run = programOf(daemon, tokenFile);
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
  const out = await run('release --yes');
  assert.equal(out.code, 8);
  assert.match(out.stdout, /the last one that worked serves until it is mended\n.*line 16: unknown keyword 'bogus'/);
  assert.match(out.stdout, /\ndone: pass \d+, .*\nbut the template of today is refused: .*'bogus'.*\n$/);
  assert.equal(await served.fetch(), 'pod');
});

test("check --live -> today's members, what HAProxy says, by which way and why, what changes; nothing is applied", {
  skip: missing('haproxy'),
  timeout: 120_000,
}, async () => {
  await using folder = await openFolder();
  const tokenFile = join(folder.path, 'token');
  await writeFile(tokenFile, 'open-sesame\n');
  await using served = await startServed({KONTROL_WARMUP: '0', KONTROL_DAMPER: '0', KONTROL_TOKEN_FILE: tokenFile});
  const {daemon, template} = served;
  const run = programOf(daemon, tokenFile);
  const seen = async () => [
    await served.committed(),
    await served.pid(),
    (await daemon.get('/history'))?.body,
    await readdir(join(daemon.dataFolder, 'run')),
  ];
  await waitFor(async () => (await daemon.get('/history'))?.body !== '[]', 'its first pass in the history');
  const before = await seen();
  const file = join(folder.path, 'next.j2');
  const checkLive = async (next: string, more = '', env?: Readonly<Record<string, string>>) => {
    await writeFile(file, next);
    return run(`check --template ${file} --live${more}`, env);
  };

  const same = await checkLive(template);
  assert.deepEqual([same.code, same.stderr], [0, '']);
  assert.match(
    same.stdout,
    /valid, with today's members .*\nwould change nothing: the text came out equal; \+0 -0 lines\n/,
  );

  const weighed = await checkLive(
    template.replace(`:${served.podPort}`, `:${served.podPort} weight 7`),
    ' --format json',
  );
  const [told] = JSON.parse(weighed.stdout).templates;
  assert.deepEqual([weighed.code, told.live.way, told.hosts], [0, 'runtime', 'live']);
  assert.match(told.live.text, new RegExp(`server web-1 ${POD_IP}:${served.podPort} weight 7`));

  const secret = 'listen more\n  bind 127.0.0.1:1\n  stats enable\n  stats auth admin:hunter2Xyzzy\n';
  const reloaded = await checkLive(`${template}\n${secret}`);
  assert.equal(reloaded.code, 0);
  assert.match(reloaded.stdout, /would be a reload: .*; \+\d+ -0 lines\n[\s\S]*\+listen more\n/);
  assert.match(reloaded.stderr, /^warning: .*next\.j2: missing timeouts for proxy 'more'/m);
  assert.doesNotMatch(reloaded.stdout + reloaded.stderr, /hunter2/);

  const refused = await checkLive(`${template}\n  bogus word\n`);
  assert.equal(refused.code, 8);
  assert.match(refused.stderr, new RegExp(`next\\.j2:${template.split('\n').length + 1}: unknown keyword 'bogus'`));
  const failed = await checkLive(`${template}\n# {{ hosts.wbe.x }}\n`);
  assert.equal(failed.code, 7);
  assert.match(failed.stderr, /next\.j2:\d+:\d+: 'dict object' has no attribute 'wbe'\n[\s\S]*\^\nUndefinedError: /);

  assert.equal((await checkLive(template, '', {})).code, 64);
  assert.match(
    (await checkLive(template, '', {HAPROXY_KONTROL_TOKEN: 'wrong'})).stderr,
    /send the token that the daemon has/,
  );
  assert.match((await checkLive(template, ' --hosts {}')).stderr, /leave --hosts out/);

  assert.deepEqual(await seen(), before);
});
