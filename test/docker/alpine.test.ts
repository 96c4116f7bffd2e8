import assert from 'node:assert/strict';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {before, describe, test} from 'node:test';
import type {Instruction} from 'dockerfile-ast';
import {openNamespaces, podIps} from '../support/namespaces.ts';
import {startContainer} from './container.ts';
import {hasMuslNode, alpineImage as image, imageSuite, untilBuilt} from './images.ts';
import {instructionsOf, lineOf} from './lint.ts';
import {podman, tryPodman} from './podman.ts';
import {processesIn} from './processes.ts';

// The image as it comes out of alpine-3.5/Dockerfile on stand-ins (docker/test/bases.sh): all but what Alpine's package
// server gives, and Node for musl where no real base of it is given.

const root = new URL('../../', import.meta.url);

const runIn = (...argv: string[]) =>
  tryPodman('run', '--rm', '--network=none', `--entrypoint=${argv[0]}`, image, ...argv.slice(1));

const OWN_LIBRARIES = ['ld-musl-ARCH.so.1', 'libgcc_s.so.1', 'libstdc++.so.6'].map(name => `/opt/node/lib/${name}`);

describe('the Alpine image, on stand-ins', imageSuite(), () => {
  before(untilBuilt);

  test('Node beside the libraries of the system -> starts under its own loader, as itself, and so do its children', async () => {
    const report = `
      const {execFileSync} = require('node:child_process');
      const maps = require('node:fs').readFileSync('/proc/self/maps', 'utf8');
      console.log(JSON.stringify({
        execPath: process.execPath,
        child: execFileSync(process.execPath, ['-p', 'process.execPath'], {encoding: 'utf8'}).trim(),
        libraries: [...new Set(maps.match(/\\/\\S+\\.so[.0-9]*$/gm))].sort().map(path => path.replace(/x86_64|aarch64/, 'ARCH')),
      }));`;
    const {stdout, stderr} = await runIn('node', '-e', report);
    assert.notEqual(stdout, '', stderr);
    const {libraries, ...paths} = JSON.parse(stdout) as {readonly libraries: readonly string[]};
    assert.deepEqual(paths, {execPath: '/opt/node/bin/node', child: '/opt/node/bin/node'});
    // The stand-in for glibc has libraries that a Node for musl does not need: they are the system's.
    const own = hasMuslNode ? libraries : libraries.filter(path => path.startsWith('/opt/'));
    assert.deepEqual(own, OWN_LIBRARIES);
  });

  // No machine can be asked for it: neither npm nor Debian has one. The last test says that it was not there.
  if (hasMuslNode) {
    test("Node for musl under the system's older musl -> cannot run: the loader of its own is needed", async () => {
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
  }

  test("the system's own loader and libraries -> as they were in the base", async () => {
    const [base, built] = [
      await podman('image', 'mount', 'docker.io/library/haproxy:1.7.5-alpine'),
      await podman('image', 'mount', image),
    ];
    const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
    for (const path of [`lib/ld-musl-${machine}.so.1`, 'bin/busybox', 'usr/local/sbin/haproxy']) {
      assert.ok((await readFile(join(base, path))).equals(await readFile(join(built, path))), path);
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

  test('what only the package server of Alpine can give -> was asked for, is not executed, and the documentation says so', async t => {
    const instructions = instructionsOf(await readFile(new URL('alpine-3.5/Dockerfile', root), 'utf8'));
    const [asked, ofNode] = [/^RUN apk /, /\/opt\/node|--from=node/].map(pattern =>
      instructions.filter(instruction => pattern.test(instruction.getTextContent())),
    );
    assert.ok(asked?.length && ofNode?.length);
    const {stdout} = await runIn('head', '-n', '1', '/apk-not-executed');
    assert.equal(`RUN apk ${stdout.trim()}`, asked.at(-1)?.getTextContent());
    const documentation = await readFile(new URL('docs/images.md', root), 'utf8');
    for (const instruction of asked) {
      assert.ok(documentation.includes(instruction.getTextContent()), located(instruction));
      t.diagnostic(`not executed: ${located(instruction)}`);
    }
    if (hasMuslNode) return;
    for (const instruction of ofNode) t.diagnostic(`executed, but with Node for glibc: ${located(instruction)}`);
    t.diagnostic('KONTROL_NODE_ALPINE names a tar file of the root of the real base, to see Node for musl');
  });
});

const located = (instruction: Instruction): string =>
  `alpine-3.5/Dockerfile:${lineOf(instruction)}: ${instruction.getTextContent().replace(/ \\\n.*/s, ' ...')}`;
