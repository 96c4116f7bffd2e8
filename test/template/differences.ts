/**
 * The cases of the corpus whose outcome differs from Jinja2's, each with its reason
 * (docs/templates.md#what-differs-from-jinja2-on-purpose).
 */
export const DIFFERENCES: ReadonlyMap<string, string> = new Map([
  ['server {{ range(100001)|length }} 10.0.0.1:80', 'range is capped as in the sandbox'],
  ['{% for app, ips in hosts.iteritems() %}{{ app }}{% endfor %}', "Python 2's methods are kept for templates of 2017"],
  ['{% for app in hosts.iterkeys() %}{{ app }}{% endfor %}', "Python 2's methods are kept for templates of 2017"],
  ["{{ hosts.web.append('10.0.0.1') }}", 'the variables are frozen'],
  ["{{ ''.__class__.__mro__ }}", "Python's inside is out of reach"],
  ["{{ 'a'.encode('ascii') }}", 'there are no bytes'],
  ["{{ '\\N{DIGIT ONE}' }}", 'characters have no names here'],
  ["{{ '\\ud83d\\ude00'|length }}", 'two halves of a character are the character'],
]);

/** The cases in which Debian's 3.1.2 differs from 3.1.6, the reference; ours are as that. */
export const OF_DEBIAN: ReadonlySet<string> = new Set([
  '{% set ns = namespace() %}{% set ns.a, ns.b = 1, 2 %}{{ ns.a }}{{ ns.b }}',
  '{% set ns = namespace(a=1) %}{% set ns.a, x %}ab{% endset %}{{ ns.a }}{{ x }}',
  '{% set ns = namespace(x=1) %}{% set ns.x, ns = 5, 6 %}{{ ns }}',
  '{% set ns = namespace(x=1) %}{% for i in [1,2] %}{% set ns.x, y = ns.x + i, i %}{% endfor %}{{ ns.x }}',
  "backend b\n  server s {{ '1e1000'|int(3) }} check\n",
  "backend b\n  server s {{ '@foo@bar.com mailto:a@b.c'|urlize }} check\n",
  '{% set ns = namespace() %}{% set ns.a, b = 1, 2 %}{{ ns.a }}{{ b }}',
  'backend b\n  server s {{ "inf"|int }} check\n',
  "backend b\n  server s {{ '1e1000'|int }} check\n",
  "backend b\n  server s {{ '-1e1000'|int(3) }} check\n",
  "backend b\n  server s {{ 'inf'|int }} check\n",
]);
