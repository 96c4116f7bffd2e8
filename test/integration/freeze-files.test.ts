import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {readdir, rm, symlink, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {startBackends} from '../support/backend.ts';
import {missing} from '../support/parts.ts';
import {replaceFile} from '../support/replace-file.ts';
import {type Served, startServed, type TemplateSource} from '../support/served.ts';
import {fetchText} from '../support/web.ts';

const OTHER_IP = '127.0.9.2';
const WARM = {KONTROL_WARMUP: '0', KONTROL_DAMPER: '0'};
const skip = missing('haproxy');
const TOO_LONG = /longer than 16 MiB|too long|over the limit/;

const answers = async ({port}: Served): Promise<string> => {
  const all = await Promise.all(Array.from({length: 6}, () => fetchText({port})));
  return [...new Set(all)].sort().join();
};

const empty = async (folder: string): Promise<void> => {
  for (const name of await readdir(folder)) await rm(join(folder, name), {recursive: true, force: true});
};

describe('the data folder is emptied', {concurrency: 2, skip, timeout: 120_000}, () => {
  const testEmptied = (source: TemplateSource) =>
    test(`the template in ${source === 'file' ? 'a file' : 'an annotation'} -> HAProxy that dies is started anew, and pods come and go`, async () => {
      await using served = await startServed(WARM, source);
      const {daemon} = served;
      await using _pods = await startBackends([{name: 'other', host: OTHER_IP, port: served.podPort}]);
      await empty(daemon.dataFolder);
      process.kill(await served.pid(), 'SIGKILL');
      await daemon.waitFor(async ({proxy}) => proxy.restarts === 1 && (await served.fetch()) === 'pod', 'HAProxy anew');
      assert.match(await served.committed(), /server web-1 /);

      await empty(daemon.dataFolder);
      const other = daemon.slave({ip: OTHER_IP});
      using _silence = {[Symbol.dispose]: other.silence};
      other.run(500);
      await daemon.waitFor(async ({inSync}) => inSync && (await answers(served)) === 'other,pod', 'who joins served');
      assert.match(await served.committed(), /server web-2 /);
    });
  for (const source of ['file', 'annotation'] as const) testEmptied(source);
});

const bindsOf = (template: string): string =>
  `${template}listen many\n{% for i in range(100000) %}  bind 127.0.0.1:{{ i }}\n{% endfor %}`;
const TOO_MANY_BINDS = /the text has 10000\d bind lines, more than 4096$/;

describe('a template that is none, or too much', {concurrency: 2, skip, timeout: 180_000}, () => {
  test('an annotation that yields too much -> refused with the reason, pings answered, the last good one serves; healed', async () => {
    await using served = await startServed(WARM, 'annotation');
    const {daemon, template} = served;
    for (const [text, reason] of [
      [bindsOf(template), TOO_MANY_BINDS],
      ["{{ '#' * 30000000 }}", TOO_LONG],
    ] as const) {
      await served.rewrite(text);
      await daemon.waitFor(async ({lastError}) => {
        assert.equal((await served.pod.ping()).is, 'answered');
        return reason.test(lastError ?? '');
      }, `${reason}`);
      assert.equal(await served.fetch(), 'pod');
    }
    await served.rewrite(template);
    await daemon.waitFor(({inSync, refused}) => inSync && refused === null, 'it healed');
  });

  test('what is no template, or yields too much -> refused with the reason, pings answered, the last good one serves; healed', async () => {
    await using served = await startServed(WARM);
    const {daemon, template} = served;
    const path = served.again.template;
    const ROWS: Readonly<Record<string, readonly [put: () => unknown, reason: RegExp]>> = {
      'a FIFO': [() => execFileSync('mkfifo', [path]), /it is no regular file$/],
      'an endless device': [() => symlink('/dev/zero', path), /it is no regular file$/],
      '30 MB': [() => writeFile(path, '#'.repeat(30_000_000)), /it is longer than 4 MiB$/],
      '100,000 binds': [() => writeFile(path, bindsOf(template)), TOO_MANY_BINDS],
      'a text of 30 MB': [() => writeFile(path, "{{ '#' * 30000000 }}"), TOO_LONG],
    };
    for (const [what, [put, reason]] of Object.entries(ROWS)) {
      await rm(path, {force: true});
      await put();
      await daemon.waitFor(async ({lastError}) => {
        // The next pass says so, whatever it is for.
        const outcome = await served.pod.ping({payload: what});
        assert.equal(outcome.is, 'answered', `${what}: ${JSON.stringify(outcome)}`);
        return reason.test(lastError ?? '');
      }, `${what} refused`);
      assert.equal(await served.fetch(), 'pod');
    }
    await rm(path, {force: true});
    await writeFile(path, template);
    await daemon.waitFor(({inSync, refused}) => inSync && refused === null, 'it healed');

    const named = join(daemon.dataFolder, '503.http');
    await writeFile(named, 'HTTP/1.0 503 Gone\r\n\r\n');
    await replaceFile(path, template.replace('  mode http\n', `  mode http\n  errorfile 503 ${named}\n`));
    await daemon.waitFor(
      async ({inSync}) => inSync && (await served.committed()).includes('errorfile'),
      'a file named',
    );
    await rm(named);
    const other = daemon.slave({ip: OTHER_IP});
    using _silence = {[Symbol.dispose]: other.silence};
    other.run(500);
    // What serves would be refused by now just as well: nobody who joins is to blame.
    const refused = await daemon.waitFor(seen => seen.lastError?.includes('503.http') && seen, 'a refusal');
    assert.deepEqual(refused.quarantined, []);
    const {pass} = (await daemon.status())?.reload.last ?? {pass: 0};
    const next = await daemon.waitFor(seen => (seen.reload.last?.pass ?? 0) > pass && seen, 'a retry');
    assert.deepEqual(next.quarantined, []);
  });
});
