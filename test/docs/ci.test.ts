import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {once} from 'node:events';
import {chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {parse} from 'yaml';
import type {CheckAnswer} from '../../src/http/status-actions.ts';
import {openFolder} from '../support/folder.ts';
import {freePort} from '../support/free-port.ts';
import {haproxyBinary, missing} from '../support/parts.ts';
import {blocksOf} from './blocks.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

const [github, gitlab] = [...readFileSync('docs/ci.md', 'utf8').matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(
  ([, text = '']) => parse(text),
);

const several =
  blocksOf('docs/ci.md')
    .find(({language}) => language === 'sh')
    ?.lines.join('\n') ?? '';

const TEMPLATE = `defaults
  mode http
  timeout connect 1s
  timeout client 1s
  timeout server 1s
listen web
  bind 127.0.0.1:1
  {%- for ip in hosts.web %}
  server web-{{ loop.index }} {{ ip }}:80
  {%- endfor %}
`;

const manifestOf = (template: string): string =>
  JSON.stringify({
    kind: 'Deployment',
    metadata: {name: 'haproxy'},
    spec: {template: {metadata: {annotations: {'haproxy.unity3d.com/config': template}}}},
  });

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A checkout with this template, in which commands run as in the image. */
async function openCheckout(template: string) {
  const folder = await openFolder();
  mkdirSync(join(folder.path, 'deploy'));
  mkdirSync(join(folder.path, 'bin'));
  const at = (path: string) => join(folder.path, path);
  writeFileSync(at('deploy/haproxy.yaml'), manifestOf(template));
  writeFileSync(at('deploy/hosts.json'), '{"web": ["10.0.0.1"]}');
  writeFileSync(at('bin/haproxy-kontrol'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  chmodSync(at('bin/haproxy-kontrol'), 0o755);
  const run = (line: string, env: Readonly<Record<string, string>> = {}): Promise<Ran> =>
    new Promise(resolve => {
      const paths = `${at('bin')}:${process.env.PATH}`;
      const options = {cwd: folder.path, env: {PATH: paths, KONTROL_HAPROXY: haproxyBinary, ...env}, timeout: 60_000};
      execFile('sh', ['-e', '-c', line], options, (error, stdout, stderr) =>
        resolve({code: error === null ? 0 : Number(error.code), stdout, stderr}),
      );
    });
  return {
    run,
    read: (path: string) => readFileSync(at(path), 'utf8'),
    path: folder.path,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** What stands for the daemon in production; it takes one token. */
async function startStatusPort(token: string) {
  const difference = {added: 1, removed: 0, text: '@@ -1,0 +1,1 @@\n+  server web-1 10.0.0.1:80\n', tooLarge: false};
  const answer: CheckAnswer = {works: true, findings: [], way: 'runtime', why: 'added web/web-1', difference, text: ''};
  const server = createServer((request, response) => {
    const isGood = request.url === '/check' && request.headers.authorization === `Bearer ${token}`;
    response.statusCode = isGood ? 200 : 401;
    response.end(JSON.stringify(isGood ? answer : {reason: 'send the token'}));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe('docs/ci.md', {skip: missing('haproxy'), timeout: 120_000}, () => {
  test('GitHub Actions -> a good template passes, and what it would change is in the summary; a bad one is told at its line', async () => {
    const [, check, live] = github.jobs.template.steps;
    await using checkout = await openCheckout(TEMPLATE);
    const good = await checkout.run(check.run);
    assert.deepEqual([good.code, good.stderr], [0, '']);
    await using port = await startStatusPort('open-sesame');
    const env = {STATUS_PORT: port.url, GITHUB_STEP_SUMMARY: join(checkout.path, 'summary.md')};
    assert.deepEqual(Object.keys(live.env).sort(), ['HAPROXY_KONTROL_TOKEN', 'STATUS_PORT']);
    assert.match(github.jobs.template.container.image, /^registry\.example\/haproxy-kontrol:/);
    for (const [wrong, words] of [
      [{...env, HAPROXY_KONTROL_TOKEN: 'wrong'}, /says: send the token/],
      // What GitHub makes of a secret or a variable that there is not.
      [{...env, HAPROXY_KONTROL_TOKEN: ''}, /cannot find the operators' token: none is given; set --token-file/],
      [
        {...env, HAPROXY_KONTROL_TOKEN: 'open-sesame', STATUS_PORT: ''},
        /cannot ask an empty address: it is no URL such as/,
      ],
    ] as const) {
      const {code, stderr} = await checkout.run(live.run, wrong);
      assert.equal(code, 64);
      assert.match(stderr, words);
    }
    const nobody = {...env, HAPROXY_KONTROL_TOKEN: 'open-sesame', STATUS_PORT: `http://127.0.0.1:${await freePort()}`};
    assert.equal((await checkout.run(live.run, nobody)).code, 13);
    writeFileSync(env.GITHUB_STEP_SUMMARY, '');
    const shown = await checkout.run(live.run, {...env, HAPROXY_KONTROL_TOKEN: 'open-sesame'});
    assert.deepEqual([shown.code, shown.stderr], [0, '']);
    assert.match(
      checkout.read('summary.md'),
      /^~~~diff\n[\s\S]*\nwould be told to the running HAProxy: added web\/web-1; \+1 -0 lines\n@@ .*\n\+ /,
    );

    await using broken = await openCheckout(TEMPLATE.replace('hosts.web', 'hosts.wbe'));
    const bad = await broken.run(check.run);
    assert.equal(bad.code, 7);
    assert.match(bad.stdout, /^::error file=deploy\/haproxy\.yaml,line=\d+.*::hosts has no app 'wbe'; is it web\?/m);
  });

  test('GitLab CI -> a report in its place; the text that is expected, and another one', async () => {
    const {script, artifacts} = gitlab.template;
    await using checkout = await openCheckout(TEMPLATE);
    const env = {CI_PROJECT_DIR: checkout.path};
    const [report, golden] = script;
    assert.equal((await checkout.run(report, env)).code, 0);
    assert.match(checkout.read(artifacts.reports.junit), /<testsuites tests="\d" failures="0" errors="0">/);
    assert.equal((await checkout.run(golden, env)).code, 64);
    assert.equal((await checkout.run(`${golden} --update`, env)).code, 0);
    assert.equal((await checkout.run(golden, env)).code, 0);
    assert.match(checkout.read('deploy/expected.cfg'), /server web-1 10\.0\.0\.1:80/);
    writeFileSync(join(checkout.path, 'deploy/haproxy.yaml'), manifestOf(TEMPLATE.replace(':80', ':8080')));
    assert.equal((await checkout.run(golden, env)).code, 8);
    writeFileSync(join(checkout.path, 'deploy/haproxy.yaml'), manifestOf(TEMPLATE.replace('bind', 'bnd')));
    assert.equal((await checkout.run(report, env)).code, 8);
    assert.match(
      checkout.read(artifacts.reports.junit),
      /failures="1"[\s\S]*<failure message="unknown keyword &apos;bnd&apos;/,
    );
    assert.equal((await checkout.run(report, {...env, KONTROL_HAPROXY: '/nowhere/haproxy'})).code, 4);
  });

  test('several files -> each is checked, whatever their names; the last that is no good says how it ends', async () => {
    await using checkout = await openCheckout(TEMPLATE);
    writeFileSync(join(checkout.path, 'a bad one.yaml'), manifestOf('bogus\n'));
    writeFileSync(join(checkout.path, 'of windows.yaml'), manifestOf(TEMPLATE).replaceAll('\n', '\r\n'));
    const {code, stdout} = await checkout.run(several);
    assert.equal(code, 8);
    assert.match(stdout, /^a bad one\.yaml \(.*: not valid[\s\S]*^of windows\.yaml \(.*: valid, with sample pods/m);
    rmSync(join(checkout.path, 'a bad one.yaml'));
    assert.equal((await checkout.run(several)).code, 0);
  });
});
