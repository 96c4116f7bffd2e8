import assert from 'node:assert/strict';
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {locationAt, templateOf} from '../kubernetes/served.ts';
import {type Daemon, startDaemon} from '../support/daemon.ts';
import {startEtcd} from '../support/etcd.ts';
import {openFolder} from '../support/folder.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';
import {withBug} from '../support/planted-bug.ts';

const FATAL = 60;

/** It ended as after a bug: exit code 1, one fatal line that names it, and HAProxy serves on. */
async function assertFatal(daemon: Daemon, port: number, event: string): Promise<void> {
  assert.deepEqual(await daemon.exited, {code: 1, signal: null});
  const lines = daemon.logs.filter(({level, raw}) => level === FATAL || raw !== undefined);
  assert.deepEqual(
    lines.map(line => [line.event, (line.err as {type: string}).type]),
    [[event, 'TypeError']],
    JSON.stringify(lines),
  );
  assert.equal(daemon.logs.at(-1), lines[0], 'the last line');
  assert.equal(await locationAt(port), '/one');
}

describe('a bug in what is called back', {skip: missing('haproxy'), timeout: 120_000, concurrency: true}, () => {
  test('by the look at the template file -> one fatal line, exit 1, HAProxy serves on for the next daemon', async () => {
    await using folder = await openFolder();
    const port = await freePort();
    const template = join(folder.path, 'proxy.j2');
    await writeFile(template, templateOf(port, 'one'));
    const options = {template, dataFolder: folder.path};
    const env = {KONTROL_WARMUP: '0'};
    await using daemon = await startDaemon({
      ...options,
      env: {...env, ...withBug('template changed')},
      expectsBug: true,
    });
    await daemon.waitFor(({ready}) => ready, 'a ready daemon');
    await writeFile(template, templateOf(port, 'two'));
    await assertFatal(daemon, port, 'unhandledRejection');
    await using next = await startDaemon({...options, env});
    await next.waitFor(async ({ready}) => ready && (await locationAt(port)) === '/two', 'the next daemon');
  });

  test('in a pass -> the same, and the template is not blamed', async () => {
    await using folder = await openFolder();
    const port = await freePort();
    const template = join(folder.path, 'proxy.j2');
    await writeFile(template, templateOf(port, 'one'));
    const env = {KONTROL_WARMUP: '0', ...withBug('/two', 'pass')};
    await using daemon = await startDaemon({template, env, expectsBug: true});
    await daemon.waitFor(({ready}) => ready, 'a ready daemon');
    await writeFile(template, templateOf(port, 'two'));
    await assertFatal(daemon, port, 'unhandledRejection');
    const blaming = daemon.logs.filter(({msg}) => /refused|failed/.test(String(msg)));
    assert.deepEqual(blaming, []);
  });

  test('by a ping -> fatal, and not hidden behind its answer', async () => {
    const port = await freePort();
    const env = {KONTROL_WARMUP: '0', ...withBug('joined web 10.9.1.66')};
    await using daemon = await startDaemon({template: templateOf(port, 'one'), env, expectsBug: true});
    await daemon.waitFor(({ready}) => ready, 'a ready daemon');
    await daemon.ping({ip: '10.9.1.66'}).catch(() => undefined);
    await assertFatal(daemon, port, 'uncaughtException');
  });

  test('by the watch of etcd -> fatal as well, and etcd is not blamed', {skip: missing('etcd')}, async () => {
    await using etcd = await startEtcd({nodes: 1});
    const port = await freePort();
    const start = (id: string, bindPort: number, env: Readonly<Record<string, string>> = {}) =>
      startDaemon({
        template: templateOf(bindPort, 'one'),
        env: {KONTROL_ID: id, KONTROL_ETCD: etcd.endpoints, KONTROL_WARMUP: '0', ...env},
        expectsBug: Object.hasOwn(env, 'PLANTED_BUG'),
      });
    await using daemon = await start('lb-0', port, withBug('joined web 10.9.1.66'));
    await using other = await start('lb-1', await freePort());
    for (const one of [daemon, other]) await one.waitFor(({ready, fleet}) => ready && fleet?.length === 2, 'a fleet');
    await other.ping({ip: '10.9.1.66'});
    await assertFatal(daemon, port, 'uncaughtException');
    assert.ok(!daemon.logs.some(({msg}) => String(msg).startsWith('etcd is away')));
    await other.waitFor(({memberCount}) => memberCount === 1, 'the other one, which goes on');
  });
});
