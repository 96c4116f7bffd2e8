import type {Arbitrary} from 'fast-check';
import {fc} from '../support/properties.ts';
import {anyExpression} from './grammar-expressions.ts';

const plain = fc.constantFrom(
  '  server web 10.0.0.1:80 check\n',
  'backend b\n',
  '\n',
  ' ',
  '  ',
  '\t',
  'mode http\n\n',
  '# note\r\n',
  'a',
  ':',
  '\n  bind *:80',
  "'",
  '"',
  '{',
  '}',
  '%',
  '\\n',
);
const open = fc.constantFrom('{%', '{%', '{%', '{%-', '{%+');
const close = fc.constantFrom('%}', '%}', '%}', '-%}', '+%}');
const tag = (body: Arbitrary<string>): Arbitrary<string> =>
  fc.tuple(open, body, close).map(([start, inner, end]) => `${start} ${inner} ${end}`);
const word = (body: string): Arbitrary<string> => tag(fc.constant(body));

const output = fc
  .tuple(fc.constantFrom('{{ ', '{{- ', '{{+ '), anyExpression, fc.constantFrom(' }}', ' }}', ' -}}'))
  .map(([start, expression, end]) => `${start}${expression}${end}`);
const iterable = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'hosts',
      'hosts.web',
      'hosts.items()',
      'pods',
      'hosts|dictsort',
      'range(3)',
      'labels',
      "'abc'",
      '[1, [2, 3]]',
      '[]',
      'missing',
      'hosts.cache',
    ),
  },
  anyExpression,
);
const target = fc.constantFrom('x', 'app', 'ip', 'x, y', 'app, ips');
const assigned = fc.constantFrom('x', 'y', 'app', 'ns.n');
const loopOutput = fc.constantFrom(
  '{{ loop.index }}',
  '{{ loop.index0 }}',
  '{{ loop.first }}',
  '{{ loop.last }}',
  '{{ loop.length }}',
  '{{ loop.revindex }}',
  '{{ loop.previtem }}',
  '{{ loop.nextitem }}',
  "{{ loop.cycle('a', 'b') }}",
  '{{ loop.changed(x) }}',
  '{{ loop.depth }}',
  '{{ x }}',
  '{{ app }}',
  '{{ ip }}',
  '{{ y }}',
);

const {body} = fc.letrec<{body: string; statement: string}>(tie => ({
  statement: fc.oneof(
    {depthSize: 'small'},
    {weight: 8, arbitrary: plain},
    {weight: 8, arbitrary: output},
    {weight: 3, arbitrary: loopOutput},
    {
      weight: 4,
      arbitrary: fc
        .tuple(
          tag(fc.tuple(target, iterable).map(([name, items]) => `for ${name} in ${items}`)),
          tie('body'),
          word('endfor'),
        )
        .map(parts => parts.join('')),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          tag(
            fc
              .tuple(target, iterable, anyExpression)
              .map(([name, items, test]) => `for ${name} in ${items} if ${test}`),
          ),
          tie('body'),
          word('else'),
          tie('body'),
          word('endfor'),
        )
        .map(parts => parts.join('')),
    },
    {
      weight: 4,
      arbitrary: fc
        .tuple(tag(anyExpression.map(test => `if (${test})`)), tie('body'), word('endif'))
        .map(parts => parts.join('')),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          tag(anyExpression.map(test => `if (${test})`)),
          tie('body'),
          tag(anyExpression.map(test => `elif (${test})`)),
          tie('body'),
          word('else'),
          tie('body'),
          word('endif'),
        )
        .map(parts => parts.join('')),
    },
    {weight: 4, arbitrary: tag(fc.tuple(assigned, anyExpression).map(([name, value]) => `set ${name} = ${value}`))},
    tag(fc.tuple(anyExpression, anyExpression).map(([a, b]) => `set x, y = ${a}, ${b}`)),
    fc
      .tuple(
        tag(fc.constantFrom('set x', 'set y | upper', "set x | replace('a', 'b') | trim")),
        tie('body'),
        word('endset'),
      )
      .map(parts => parts.join('')),
    fc
      .tuple(
        tag(fc.tuple(anyExpression, anyExpression).map(([a, b]) => `with x = ${a}, y = ${b}`)),
        tie('body'),
        word('endwith'),
      )
      .map(parts => parts.join('')),
    fc
      .tuple(
        tag(fc.constantFrom('filter upper', 'filter indent(2)', "filter replace('a', 'b')|trim")),
        tie('body'),
        word('endfilter'),
      )
      .map(parts => parts.join('')),
    fc
      .tuple(tag(fc.constantFrom('macro m(x, y=1)', 'macro m()', 'macro m(x=y)')), tie('body'), word('endmacro'))
      .map(parts => parts.join('')),
    tag(fc.constantFrom('print x', 'print x, y')),
    fc.constantFrom('{{ m() }}', '{{ m(1) }}', "{{ m(1, y='b') }}", '{{ m(1, 2, 3) }}', '{{ ns }}'),
    fc
      .tuple(tag(fc.constantFrom('call m()', 'call(x) m(2)')), tie('body'), word('endcall'))
      .map(parts => parts.join('')),
    fc
      .tuple(
        tag(fc.constantFrom('autoescape true', 'autoescape false', 'autoescape x')),
        tie('body'),
        word('endautoescape'),
      )
      .map(parts => parts.join('')),
    fc.constantFrom(
      '{# note #}',
      '{#- note -#}',
      '{% raw %}{{ x }}{% endraw %}',
      '{%- raw -%} {% if %} {%- endraw -%}',
    ),
    fc
      .tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('', ' scoped'), tie('body'))
      .map(([name, scoped, inner]) => `{% block ${name}${scoped} %}${inner}{% endblock %}`),
  ),
  body: fc.array(tie('statement'), {maxLength: 4}).map(parts => parts.join('')),
}));

/** Any template: what surrounds it defines a namespace and a macro that it may use. */
export const anyTemplate: Arbitrary<string> = fc
  .tuple(fc.boolean(), fc.array(body, {minLength: 1, maxLength: 4}))
  .map(
    ([prepares, bodies]) =>
      `${prepares ? '{% set ns = namespace(n=0) %}{% macro m(x, y=2) %}[{{ x }}{{ caller() if caller else y }}]{% endmacro %}' : ''}${bodies.join('\n')}`,
  );
