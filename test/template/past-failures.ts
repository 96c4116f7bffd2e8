/** Templates in which the property test once found a difference. Each is tried at every run. */
export const PAST_FAILURES: readonly string[] = [
  '{{ 4|safe|list }}{{ 2.5|escape|sort }}',
  '{{ labels.app % x }}',
  "{{ pods[0]|sort(attribute='seq') }}",
  "{{ 'api-1'|map(attribute='app')|list|sort(true) }}",
  "{{ (('%5.1f|' % {4: 1e16}))[12:8:2] }}",
  '{{ ({0: 1 if 2})[-1:1024] }}',
  '{{ [(9)[1024:7]] }}',
  '{{ (10,) if ((9)[1024:7]) }}',
  '{% for a, in [(1,)] %}{{ a }}{% endfor %}',
  "{% set x = true %}{% autoescape x %}{{ '<' }}{{ '<'|safe }}{{ '<'|e }}{% endautoescape %}",
  "{% autoescape true %}{% for x in ['<'] recursive %}{{ x }}{% if loop.depth < 2 %}{{ loop(['>']) }}{% endif %}{% endfor %}{% endautoescape %}",
  '{% raw %}',
  "{{ '\\x00\\x7f'|tojson }}",
  "{{ hosts.web|sort('x') }}",
  "{{ hosts|dictsort(false, 'key', none) }}",
  '{{ [3, 1].sort(reverse=1.0) }}',
  "{{ range(3)['a'] }}{{ range(3)[5] }}{{ range(3)[-4] }}{{ range(3)[-1] }}",
  "{{ '{0[5]}'.format(range(3)) }}",
  "{{ 'ı ẞ İ ß Ꭰꭰ ΑΣ ﬁ'.casefold() }}",
  "{{ [7|escape|last] }} {{ ['ab'|escape|first] }} {{ ['ab'|escape|last] }} {{ ''|escape|last }}",
];

/** Its seeds. */
export const PAST_SEEDS: readonly number[] = [1, 2, 3, 4, 5];
