import assert from 'node:assert/strict';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {EXIT_CODES} from '../../src/errors.ts';
import {runCommand} from './run-command.ts';

const DEPLOYMENT = fileURLToPath(new URL('../fixtures/deployment-2017.yaml', import.meta.url));
const HOSTS = '{"web": ["10.0.0.1", "10.0.0.2"], "api": ["10.0.1.1"]}';

describe('render', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kontrol-render-'));
  after(() => rmSync(folder, {recursive: true}));
  const fileOf = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };

  test('the deployment of 2017 with hosts -> its configuration', () => {
    const {status, stdout, stderr} = runCommand(['render', '--manifest', DEPLOYMENT, '--hosts', HOSTS]);
    assert.equal(stderr, '');
    assert.equal(status, 0);
    assert.equal(
      stdout,
      '\nfrontend proxy\n  bind            *:80\n  default_backend service\n\nbackend service\n  mode tcp\n' +
        '  server api-1 10.0.1.1:2181\n  server web-1 10.0.0.1:2181\n  server web-2 10.0.0.2:2181\n',
    );
  });

  test('a template file and a hosts file -> the same with labels, environment and pods', () => {
    const template = fileOf('a.j2', '{{ env.KONTROL_COLOR }} {{ pods|map(attribute="ip")|join(" ") }} {{ labels }}');
    const {stdout} = runCommand(['render', '--template', template, '--hosts', fileOf('hosts.json', HOSTS)]);
    assert.equal(stdout, 'blue 10.0.0.1 10.0.0.2 10.0.1.1 {}\n');
  });

  for (const [what, args] of [
    ['template', ['--template', '/dev/zero']],
    ['manifest', ['--manifest', '/dev/zero', '--hosts', HOSTS]],
    ['hosts', ['--manifest', DEPLOYMENT, '--hosts', '/dev/zero']],
  ] as const) {
    test(`${what} without an end -> refused with the bound`, () => {
      const {status, stderr} = runCommand(['render', ...args]);
      assert.equal(status, EXIT_CODES.USAGE);
      assert.match(stderr, /cannot read \/dev\/zero: it is longer than 64 MiB\n$/);
    });
  }

  test('an empty name of a file -> refused with what may have made it so', () => {
    for (const args of [
      ['--template', ''],
      ['--manifest', DEPLOYMENT, '--hosts', ''],
    ]) {
      const {status, stderr} = runCommand(['render', ...args]);
      assert.equal(status, EXIT_CODES.USAGE);
      assert.match(stderr, /the name of a file is empty: is it from a variable that is not set\?\n$/);
    }
  });

  test('hosts or a manifest that are not UTF-8 -> refused with the place, nothing is replaced', () => {
    const file = join(folder, 'latin');
    writeFileSync(file, Buffer.from('{"w\xe9b": ["10.0.0.1"]}\n', 'latin1'));
    for (const args of [
      ['--manifest', file, '--hosts', HOSTS],
      ['--manifest', DEPLOYMENT, '--hosts', file],
    ]) {
      const {status, stderr} = runCommand(['render', ...args]);
      assert.equal(status, EXIT_CODES.USAGE);
      assert.match(stderr, /cannot read .*latin: it is not UTF-8 at byte 3 \(line 1\); save it as UTF-8\n$/);
    }
  });

  test('a template on stdin -> rendered', () => {
    assert.equal(
      runCommand(['render', '--template', '-', '--hosts', HOSTS], '{{ hosts.web[0] }}').stdout,
      '10.0.0.1\n',
    );
  });

  test('a Pod among several documents -> its annotation, its labels', () => {
    const pod = {
      kind: 'Pod',
      metadata: {name: 'p', labels: {tier: 'x'}, annotations: {'haproxy.unity3d.com/config': '{{ labels.tier }}'}},
    };
    const yaml = `kind: Service\nmetadata: {name: s}\n---\n${JSON.stringify(pod)}\n`;
    assert.equal(runCommand(['render', '--manifest', fileOf('p.yaml', yaml), '--hosts', '{}']).stdout, 'x\n');
  });

  test('two annotated objects -> USAGE that names them; --name chooses', () => {
    const one = (name: string) =>
      `kind: Pod\nmetadata:\n  name: ${name}\n  annotations:\n    haproxy.unity3d.com/config: "# ${name}"\n`;
    const path = fileOf('two.yaml', `${one('a')}---\n${one('b')}`);
    const {status, stderr} = runCommand(['render', '--manifest', path, '--hosts', '{}']);
    assert.equal(status, EXIT_CODES.USAGE);
    assert.match(stderr, /choose with --name Pod\/a or Pod\/b/);
    assert.equal(runCommand(['render', '--manifest', path, '--name', 'b', '--hosts', '{}']).stdout, '# b\n');
  });

  test('a faulty template -> RENDER with its line and an excerpt, which drives no terminal', () => {
    const {status, stdout, stderr} = runCommand(
      ['render', '--template', '-', '--hosts', HOSTS],
      'a\u001b[2J\n{{ hosts.x.y }}\n',
    );
    assert.equal(status, EXIT_CODES.RENDER);
    assert.equal(stdout, '');
    assert.match(stderr, /line 2, column 11: 'dict object' has no attribute 'x'/);
    assert.doesNotMatch(stderr, /[^\P{Cc}\n\t]/u);
    assert.match(stderr, / 1 \| a\n +2 \| \{\{ hosts\.x\.y \}\}\n +\| {11}\^/);
  });

  for (const [situation, args, reason] of [
    ['no template', ['--hosts', '{}'], /give either --template FILE or --manifest FILE/],
    ['no hosts', ['--template', '-'], /no hosts: give --hosts/],
    ['hosts that are no object', ['--template', '-', '--hosts', '[]'], /expected \{"app"/],
    ['an app that is no list', ['--template', '-', '--hosts', '{"web": "x"}'], /"web" is not a list of addresses/],
    [
      'an address that is none',
      ['--template', '-', '--hosts', '{"web": ["10.0.0"]}'],
      /"web" holds "10\.0\.0", which is/,
    ],
    ['hosts that are no JSON', ['--template', '-', '--hosts', '{web}'], /cannot read the hosts in --hosts/],
    ['a file that is not there', ['--template', '/nowhere.j2', '--hosts', '{}'], /cannot read \/nowhere\.j2/],
    ['an unknown option', ['--temlate', 'x'], /--template FILE +a Jinja2 template/],
    [
      'a manifest without annotation',
      ['--manifest', '/dev/null', '--hosts', '{}'],
      /no object in it has the annotation/,
    ],
  ] as const) {
    test(`${situation} -> USAGE that says what to do`, () => {
      const {status, stderr} = runCommand(['render', ...args]);
      assert.equal(status, EXIT_CODES.USAGE);
      assert.match(stderr, reason);
    });
  }
});
