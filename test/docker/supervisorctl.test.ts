import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {openFolder} from '../support/folder.ts';

const SCRIPT = fileURLToPath(new URL('../../docker/supervisorctl', import.meta.url));

/** Says what it was told; of the job `telegraf` it knows the PID. */
const KONTROL = `#!/bin/sh
case $* in
  'ctl status telegraf') echo 'telegraf                         RUNNING   pid 4711, uptime 0:01:02' ;;
  'ctl status haproxy') echo 'haproxy                          STOPPED   Not started' ;;
  'ctl status nginx' | 'ctl start nginx') echo 'nginx: ERROR (no such process)'; exit 1 ;;
  *) echo "$*" ;;
esac
`;

describe('supervisorctl of the images', () => {
  let folder: Awaited<ReturnType<typeof openFolder>>;
  before(async () => {
    folder = await openFolder();
    await writeFile(join(folder.path, 'haproxy-kontrol'), KONTROL, {mode: 0o755});
  });
  after(() => folder[Symbol.asyncDispose]());
  const run = (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    new Promise<{code: number; out: string}>(resolve => {
      const env = {PATH: `${folder.path}:${process.env.PATH}`, ...more};
      execFile('/bin/sh', [SCRIPT, ...args], {env}, (error, stdout, stderr) =>
        resolve({code: Number(error?.code ?? 0), out: stdout + stderr}),
      );
    });

  for (const [args, code, out] of [
    [['restart', 'haproxy'], 0, /^ctl restart haproxy$/m],
    [['-c', '/etc/supervisord.conf', 'start', 'telegraf'], 0, /^ctl start telegraf$/m],
    [['status'], 0, /^ctl status$/m],
    [['tail', 'telegraf'], 0, /^ctl tail telegraf$/m],
    [['tail', '-1000', 'telegraf', 'stderr'], 0, /^ctl tail telegraf$/m],
    [['tail', '-f', 'telegraf'], 64, /kubectl logs -f/],
    [['pid', 'telegraf'], 0, /^4711$/m],
    [['pid', 'haproxy'], 0, /^0$/m],
    [['pid', 'nginx'], 1, /^No such process nginx$/m],
    [['start', 'nginx'], 1, /^nginx: ERROR \(no such process\)$/m],
    [['--configuration=/etc/supervisord.conf', '-s', 'unix:///run/x', 'stop', 'haproxy'], 0, /^ctl stop haproxy$/m],
    [['shutdown'], 0, /^Shut down$/m],
    [['pid'], 64, /takes the name of a job/],
    [['version'], 0, /^--version$/m],
    [['signal', 'HUP', 'haproxy'], 64, /kill -SIGNAL/],
    [['update'], 0, /^$/],
    [['fg', 'haproxy'], 64, /no such command here: fg/],
  ] as const) {
    test(`${args.join(' ')} -> exit ${code}`, async () => {
      const answer = await run(args);
      assert.equal(answer.code, code, answer.out);
      assert.match(answer.out, out);
    });
  }

  test('in a block of 2017 -> says the same and exits 0, as supervisorctl of that time did', async () => {
    for (const [args, out] of [
      [['start', 'nginx'], /no such process/],
      [['pid', 'nginx'], /No such process/],
      [['signal', 'HUP', 'haproxy'], /kill -SIGNAL/],
      [['fg', 'haproxy'], /no such command/],
    ] as const) {
      const answer = await run(args, {SUPERVISORCTL_EXIT: '0'});
      assert.equal(answer.code, 0, answer.out);
      assert.match(answer.out, out);
    }
  });
});
