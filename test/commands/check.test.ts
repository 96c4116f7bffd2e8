import assert from 'node:assert/strict';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {checkWith} from '../../src/commands/check.ts';
import {EXIT_CODES} from '../../src/errors.ts';
import {createRenderer} from '../../src/template/renderer.ts';
import {haproxyBinary, haproxyLacksTls, missing} from '../support/parts.ts';
import {callCommand} from './call-command.ts';
import {runCommand} from './run-command.ts';

const DEPLOYMENT = fileURLToPath(new URL('../fixtures/deployment-2017.yaml', import.meta.url));
const HOSTS = '{"web": ["10.0.0.1", "10.0.0.2"]}';

const folder = mkdtempSync(join(tmpdir(), 'kontrol-check-test-'));
after(() => rmSync(folder, {recursive: true}));
const fileOf = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const renderer = createRenderer({timeoutMs: 20_000});
after(() => renderer[Symbol.dispose]());
const tools = {renderer, haproxy: haproxyBinary, env: {}};
const call = (...args: string[]) => callCommand('check', given => checkWith(given, tools), args);
const check = (template: string, ...args: string[]) => call('--template', fileOf('t.j2', template), ...args);

const LISTEN =
  'listen l\n  mode http\n  timeout client 1s\n  timeout server 1s\n  timeout connect 1s\n  bind 127.0.0.1:1\n';

/** A Deployment as people write one, behind another document. */
const manifestOf = (template: string, annotations = ''): string => `kind: Service
metadata: {name: s}
---
kind: Deployment
metadata:
  name: haproxy
spec:
  template:
    metadata:
      annotations:${annotations}
        haproxy.unity3d.com/config: | # the template
${template.replace(/^(?=.)/gm, '          ')}
`;
const FIRST_LINE = 12;

describe('check', {skip: missing('haproxy')}, () => {
  test('the deployment of 2017 -> valid with sample pods and without any', () => {
    const {status, stdout} = runCommand(['check', '--manifest', DEPLOYMENT]);
    assert.equal(status, 0);
    assert.match(
      stdout,
      /\(Deployment\/haproxy\): valid, with sample pods \(\d+ lines, \d+ warnings?\)\n.*: valid, without any pod \(/,
    );
  });

  test('a line that HAProxy refuses, from a loop -> VALIDATE with the line of the template', async () => {
    const template = `${LISTEN}{% for app in hosts %}\n{% for ip in hosts[app] %}\n  serverx {{ app }} {{ ip }}:80\n{% endfor %}{% endfor %}`;
    const {status, stderr} = await check(template, '--hosts', HOSTS);
    assert.equal(status, EXIT_CODES.VALIDATE);
    assert.match(stderr, /^error: \S+t\.j2:9: unknown keyword 'serverx'/m);
    assert.match(stderr, /rendered line 9: serverx web 10\.0\.0\.1:80/);
  });

  test('lines of a manifest, where rendering and where HAProxy fails -> those of the YAML file', async () => {
    const refused = fileOf('refused.yaml', manifestOf(`${LISTEN}\n  {%- set x = 'bogus' %}\n  {{ x }}\n`));
    const {stderr} = await call('--manifest', refused);
    assert.match(stderr, new RegExp(`refused\\.yaml:${FIRST_LINE + 8}: unknown keyword 'bogus'`));
    const failed = fileOf('failed.yaml', manifestOf(`${LISTEN}  # {{ hosts.x.y }}\n`));
    const told = await call('--manifest', failed, '--hosts', '{}');
    assert.equal(told.status, EXIT_CODES.RENDER);
    assert.match(told.stderr, new RegExp(`failed\\.yaml:${FIRST_LINE + 6}:25: 'dict object' has no attribute 'x'`));
    assert.match(told.stderr, new RegExp(` ${FIRST_LINE + 6} \\|   # \\{\\{ hosts\\.x\\.y`));
    const [line = ''] = readFileSync(failed, 'utf8')
      .split('\n')
      .slice(FIRST_LINE + 5);
    assert.equal(line.slice(24, 26), '.y');
  });

  test('a manifest on stdin, as from helm -> checked as a file is', () => {
    const {status, stdout} = runCommand(['check', '--manifest', '-'], readFileSync(DEPLOYMENT, 'utf8'));
    assert.deepEqual([status, /^- \(Deployment\/\w+\): valid, with sample pods/.test(stdout)], [0, true], stdout);
  });

  test('a manifest with several objects and a ConfigMap -> each is checked; the worst says how it ends', async () => {
    const configMap = `---\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  proxy.j2: |\n    listen l\n      bogus\n`;
    const path = fileOf('all.yaml', manifestOf(LISTEN) + configMap);
    const {status, stdout, stderr} = await call('--manifest', path, '--key', 'proxy.j2', '--hosts', HOSTS);
    assert.equal(status, EXIT_CODES.VALIDATE);
    assert.match(stdout, /\(Deployment\/haproxy\): valid \(.*\n.*\(ConfigMap\/c\): not valid \(1 error, /);
    assert.match(stderr, /all\.yaml:25: unknown keyword 'bogus'/);
    assert.equal((await call('--manifest', path, '--key', 'proxy.j2', '--name', 'haproxy')).status, 0);
  });

  test('certificates of the annotation -> stand-ins, alone and as a folder', {skip: haproxyLacksTls()}, async () => {
    const annotation = '\n        haproxy.unity3d.com/tls: secret-a,secret-b';
    const template = `${LISTEN}  bind 127.0.0.1:2 ssl crt {{ certs['secret-a'] }}\n  bind 127.0.0.1:3 ssl crt /data/certs/\n`;
    const {status, stderr} = await call('--manifest', fileOf('tls.yaml', manifestOf(template, annotation)), '--strict');
    assert.equal(stderr, '');
    assert.equal(status, 0);
  });

  test('a template that binds nothing -> VALIDATE', async () => {
    const {status, stderr} = await check('backend b\n', '--hosts', HOSTS);
    assert.equal(status, EXIT_CODES.VALIDATE);
    assert.match(stderr, /binds no port/);
  });

  test('a template that needs its pods -> sampled with those; that it fails without any is a warning', async () => {
    const template = `${LISTEN}  server a {{ hosts.front[1] }}:80\n  server b {{ hosts["back-end"][0] }}:80\n`;
    const {status, stderr} = await check(template);
    assert.equal(status, 0);
    assert.match(stderr, /^warning: \S+:7:\d+: 'dict object' has no attribute 'front' \(without any pod: .* waits/);
    assert.equal((await check(template, '--werror')).status, EXIT_CODES.RENDER);
  });

  test('a misspelt app and a name that nothing defines -> refused with --apps and --strict, with what is near', async () => {
    const template = `${LISTEN}{% for ip in hosts.wbe %}\n  server {{ nme }} {{ ip }}:80\n{% endfor %}`;
    assert.equal((await check(template, '--hosts', HOSTS)).status, 0);
    const {status, stderr} = await check(template, '--strict', '--hosts', HOSTS);
    assert.equal(status, EXIT_CODES.RENDER);
    assert.match(stderr, /t\.j2:7:\d+: hosts has no app 'wbe'; is it web\?/);
    assert.match(stderr, /t\.j2:8:\d+: 'nme' is undefined/);
    const named = await check(template, '--apps', 'web,api');
    assert.match(named.stderr, /hosts has no app 'wbe'/);
    assert.doesNotMatch(named.stderr, /'nme' is undefined/);
  });

  test('warnings of HAProxy -> 0, and with --werror VALIDATE', async () => {
    const template = 'listen l\n  mode http\n  bind 127.0.0.1:1\n';
    const {status, stderr} = await check(template, '--hosts', '{}');
    assert.equal(status, 0);
    assert.match(stderr, /^warning: \S+t\.j2/);
    assert.equal((await check(template, '--hosts', '{}', '--werror')).status, EXIT_CODES.VALIDATE);
  });

  test('--expect -> --update writes it; the same passes, with line ends of Windows too; another text is refused with the difference', async () => {
    const expected = join(folder, 'expected.cfg');
    const template = `${LISTEN}{% for ip in hosts.web %}  server s{{ loop.index }} {{ ip }}:80\n{% endfor %}`;
    const absent = await check(template, '--hosts', HOSTS, '--expect', expected);
    assert.match(absent.stderr, /--update writes it/);
    assert.equal((await check(template, '--hosts', HOSTS, '--expect', expected, '--update')).status, 0);
    assert.match(readFileSync(expected, 'utf8'), /server s2 10\.0\.0\.2:80/);
    assert.equal((await check(template, '--hosts', HOSTS, '--expect', expected)).status, 0);
    writeFileSync(expected, readFileSync(expected, 'utf8').replaceAll('\n', '\r\n'));
    assert.equal((await check(template, '--hosts', HOSTS, '--expect', expected)).status, 0);
    const {status, stderr} = await check(`${template}  retries 2\n`, '--hosts', HOSTS, '--expect', expected);
    assert.equal(status, EXIT_CODES.VALIDATE);
    assert.match(stderr, /another text than .* comes out: \+1 -0 lines[\s\S]*\n\+ {2}retries 2/);
  });

  test('--format -> what CI reads is on stdout alone', async () => {
    const json = await check('{{ 1 / 0 }}', '--format', 'json');
    assert.equal(json.status, EXIT_CODES.RENDER);
    assert.equal(json.stderr, '');
    const {valid, templates} = JSON.parse(json.stdout);
    assert.deepEqual([valid, templates[0].findings[0].line], [false, 1]);
    const wrong = await check('x', '--format', 'xml');
    assert.equal(wrong.status, EXIT_CODES.USAGE);
    assert.match(wrong.stderr, /--format xml is none of text, github, junit, json/);
  });

  test('a file that only the image has -> says so', async () => {
    const {status, stderr} = await check(`${LISTEN}  errorfile 503 /opt/image/503.http\n`, '--hosts', '{}');
    assert.equal(status, EXIT_CODES.VALIDATE);
    assert.match(
      stderr,
      /\/opt\/image\/503\.http is not on this machine; where the image has it, run the check in the/,
    );
  });

  test('files of Windows, with carriage returns and a byte order mark -> checked as others are, at the same lines', async () => {
    const template = `${LISTEN}{% for ip in hosts.web %}\n  serverx a {{ ip }}:80\n{% endfor %}`;
    const hosts = fileOf('hosts of windows.json', `\uFEFF${HOSTS}\r\n`);
    const manifest = fileOf('of windows, 100%.yaml', `\uFEFF${manifestOf(template).replaceAll('\n', '\r\n')}`);
    const {status, stdout} = await call('--manifest', manifest, '--hosts', hosts, '--format', 'github');
    assert.equal(status, EXIT_CODES.VALIDATE);
    assert.match(
      stdout,
      new RegExp(`^::error file=\\S+/of windows%2C 100%25\\.yaml,line=${FIRST_LINE + 7}::unknown keyword`),
    );
    const bare = await check(template.replaceAll('\n', '\r\n'), '--hosts', hosts);
    assert.match(bare.stderr, /t\.j2:8: unknown keyword 'serverx'/);
  });

  test('what does not go together -> USAGE', async () => {
    const two = fileOf(
      'two.yaml',
      `${manifestOf(LISTEN)}---\n${manifestOf(LISTEN).replace('name: haproxy', 'name: b')}`,
    );
    assert.match((await call('--manifest', two, '--expect', 'x')).stderr, /choose with --name Deployment\/haproxy or/);
    assert.match((await check('x', '--update')).stderr, /--update writes the file that --expect names/);
    assert.match((await check('x', '--apps', ' ,')).stderr, /--apps names none: write --apps web,api/);
  });
});
