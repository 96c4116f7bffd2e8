import assert from 'node:assert/strict';
import {existsSync} from 'node:fs';
import {after, describe, test} from 'node:test';
import {DaemonError} from '../../src/errors.ts';
import {createRenderer} from '../../src/template/renderer.ts';
import {inputOf, never} from './fixtures.ts';

/** What a probe would leave behind, or print, if its code ran. */
const CANARY = `/tmp/kontrol-canary-${process.pid}`;
const RUN = `globalThis.process.mainModule.require("fs").writeFileSync("${CANARY}","x")`;

const hosts = new Map([
  ['web', ['10.0.0.1']],
  ['constructor', ['10.0.0.2']],
  ['__proto__', ['10.0.0.3']],
]);

/** Each is rendered; it may print what Jinja2 would, or raise: it may not run, read or change anything of ours. */
const PROBES: Readonly<Record<string, readonly string[]>> = {
  'constructor chains': [
    'hosts',
    'hosts.web',
    'hosts.web[0]',
    "''",
    '1',
    '1.5',
    'true',
    'none',
    '[]',
    '{}',
    '(1,)',
    'range(3)',
    'range',
    'dict',
    'loop',
    'self',
    'missing',
    "'a'.upper",
    '[].append',
    '{}.items',
    '{}.items()',
    "cycler('a')",
    'joiner()',
    'namespace()',
    "'<'|e",
    "[1]|map('string')",
    'pods',
    'node',
    'labels',
    'env',
  ].flatMap(value => [
    `{{ (${value}).constructor.constructor('${RUN}')() }}`,
    `{{ (${value})['constructor']['constructor']('${RUN}')() }}`,
    `{{ (${value}).__proto__.constructor('${RUN}')() }}`,
    `{{ ((${value})|attr('constructor')|attr('constructor'))('${RUN}')() }}`,
    `{{ (${value}).call.constructor('${RUN}')() }}`,
    `{{ (${value}).__class__.__mro__[1].__subclasses__() }}`,
    `{{ (${value}).__init__.__globals__ }}`,
  ]),
  'code in strings': ['"', "'", '`', '\\\\', '${', '*/', '//', '\\u2028', '\\n', '</script>'].flatMap(quote => [
    `{{ '${quote === "'" ? "\\'" : quote});${RUN};(' }}`,
    `{{ ["${quote === '"' ? '\\"' : quote}+${RUN}+"] }}`,
    `${quote});${RUN};//{{ 1 }}`,
    `{{ hosts["${quote === '"' ? '\\"' : quote}];${RUN};["] }}`,
  ]),
  'code in names': [
    `{% set a;${RUN};b = 1 %}`,
    `{{ a;${RUN} }}`,
    `{{ a\`${RUN}\` }}`,
    '{{ a\\u0022b }}',
    `{% for a=${RUN} in [1] %}{% endfor %}`,
    `{% block a(){};${RUN};function_b %}{% endblock %}`,
    `{% macro a(b=(${RUN})) %}{{ b }}{% endmacro %}{{ a() }}`,
    `{% macro constructor() %}{% endmacro %}{{ constructor.constructor('${RUN}')() }}`,
    `{{ 1|constructor('${RUN}') }}`,
    `{{ 1|__proto__ }}`,
    `{{ 1|toString }}`,
    `{{ 1|a.b.c('${RUN}') }}`,
    `{{ 1 is constructor('${RUN}') }}`,
    `{{ 1 is __proto__ }}`,
    `{{ [1]|map('constructor', '${RUN}')|list }}`,
    `{{ [1]|select('constructor')|list }}`,
    `{{ [1]|map('__proto__')|list }}`,
    `{{ constructor }}{{ __proto__ }}{{ toString() }}{{ process.exit(1) }}{{ globalThis }}{{ require('fs') }}`,
    `{{ this.constructor }}{{ arguments }}{{ eval('${RUN}') }}{{ Function('${RUN}')() }}`,
    `{{ context }}{{ env.constructor('${RUN}') }}{{ frame }}{{ runtime }}{{ cb() }}{{ environment }}`,
    `{{ dict(constructor=1, __proto__=2).constructor }}`,
    `{{ namespace(__proto__=1).__proto__.x }}`,
  ],
  'prototype pollution': [
    "{% set ns = namespace() %}{% set ns.__proto__ = {'polluted': 1} %}{% set ns.constructor = 1 %}{{ ns.x }}",
    "{% set d = {'__proto__': {'polluted': 'x'}, 'constructor': 'x'} %}{{ d.polluted }}{{ {}.polluted }}",
    "{% set _ = {}.update({'__proto__': {'polluted': 1}}) %}{{ [].polluted }}",
    "{% set _ = {}.setdefault('__proto__', {}).update({'polluted': 1}) %}{{ {}.polluted }}",
    "{{ {}.__proto__.polluted }}{{ dict(__proto__={'polluted': 1}).polluted }}",
    "{{ '{0.__proto__.constructor}'.format('a') }}",
    "{{ '{0.constructor.constructor}'.format([]) }}",
    "{{ '%(constructor)s' % {} }}",
    "{{ [{'a': 1}]|map(attribute='__proto__.constructor')|list }}",
    "{{ [{'a': 1}]|sort(attribute='constructor.name') }}{{ [{}]|groupby('__proto__')|list }}{{ [{}]|sum('constructor') }}",
  ],
  'regular expressions and symbols': [
    `{{ r/a/g }}`,
    `{{ r/(a+)+$/.exec('${'a'.repeat(40)}!') }}`,
    `{{ r/x/.constructor.constructor('${RUN}')() }}`,
    '{{ Symbol.iterator }}{{ hosts[Symbol.iterator] }}',
    "{{ hosts['@@iterator'] }}{{ ''[Symbol.toPrimitive] }}",
    '{{ a === b }}',
    '{{ a !== b }}',
    '{% switch 1 %}{% case 1 %}{% endswitch %}',
    '{% asyncEach a in [1] %}{% endeach %}',
    '{% verbatim %}{% endverbatim %}',
    '{% ifAsync 1 %}{% endif %}',
  ],
  'other templates and files': [
    "{% include '/etc/passwd' %}",
    "{% extends '/etc/passwd' %}",
    "{% import '/etc/passwd' as p %}{{ p }}",
    "{% from '/etc/passwd' import root %}",
    "{% include ['/etc/passwd', '../../etc/passwd'] ignore missing %}",
    "{{ open('/etc/passwd').read() }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ lipsum.__globals__['os'] }}{{ self._TemplateReference__context }}",
    '{{ env.PATH }}{{ env.HOME }}{{ process.env }}',
  ],
  'changes to the input': [
    "{{ hosts.web.append('evil') }}",
    "{{ hosts.update({'evil': []}) }}",
    '{{ hosts.clear() }}',
    "{{ hosts.pop('web') }}",
    "{{ hosts.setdefault('evil', []) }}",
    '{{ hosts.web.sort() }}{{ hosts.web.reverse() }}',
    "{{ labels.update({'a': 'b'}) }}",
    '{% set hosts.web = 1 %}',
  ],
  bombs: [
    '{{ range(1000000000)|list }}',
    "{{ 'a' * 1000000000 }}",
    '{{ [0] * 1000000000 }}',
    '{{ 9 ** 9 ** 9 }}',
    '{{ 2 ** 100000000 }}',
    "{{ '%1000000000d' % 1 }}",
    "{{ '%.1000000000f' % 1 }}",
    "{{ '{:1000000000}'.format(1) }}",
    "{{ '{:.1000000000f}'.format(1.5) }}",
    "{{ 'a'.center(1000000000) }}{{ 'a'.ljust(1000000000) }}",
    "{{ 'a'.zfill(1000000000) }}",
    "{{ 'a'|center(1000000000) }}",
    "{{ 'a'|indent(1000000000, true) }}",
    "{{ '\\t'.expandtabs(1000000000) }}",
    "{{ ('a' * 1000000)|replace('a', 'a' * 1000000) }}",
    "{{ ('a' * 1000000).replace('', 'a' * 1000000) }}",
    '{{ [1]|batch(1000000000, 0)|list }}',
    '{{ [1]|slice(1000000000)|list }}',
    '{{ lipsum(1000000000) }}',
    "{{ (['a' * 1000000] * 1000)|join }}",
    "{% set ns = namespace(a='a') %}{% for i in range(64) %}{% set ns.a = ns.a ~ ns.a %}{% endfor %}{{ ns.a }}",
    '{% set ns = namespace(a=[1]) %}{% for i in range(64) %}{% set ns.a = ns.a + ns.a %}{% endfor %}',
    '{% set ns = namespace(a=[1]) %}{% for i in range(64) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a }}',
    '{% set ns = namespace(a=2) %}{% for i in range(64) %}{% set ns.a = ns.a * ns.a %}{% endfor %}{{ ns.a }}',
    '{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}',
    '{% set a = [] %}{% set _ = a.append(a) %}{{ a }}{{ a|tojson }}',
    '{% set a = [1] %}{% for x in a %}{% set _ = a.append(x) %}{% endfor %}',
    `{{ ${'('.repeat(20000)}1${')'.repeat(20000)} }}`,
    `{{ ${'['.repeat(20000)}${']'.repeat(20000)} }}`,
    `{{ ${'-'.repeat(20000)}1 }}`,
    `${'{% if 1 %}'.repeat(20000)}${'{% endif %}'.repeat(20000)}`,
    `{{ 1${'|abs'.repeat(20000)} }}`,
    `{{ ('a' * 50000 ~ '!')|urlize }}{{ ('<' * 50000)|striptags|length }}{{ ('a@' * 20000)|urlize|length }}`,
    "{{ (' ' * 100000 ~ 'x')|trim|wordcount }}{{ ('-' * 50000)|wordwrap(3)|length }}{{ ('a ' * 50000)|title|length }}",
  ],
};

/** A probe of this kind may take its whole time. */
const TIMEOUT_MS = 10_000;

describe('attack', () => {
  const renderer = createRenderer({timeoutMs: TIMEOUT_MS});
  after(() => renderer[Symbol.dispose]());

  const attempt = (template: string): Promise<string> =>
    renderer
      .render(inputOf(template, {hosts, labels: {app: 'haproxy'}, env: {KONTROL_TTL: '25'}}), never)
      .catch((error: unknown) => {
        assert.ok(error instanceof DaemonError && error.code === 'RENDER', `${template.slice(0, 200)}: ${error}`);
        return error.message;
      });

  for (const [kind, probes] of Object.entries(PROBES)) {
    test(`${kind}, ${probes.length} probes -> no code runs, nothing leaks, and the next render is right`, async () => {
      for (const probe of probes) {
        const text = await attempt(probe);
        assert.ok(!existsSync(CANARY), `code ran: ${probe}`);
        assert.doesNotMatch(text, /root:x:0|native code|\[object |function anonymous|=>/, probe);
        assert.doesNotMatch(text, new RegExp((process.env.PATH ?? '/usr/bin').split(':')[0] ?? '/usr/bin'), probe);
        assert.doesNotMatch(text, /its process ended/, probe);
      }
      assert.equal(
        await attempt('{{ hosts }}{{ {}.polluted is defined }}'),
        "{'__proto__': ['10.0.0.3'], 'constructor': ['10.0.0.2'], 'web': ['10.0.0.1']}False\n",
      );
    });
  }
});
