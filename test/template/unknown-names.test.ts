import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {findUndefinedNames, findUnknownApps} from '../../src/template/unknown-names.ts';

const undefinedIn = (template: string): string[] => findUndefinedNames(template).map(({message}) => message);

describe('undefined names', () => {
  for (const template of [
    '{{ hosts }}{{ pods }}{{ node }}{{ labels }}{{ annotations }}{{ env }}{{ certs }}{{ range(3) }}',
    '{% for app, ips in hosts.items() if ips %}{{ app }}{{ loop.index }}{% endfor %}',
    '{% set x = 1 %}{{ x }}',
    '{% set x %}{{ hosts }}{% endset %}{{ x }}',
    '{% if hosts %}{% set x = 1 %}{% elif pods %}{% set y = 1 %}{% endif %}{{ x }}{{ y }}',
    '{% macro m(a, b=1) %}{{ a }}{{ b }}{{ varargs }}{{ kwargs }}{{ caller() }}{{ later }}{{ n() }}{% endmacro %}' +
      '{% macro n() %}{% endmacro %}{% set later = 1 %}{{ m() }}',
    '{% macro m() %}{{ caller(1) }}{% endmacro %}{% call(a) m() %}{{ a }}{% endcall %}',
    '{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}',
    '{% set ns = namespace(a=1) %}{% for x in hosts %}{% set ns.a = 2 %}{% endfor %}{{ ns.a }}',
    "{{ x|default('y') }}{% if z is defined %}{{ z }}{% endif %}",
    '{% block b %}{{ super() }}{{ self.b }}{% endblock %}',
    '{% filter upper %}{{ hosts }}{% endfilter %}{{ hosts|map("length")|list }}',
  ]) {
    test(`${template} -> none`, () => assert.deepEqual(undefinedIn(template), []));
  }

  for (const [template, ...names] of [
    ['{{ host }}', "'host' is undefined; is it hosts?"],
    ['{% if nowhere %}{% endif %}', "'nowhere' is undefined"],
    ['{% for x in hosts %}{% endfor %}{{ x }}', "'x' is undefined"],
    ['{{ loop.index }}', "'loop' is undefined"],
    ['{% for x in hosts if y %}{% else %}{{ x }}{% endfor %}', "'y' is undefined", "'x' is undefined"],
    ['{% macro m(a) %}{% endmacro %}{{ a }}', "'a' is undefined"],
    ['{% with a = b %}{{ a }}{% endwith %}{{ a }}', "'b' is undefined", "'a' is undefined"],
    ['{% set ns.a = 1 %}', "'ns' is undefined"],
    ['{% for backend in hosts %}{{ bakend }}{% endfor %}', "'bakend' is undefined; is it backend?"],
  ] as const) {
    test(`${template} -> ${names.join(', ')}`, () => assert.deepEqual(undefinedIn(template), names));
  }
});

test('unknown apps, in each way of naming one -> with their places and what is near', () => {
  const template = '{{ hosts.wbe }}\n{{ hosts["web"] }}{{ hosts.get("other") }}{{ hosts.items() }}';
  assert.deepEqual(
    findUnknownApps(template, ['web', 'api']).map(({at, message}) => [at.lineno, message]),
    [
      [0, "hosts has no app 'wbe'; is it web?"],
      [1, "hosts has no app 'other': the apps are web, api"],
    ],
  );
});
