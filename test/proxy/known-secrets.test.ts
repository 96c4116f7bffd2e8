import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {createKnownSecrets} from '../../src/proxy/known-secrets.ts';
import {hideTemplateSecrets, secretsOfTemplate} from '../../src/proxy/template-secrets.ts';

const withPassword = (password: string) => `userlist u\n  user a insecure-password ${password}\n`;

describe('known secrets', () => {
  test('of configurations and templates -> hidden in what is said from then on', () => {
    const secrets = createKnownSecrets();
    assert.equal(secrets.hide('found one-two'), 'found one-two');
    secrets.learn(withPassword('one-two'));
    secrets.learnTemplate(withPassword('three-four'));
    assert.equal(secrets.hide('found one-two, three-four'), 'found ***, ***');
  });

  test('of the last 16 texts -> hidden; older ones are forgotten, but for those that came again', () => {
    const secrets = createKnownSecrets();
    for (let index = 10; index < 26; index += 1) secrets.learn(withPassword(`secret${index}`));
    assert.equal(secrets.hide('secret10 secret11'), '*** ***');
    secrets.learn(withPassword('secret10'));
    secrets.learn(withPassword('another1'));
    assert.equal(secrets.hide('secret10 secret11 secret12 another1'), '*** secret11 *** ***');
  });

  test('a value of JSON -> strings are hidden at any depth; names, numbers and the value itself stay', () => {
    const secrets = createKnownSecrets();
    secrets.learn(withPassword('12345'));
    const value = {12345: 12345, list: ['x 12345', {a: '12345'}], no: null, yes: true};
    const hidden = {12345: 12345, list: ['x ***', {a: '***'}], no: null, yes: true};
    assert.deepEqual(secrets.hideInValue(value), hidden);
    assert.equal(value.list[0], 'x 12345');
  });

  test('a line of JSON -> values are hidden at any depth; what is ours, names and numbers stay', () => {
    const secrets = createKnownSecrets();
    secrets.learn(withPassword('12345') + withPassword('applied'));
    const line = {
      level: 30,
      room: 'applied',
      msg: 'applied',
      pid: 12345,
      applied: ['x 12345', {err: 'applied', no: null}],
    };
    assert.deepEqual(JSON.parse(secrets.hideInLine(`${JSON.stringify(line)}\n`)), {
      ...line,
      applied: ['x ***', {err: '***', no: null}],
    });
    const other = '{"msg":"nothing"}\n';
    const cut = JSON.stringify({line: '  ...cret1" x', other: `  ${'"'.repeat(72)}'topsecr`});
    secrets.learn(withPassword('topsecret1'));
    assert.deepEqual(JSON.parse(secrets.hideInLine(`${cut}\n`)), {
      line: '  ...***" x',
      other: `  ${'"'.repeat(72)}'***`,
    });
    assert.equal(secrets.hideInLine(other), other);
    assert.match(secrets.hideInLine('{"a":"12345"}\n'), /\n$/);
  });
});

describe('secrets of a template', () => {
  const TEMPLATE = `
{# the shop's password is elsewhere #}
{% set db_password = 'hunter2' %}
{% macro auth(user, pw="hunter3", pin_token='abc', other_token='ab') %}{% endmacro %}
{% set region = 'frankfurt-one' %}
userlist people
  user bob insecure-password hunter4 {% if x %}groups a{% endif %}
{% for member in pods if member.app == 'checkout-service' %}
  server {{ member.id }} {{ member.ip }}:80 check
{% endfor %}
`;

  test('what its lines and its sensitive names hold -> secrets; names of apps, of Jinja -> none', () => {
    assert.deepEqual([...secretsOfTemplate(TEMPLATE)].sort(), ['abc', 'hunter2', 'hunter3', 'hunter4']);
  });

  for (const template of [
    'stats auth admin:{{ cfg | default("hunter2x") }}',
    'listen l\n  user bob insecure-password {{ "hunter2x" | lower }}',
    'frontend f\n  http-request set-header Authorization "Bearer {{ "hunter2x" }}"',
    '{% set passwords = ["a", "hunter2x"] %}',
    '{% set users = {"bob": "hunter2x"} %}',
    '{% set c = {"token": {"v": "hunter2x"}} %}',
    '{% set password = "a" ~ "hunter2x" %}',
    '{% set token = "a" if b else "hunter2x" %}',
    '{% set password = "a\\"hunter2x" %}',
    '{{ auth("bob", "hunter2x") }}',
    '{# the password is hunter2x #}',
    '{% set password = "hunter2x %}',
    '{% set password "hunter2x" %}',
    '{% set password = hunter2x" %}',
    '{{ "hunter2x" + 5 }}',
    '{% set pair = "bob:hunter2x" %}',
    '{% set dsn = "postgres://bob:hunter2x@db/shop" %}',
    '{% set a = "Bearer hunter2x" %}',
    '{% set a = "/?user=a&password=hunter2x" %}',
  ]) {
    test(`${JSON.stringify(template)} -> its credential is known`, () => {
      assert.ok([...secretsOfTemplate(template)].some(secret => secret === 'hunter2x'));
      assert.ok(!hideTemplateSecrets(template).includes('hunter2x'));
    });
  }

  for (const [what, template, shown] of [
    ['a key with signs', '{{ "p-w0rd_x!k7" + 5 }}', '{{ "***" + 5 }}'],
    ['a text that says what it is', '{{ "the-secret" + 5 }}', '{{ "***" + 5 }}'],
    ['a comment that tells of one', 'mode http # pw: correct horse', 'mode http # ***'],
    [
      'a comment of Jinja that does, of many lines',
      '{# the password:\n  correct horse #}\n{{ a }}',
      '{# ***\n  *** #}\n{{ a }}',
    ],
    ['a text of many lines', '{% set password = "a bc\ndef gh" %}', '{% set password = "***\n***" %}'],
    [
      'what tells nothing',
      '{# pods #}\n# of shops\n{{ hosts["web-1"] }} # "a"',
      '{# pods #}\n# of shops\n{{ hosts["web-1"] }} # "a"',
    ],
  ] as const) {
    test(`excerpt of ${what} -> ${JSON.stringify(shown)}`, () => {
      assert.equal(hideTemplateSecrets(template), shown);
    });
  }
});
