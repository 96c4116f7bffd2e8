import assert from 'node:assert/strict';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {openNamespaces, podIps} from '../../test/support/namespaces.ts';
import {startContainer} from './container.ts';
import {podman, tryPodman} from './podman.ts';
import {processesIn} from './processes.ts';

// The image as it comes out of alpine-3.5/Dockerfile on stand-ins (bases.sh): all but what Alpine's package server gives.

const image = 'localhost/kontrol-alpine';

const runIn = (...argv: string[]) =>
  tryPodman('run', '--rm', '--network=none', `--entrypoint=${argv[0]}`, image, ...argv.slice(1));

describe('the Alpine image, on stand-ins', {timeout: 180_000}, () => {
  test("Node's musl build beside an older musl -> starts under its own loader, as itself, and so do its children", async () => {
    const report = `
      const {execFileSync} = require('node:child_process');
      const maps = require('node:fs').readFileSync('/proc/self/maps', 'utf8');
      console.log(JSON.stringify({
        execPath: process.execPath,
        child: execFileSync(process.execPath, ['-p', 'process.execPath'], {encoding: 'utf8'}).trim(),
        libraries: [...new Set(maps.match(/\\/\\S+\\.so[.0-9]*$/gm))].sort().map(path => path.replace(/x86_64|aarch64/, 'ARCH')),
      }));`;
    const {stdout, stderr} = await runIn('node', '-e', report);
    assert.deepEqual(JSON.parse(stdout || JSON.stringify(stderr)), {
      execPath: '/opt/node/bin/node',
      child: '/opt/node/bin/node',
      libraries: ['/opt/node/lib/ld-musl-ARCH.so.1', '/opt/node/lib/libgcc_s.so.1', '/opt/node/lib/libstdc++.so.6'],
    });
  });

  test("the same Node under the system's musl -> cannot run: the loader of its own is needed", async () => {
    const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
    const {code} = await runIn(
      `/lib/ld-musl-${machine}.so.1`,
      '--library-path',
      '/opt/node/lib',
      '/opt/node/bin/node',
      '--version',
    );
    assert.notEqual(code, 0);
  });

  test("the system's own loader and libraries -> as they were in the base", async () => {
    const [before, after] = [
      await podman('image', 'mount', 'docker.io/library/haproxy:1.7.5-alpine'),
      await podman('image', 'mount', image),
    ];
    const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
    for (const path of [`lib/ld-musl-${machine}.so.1`, 'bin/busybox', 'usr/local/sbin/haproxy']) {
      assert.ok((await readFile(join(before, path))).equals(await readFile(join(after, path))), path);
    }
  });

  test('a ping -> serves, is healthy, drains and exits 0, with no zombie', async () => {
    await using net = await openNamespaces();
    await using container = await startContainer({image, net, options: ['--tmpfs=/data:rw,mode=1777']});
    await container.waitFor(status => status.proxy.state === 'RUNNING', 'a running proxy');
    await container.slave(podIps[0]).ping();
    await container.waitFor(({inSync, hosts}) => inSync && hosts.web?.length === 1, 'a pod in the configuration');
    assert.equal((await tryPodman('healthcheck', 'run', container.id)).code, 0);
    assert.deepEqual(
      (await processesIn(container)).filter(({state}) => state === 'Z'),
      [],
    );
    await podman('stop', '--time=40', container.id);
    assert.equal(await container.exitCode(), 0, await container.logs());
  });

  test('what only the package server of Alpine can give -> was asked for and not executed', async t => {
    const {stdout} = await runIn('cat', '/apk-not-executed');
    assert.deepEqual(stdout.trim().split('\n'), ['add --no-cache iptables socat']);
    t.diagnostic(
      'not executed: RUN apk add --no-cache patchelf tini-static (stage node), RUN apk add --no-cache iptables socat',
    );
  });
});
