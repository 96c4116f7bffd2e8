import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {EXIT_CODES} from '../../src/errors.ts';
import {missing} from '../support/parts.ts';
import {runCommand} from './run-command.ts';

const DEPLOYMENT = fileURLToPath(new URL('../fixtures/deployment-2017.yaml', import.meta.url));
const HOSTS = '{"web": ["10.0.0.1", "10.0.0.2"]}';

const check = (template: string, ...args: string[]) => runCommand(['check', '--template', '-', ...args], template);

describe('check', {skip: missing('haproxy')}, () => {
  test('the deployment of 2017 with sample hosts -> valid', () => {
    const {status, stdout} = runCommand(['check', '--manifest', DEPLOYMENT]);
    assert.equal(status, 0);
    assert.match(stdout, /\(Deployment\/haproxy\): valid \(\d+ lines, \d+ warnings\)/);
  });

  test('a line that HAProxy refuses, from a loop -> VALIDATE with the line of the template', () => {
    const template = [
      'listen l',
      '  bind 127.0.0.1:1',
      '{% for app in hosts %}',
      '{% for ip in hosts[app] %}',
      '  serverx {{ app }} {{ ip }}:80',
      '{% endfor %}{% endfor %}',
    ].join('\n');
    const {status, stderr} = check(template, '--hosts', HOSTS);
    assert.equal(status, EXIT_CODES.VALIDATE);
    assert.match(stderr, /parsing \[-:5\] : unknown keyword 'serverx'/);
    assert.match(stderr, /rendered line 5: serverx web 10\.0\.0\.1:80/);
  });

  test('a line made by an expression, behind stripped blanks -> the line of the expression', () => {
    const {stderr} = check("listen l\n  bind 127.0.0.1:1\n\n  {%- set x = 'bogus' %}\n  {{ x }}\n");
    assert.match(stderr, /parsing \[-:5\] : unknown keyword 'bogus'/);
  });

  test('a template that binds nothing -> VALIDATE', () => {
    const {status, stderr} = check('backend b\n');
    assert.equal(status, EXIT_CODES.VALIDATE);
    assert.match(stderr, /binds no port/);
  });

  test('a template that names its apps -> sampled with those', () => {
    const template =
      'listen l\n  bind 127.0.0.1:1\n  server a {{ hosts.front[1] }}:80\n  server b {{ hosts["back-end"][0] }}:80\n';
    assert.equal(check(template).status, 0);
  });

  test('a template that cannot be rendered -> RENDER', () => {
    assert.equal(check('{{ 1 / 0 }}').status, EXIT_CODES.RENDER);
  });
});
