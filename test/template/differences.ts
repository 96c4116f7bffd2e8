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
