import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {hideSecrets} from '../../src/proxy/hide-secrets.ts';
import {redactConfiguration, secretsOf} from '../../src/proxy/redact.ts';
import {fc} from '../support/properties.ts';
import {headOf, PLAIN_LINES, SECRET_LINES} from './secret-lines.ts';

/** A credential that nothing else of a text looks like. */
const SECRET = 'hunter2Xyzzy';

const ROWS: [string, string, string][] = [
  ['stats auth', '    stats auth admin:secret', '    stats auth admin:***'],
  ['stats auth, colon in the password', 'stats auth admin:se:cret # x', 'stats auth admin:*** # x'],
  ['stats auth, quoted', `stats auth "admin:my secret"\r`, `stats auth "admin:***"\r`],
  ['stats auth, password quoted', `stats  auth admin:'s ecret'`, 'stats  auth admin:***'],
  ['stats auth, colon escaped', String.raw`stats auth admin\x3asecret`, 'stats auth ***'],
  ['stats auth, quoted, no colon (fuzzed)', 'stats auth ""', 'stats auth ***'],
  ['stats auth, commented out', '\t#  stats auth admin:secret', '\t#  stats auth admin:***'],
  ['stats auth, more than it takes', 'stats auth admin:secret more', 'stats auth admin:*** ***'],
  ['user, hashed', 'user bob password $6$salt$hash', 'user bob password ***'],
  ['user, in clear', 'user bob insecure-password "a b" groups x', 'user bob insecure-password *** groups x'],
  ['user, a pair, of digits', 'user bob:1234', 'user bob:***'],
  [
    'a header with letters, digits and signs',
    'http-request set-header X-A p-w0rd_x!k7',
    'http-request set-header X-A ***',
  ],
  [
    'a header that says of itself what it is',
    'http-request set-header X-A my-passwd',
    'http-request set-header X-A ***',
  ],
  ['a log format, its key', 'log-format "%ci sk_l1ve_4eC %{+Q}r"', 'log-format "%ci *** %{+Q}r"'],
  ['a log format of many words', 'log-format %ci secret', 'log-format %ci ***'],
  ['an option of a cookie that there is not', 'cookie SRV inesrt x secure', 'cookie SRV *** *** secure'],
  ['an address behind a token', 'log tok@10.0.0.1:514 local0', 'log ***@10.0.0.1:514 local0'],
  ['an address with its family', 'log udp@10.0.0.1:514 local0', 'log udp@10.0.0.1:514 local0'],
  ['a keyword in quotes that are not closed', '"secretword', '***'],
  ['user, groups first', 'user bob groups x,password password p', 'user bob groups x,password password ***'],
  ['user called password', 'user password password p', 'user password password ***'],
  ['user of global', 'user haproxy', 'user haproxy'],
  ['user, a typo', 'user bob passwd secret', 'user bob *** ***'],
  ['stats auth without a value', 'stats auth', 'stats auth'],
  ['stats auth, a typo', 'stats auht admin:secret', '***'],
  ['a keyword that there is not', '  usre bob password secret # x', '  *** # x'],
  ['a quote that is not closed', 'bind :80 name "secret', '***'],
  ['a line of a userlist that is none', 'userlist u\n  bind :80', 'userlist u\n  ***'],
  ['a carriage return in a line', 'mode http\r stats auth admin:secret', 'mode http\r ***'],
  ['a carriage return behind blanks', 'mode http  \r stats auth admin:secret', 'mode http  \r ***'],
  ['line ends of old Macs', 'global\r  setenv A secret\rdefaults\r', 'global\r  ***\r***\r'],
  ['a line that lost its end', 'mode http stats auth admin:secret', 'mode http *** *** admin:***'],
  ['one that goes on with what is no line', 'mode httpstats auht admin:secret', 'mode httpstats *** ***'],
  [
    'one of any number of words',
    'balance roundrobin stats auth admin:secret',
    'balance roundrobin stats auth admin:***',
  ],
  ['the same with a typo', 'balance roundrobinstats auht admin:secret', 'balance roundrobinstats *** ***'],
  ['the same for a user', 'log global user bob passwrod secret', 'log global user bob *** ***'],
  ['a pair where none belongs', 'redirect prefix /a admin:secret', 'redirect prefix /a admin:***'],
  ['a backend called stats', 'use_backend stats if { path /s }', 'use_backend stats if { path /s }'],
  ['an option that takes nothing', 'option tcplog clf secret', 'option tcplog clf ***'],
  ['an option with a typo behind it', 'option dontlognull sttas auth a:secret', 'option dontlognull *** *** ***'],
  ['one glued to the next', 'server a 1.2.3.4:80stats auth admin:secret', 'server a 1.2.3.4:80stats *** admin:***'],
  ['and a header', 'timeout client 5shttp-request set-header X-Key a', 'timeout client 5shttp-request *** *** ***'],
  ['and a user', 'group a users b user c password secret', 'group a users b *** *** *** ***'],
  ['words that begin no line here', 'acl a path_end stats user', 'acl a path_end stats user'],
  ['one that lost its last word', 'timeout client stats auth admin:secret', 'timeout client stats *** admin:***'],
  [
    'a head of a section that lost its end',
    'frontend web http-request set-header X-Key a',
    'frontend web http-request set-header X-Key ***',
  ],
  ['one that lost all but its first word', 'log setenv A secret', 'log setenv A ***'],
  ['a user called user', 'user user groups ops', 'user user groups ops'],
  [
    'quotes that are escaped',
    String.raw`log-format-sd "[x token=\"secret\"]"`,
    String.raw`log-format-sd "[x token=\"***\"]"`,
  ],
  [
    'a value for a variable that is not there',
    `http-request set-header X-A "\${B:-secret}"`,
    `http-request set-header X-A "\${B:-***}"`,
  ],
  ['a URL without its scheme', 'http-request redirect prefix //bob:secret@h', 'http-request redirect prefix //***@h'],
  ['an option of a certificate that there is not', 'load crt a.pem pass secret', 'load crt a.pem *** ***'],
  ['options of a certificate', 'ssl-f-use crt a.pem key b.key alpn h2', 'ssl-f-use crt a.pem key b.key alpn h2'],
  ['other words', 'stats scope admin:secret', 'stats scope admin:secret'],
  ['a variable', 'setenv NAME value', 'setenv NAME ***'],
  ['a switched-off line', 'no option httplog', 'no option httplog'],
  ['an option that there is not', 'option httplgo secret', '***'],
  ['an option of a bind line that there is not', 'bind :80 nmae secret ssl', 'bind :80 *** *** ssl'],
  ['an action that there is not', 'http-request set-haeder A secret', 'http-request *** *** ***'],
  [
    'a header, with its condition',
    'http-request set-header X-Key a b if { path /c }',
    'http-request set-header X-Key *** *** if { path /c }',
  ],
  ['flags of a hidden criterion', 'acl a hdr(x-key) -i -m beg s t', 'acl a hdr(x-key) -i -m beg *** ***'],
  ['a file of a hidden criterion', 'acl a hdr(x-key) -f /a s', 'acl a hdr(x-key) -f /a ***'],
  ['braces that are not closed', 'http-request deny if { path /a', 'http-request deny if { *** ***'],
  [
    'an argument',
    'http-request set-var(txn.a) url,hmac(sha256,k),hex',
    'http-request set-var(txn.a) url,hmac(***),hex',
  ],
  ['an action whose second word there is not', 'http-request auth raelm Shop secret', 'http-request auth *** *** ***'],
  ['a variable that tells a password', 'http-request set-var(txn.token) abc', 'http-request set-var(txn.token) ***'],
  ['an argument with parentheses', 'balance hdr(a),foo(b(c)d),lower', 'balance hdr(a),foo(***),lower'],
  ['an argument that is not closed', 'balance foo(bc', 'balance foo(***'],
  ['user and password of a URL', 'errorloc 503 http://a:b@c/d', 'errorloc 503 http://***@c/d'],
  ['a password with a slash', 'errorloc 503 http://a:b/c@d/e', 'errorloc 503 http://***@d/e'],
  ['a directive', '.if streq("$A",secret)', '.if ***'],
  ['an argument that is empty', 'balance foo()', 'balance foo()'],
  ['an argument with a parenthesis that is escaped', String.raw`balance foo(\(a),b(c)`, 'balance foo(***),b(***)'],
  ['quotes within quotes', String.raw`log-format "%ci \"%r\""`, String.raw`log-format "%ci \"%r\""`],
  ['a backslash before the end of single quotes', String.raw`log-format '%ci \'`, String.raw`log-format '%ci \'`],
  ['a last quote that is escaped', String.raw`bind :80 name "secret\"`, '***'],
  [
    'a header without a value',
    'http-request set-header X-Key if { path /c }',
    'http-request set-header X-Key if { path /c }',
  ],
  ['an answer that is cut short', 'http-request return status 200 hdr', 'http-request return status 200 hdr'],
  [
    'a check that goes on',
    'http-check send hdr Authorization a uri /b',
    'http-check send hdr Authorization *** uri /b',
  ],
  ['a check that is cut short', 'http-check send uri /b hdr Host', 'http-check send uri /b hdr Host'],
  ['an option without its value', 'bind :80 name', 'bind :80 name'],
  ['headers in the version of a check', 'option httpchk GET / HTTP/1.1\\r\\nX:secret', 'option httpchk GET / ***'],
  ['a file of flags alone', 'acl a hdr(x-key) -f /a', 'acl a hdr(x-key) -f /a'],
  [
    'two conditions',
    'http-request deny if { path /a } or { hdr(x-key) secret }',
    'http-request deny if { path /a } or { hdr(x-key) *** }',
  ],
  ['a server in a userlist', 'userlist u\n  server s 10.0.0.1:80 check', 'userlist u\n  ***'],
  ['a comment beside a server', 'server s 10.0.0.1:80 check # password x1y2', 'server s 10.0.0.1:80 check # ***'],
  ['a setting made the default', 'default option httplog', 'default option httplog'],
  ['a line switched off twice', 'no no option httplog', '***'],
  ['a comment of nothing', '#', '#'],
  [
    'an answer with several headers',
    'http-request return status 200 hdr X-Token secret hdr X-B plain content-type text/plain',
    'http-request return status 200 hdr X-Token *** hdr X-B plain content-type text/plain',
  ],
  [
    'an answer with a word that has no value',
    'http-request return status 200 default-errorfiles hdr X-Token secret hdr X-B b',
    'http-request return status 200 default-errorfiles hdr X-Token *** hdr X-B b',
  ],
  [
    'what a map gives where it has nothing, a backend or not',
    'backend app\nfrontend f\n  use_backend %[path,map(/a.map,app)]\n  use_backend %[path,map(/a.map,apq)]',
    'backend app\nfrontend f\n  use_backend %[path,map(/a.map,app)]\n  use_backend %[path,map(/a.map,***)]',
  ],
  [
    'a converter behind a credential, one that is not',
    'log-format "%[req.hdr(authorization),field(2,x)] %[path,field(2,x)]"',
    'log-format "%[req.hdr(authorization),field(***)] %[path,field(2,x)]"',
  ],
  ['a value with what begins a comment', 'stats auth admin:se#cret too', 'stats auth admin:***#***'],
  ['a comment with a comment', '# password a#b', '# ***'],
  ['a comment of a line with a comment', '# stats auth admin:a#b', '# stats auth admin:***'],
  ['a condition that is none', 'block if path /a secret', 'block if path *** ***'],
  ['a value with what closes arguments', 'balance hash str(a)b),lower', 'balance hash ***'],
  ['arguments that are closed twice', 'balance hdr(a)),lower', 'balance ***'],
  ['a value that looks like a function', 'balance foo()8', 'balance ***'],
  ['a value of a name with parentheses', 'balance param(token=1(b),c),lower', 'balance param(token=***),lower'],
  ['a value of a name that ends in parentheses', 'log-tag token=correct(horse)', 'log-tag token=***)'],
  ['a value of a name at the end of quotes', 'log-format "token=a"', 'log-format "token=***"'],
  ['a converter behind a cookie', 'balance cookie(a),field(2,x)', 'balance cookie(a),field(***)'],
  ['one behind a word of prose', 'log-format "login field(2,x)"', 'log-format "login field(2,x)"'],
  ['a value of a name with what begins another', 'log-tag token=a,b&c=d', 'log-tag token=***&c=d'],
  ['a value of a name in quotes', 'log-tag "token=\\"a b,c\\" x"', 'log-tag "token=\\"***\\" x"'],
  ['a password with an at sign', 'errorloc 503 http://a:b@c@d/e', 'errorloc 503 http://***@d/e'],
  [
    'a header whose name says nothing, with a word and with what is none',
    'http-request set-header X-A https\nhttp-request set-header X-A a8f3kd92',
    'http-request set-header X-A https\nhttp-request set-header X-A ***',
  ],
  ['a key in a query', 'http-request set-query "k=hunter2Xyz&%[query]"', 'http-request set-query "k=***&%[query]"'],
  ['a key as a parameter', 'block unless { url_param(tok) hunter2Xyz }', 'block unless { url_param(tok) *** }'],
  ['a key as a header', 'block unless { hdr(x-verify) hunter2Xyz }', 'block unless { hdr(x-verify) *** }'],
  ['a key where a name belongs', 'http-request set-header hunter2Xyz', 'http-request set-header ***'],
  ['a key, wherever it stands', 'log-tag AKIA4IOSF3DNN7EXAMPLE5', 'log-tag ***'],
  [
    'an ordinary word that is hidden in one place and shown in another',
    'acl a path_beg /webshop\nglobal\n  setenv SHOP webshop',
    'acl a path_beg /webshop\nglobal\n  setenv SHOP ***',
  ],
  [
    'a name of the text that is hidden in one place',
    'backend shop17\nglobal\n  setenv SHOP shop17',
    'backend shop17\nglobal\n  setenv SHOP ***',
  ],
  [
    'a word with digits that is hidden in one place and shown in another',
    'acl a path_beg /webshop17\nglobal\n  setenv SHOP webshop17',
    'acl a path_beg /***\nglobal\n  setenv SHOP ***',
  ],
  ['prose', '# the shop', '# the shop'],
  ['prose right behind its sign', '#the shop', '#the shop'],
  ['a line that is commented out', '# bind :80 ssl', '# bind :80 ssl'],
  ['prose that tells a password', '# the password is secret', '# ***'],
];

for (const [situation, text, redacted] of ROWS) {
  test(`redaction, ${situation} -> ${JSON.stringify(redacted)}`, () => {
    assert.equal(redactConfiguration(text), redacted);
  });
}

test('redaction, a whole configuration -> all else stays byte for byte', () => {
  const text = (secret: string) =>
    `# é\r\nuserlist u\n  user a password ${secret}\n\n  # listen\nlisten l\n  stats auth x:${secret}\n  bind "é:80"`;
  assert.equal(redactConfiguration(text('secret')), text('***'));
});

test('redaction, lines that hold nothing to hide -> the same lines', () => {
  for (const [section, lines] of Object.entries(PLAIN_LINES)) {
    const text = `${headOf(section)}\n${lines.map(line => `  ${line}\n`).join('')}`;
    assert.equal(redactConfiguration(text), text);
  }
});

describe('redaction, a credential', () => {
  for (const [section, lines] of Object.entries(SECRET_LINES)) {
    for (const line of lines) {
      test(`${section}: ${line} -> not shown, known as a secret`, () => {
        const text = `${headOf(section)}\n  ${line.replaceAll('§', SECRET)}\n`;
        const shown = redactConfiguration(text);
        assert.ok(!shown.includes(SECRET), shown);
        const message = `[ALERT] parsing [x:2] : unexpected '${SECRET}' in '${line.replaceAll('§', SECRET)}'`;
        assert.ok(!hideSecrets(message, secretsOf(text)).includes(SECRET));
      });
    }
  }
});

test('secrets of a text -> replaced in what is said of it, also as JSON writes them, and nothing else is', () => {
  const secrets = secretsOf(
    'userlist u\n user a password "pa\\"ss" \n user b password pw1\nglobal\n setenv PORT 8080\n',
  );
  const hidden = hideSecrets(JSON.stringify({err: 'found pa"ss, pw1, pw12 and xpw1 on 8080'}), secrets);
  assert.equal(hidden, '{"err":"found ***, ***, pw12 and xpw1 on 8080"}');
  assert.equal(hideSecrets('found x', new Set()), 'found x');
});

test('a secret of eight characters -> replaced inside of words as well', () => {
  const secrets = secretsOf('userlist u\n user a password 12345678\n user b password 1234567\n');
  assert.equal(hideSecrets('x12345678y x1234567y', secrets), 'x***y x1234567y');
});

test('a secret that is not ASCII -> replaced as HAProxy quotes it, too', () => {
  assert.equal(
    hideSecrets('at x: p??ss12 p\u00e4ss12', secretsOf('userlist u\n user a password p\u00e4ss12\n')),
    'at x: *** ***',
  );
});

test('what a text hides already -> no secret', () => {
  assert.deepEqual([...secretsOf('listen l\n stats auth admin:***\n')], []);
});

test('a secret that another begins with -> the longer one is replaced whole', () => {
  const secrets = secretsOf('userlist u\n user a password abcdefgh\n user b password abcdefgh1234\n');
  assert.equal(hideSecrets('abcdefgh1234 abcdefgh', secrets), '*** ***');
});

test('a long number that may be a credential -> searched for', () => {
  assert.deepEqual([...secretsOf('backend b\n tcp-check send-binary 5333637233743832\n')], ['5333637233743832']);
});

test('secrets that overlap, or follow each other -> none of either is left', () => {
  const secrets = secretsOf('userlist u\n user a password abcdefgh\n user b password ghij1234\n');
  assert.equal(hideSecrets('<abcdefghij1234>, abcdefghabcdefgh', secrets), '<***>, ******');
});

test('what may be a credential -> searched for from six characters on', () => {
  assert.deepEqual([...secretsOf('global\n setenv A qwert1\n setenv B qwer1\n')], ['qwert1']);
});

test('what is a credential by its name -> searched for also where it is a number', () => {
  const lines = ['setenv ADMIN_PW 12345', 'setenv PORT 23456', 'cluster-secret 34567'];
  assert.deepEqual([...secretsOf(`global\n ${lines.join('\n ')}\n`)], ['12345', '34567']);
});

test('numbers and paths that need be no secret -> are not searched for, but hidden in their place', () => {
  const text = 'global\n setenv PORT 8080\n setenv FILE /var/run/thing\nlisten l\n bind :8080\n';
  assert.equal(redactConfiguration(text), text.replace('PORT 8080', 'PORT ***').replace('/var/run/thing', '***'));
});

/** How an operator mistypes: two letters swapped, one left out, a quote too many. */
const typos = fc.record({
  swap: fc.option(fc.nat(20), {nil: undefined}),
  drop: fc.option(fc.nat(20), {nil: undefined}),
  quote: fc.boolean(),
});

/** A line with such typos in its keywords. */
function mistype(
  line: string,
  {swap, drop, quote}: {swap: number | undefined; drop: number | undefined; quote: boolean},
) {
  const [keywords = ''] = /^(?:(?:stats|option|http-\w+|tcp-\w+) [\w-]+|[\w-]+)/.exec(line) ?? [];
  let typed = keywords;
  if (swap !== undefined && swap + 1 < typed.length) {
    typed = typed.slice(0, swap) + typed.charAt(swap + 1) + typed.charAt(swap) + typed.slice(swap + 2);
  }
  if (drop !== undefined && drop < typed.length) typed = typed.slice(0, drop) + typed.slice(drop + 1);
  return typed + line.slice(keywords.length) + (quote ? '"' : '');
}

const ALL_LINES = Object.entries(SECRET_LINES).flatMap(([section, lines]) =>
  lines.map(line => [section, line] as const),
);

test('redaction, any lines with credentials, broken ones among them -> none is shown', () => {
  const lines = fc.array(fc.tuple(fc.constantFrom(...ALL_LINES), typos), {minLength: 1, maxLength: 12});
  fc.assert(
    fc.property(lines, chosen => {
      const text = chosen
        .map(([[section, line], typo]) => `${headOf(section)}\n  ${mistype(line, typo).replaceAll('§', SECRET)}\n`)
        .join('');
      const shown = redactConfiguration(text);
      assert.ok(!shown.includes(SECRET), shown);
      assert.equal(shown.split('\n').length, text.split('\n').length);
    }),
    {numRuns: 2000},
  );
});

for (const [text, redacted, secrets] of [
  ['stats auth admin:ab1', 'stats auth admin:***', ['ab1']],
  [String.raw`stats auth admin:a\ b1`, 'stats auth admin:***', ['a b1', String.raw`a\ b1`]],
  ['stats auth ab1', 'stats auth ***', ['ab1']],
  ['stats auth :ab1', 'stats auth :***', ['ab1']],
  [String.raw`log-format x\ Bearer\ s3cret99`, String.raw`log-format x\ Bearer\ ***`, ['s3cret99']],
  [String.raw`log-format %{+Q}o\ basic%20dXNlcjpwYXNz`, String.raw`log-format %{+Q}o\ basic%20***`, ['dXNlcjpwYXNz']],
  [
    'http-request capture req.hdr(Authorization),hmac(sha256,k3y4567) len 10',
    'http-request capture req.hdr(Authorization),hmac(***) len 10',
    ['sha256,k3y4567', 'k3y4567'],
  ],
  [
    String.raw`http-request set-var(txn.a) str(abc1\)def),lower`,
    'http-request set-var(txn.a) str(***),lower',
    [String.raw`abc1\)def`],
  ],
  [
    String.raw`http-request set-var(txn.a) str(abc123\\),lower`,
    'http-request set-var(txn.a) str(***),lower',
    ['abc123', String.raw`abc123\\`],
  ],
  ['http-request set-var(txn.a) str((abc12)3),lower', 'http-request set-var(txn.a) str(***),lower', ['(abc12)3']],
  ['# user bob password abc12', '# user bob password ***', ['abc12']],
  ['# secret hunter2 or not', '# ***', ['hunter2']],
  ['# secret ab12 or not', '# ***', []],
  ['# pw', '# ***', []],
  ['#', '#', []],
  [String.raw`usre hunter2\ x`, '***', ['hunter2 x', 'hunter2', String.raw`hunter2\ x`]],
  ['Usre12 hunter2', '***', ['Usre12', 'hunter2']],
  ['srevers a 10.0.0.1:80', '***', []],
  ['"srevers" a 10.0.0.1:80', '***', ['"srevers"', 'srevers']],
  ['# setenv ADMIN_PW ordinary', '# setenv ADMIN_PW ***', ['ordinary']],
  ['log-format hunter2x-12/Xyzzy1', 'log-format ***', ['Xyzzy1', 'hunter2x', 'hunter2x-12', 'hunter2x-12/Xyzzy1']],
  ['stats auth admin:ab1 # "x', 'stats auth admin:*** # "x', ['ab1']],
  ['monitor-uri /a?token=t0k3n99&x=y', 'monitor-uri /a?token=***&x=y', ['t0k3n99']],
  ['redirect prefix http://user:p4ss@h/ code 301', 'redirect prefix http://***@h/ code 301', ['user:p4ss']],
  ['user haproxy # "', 'user haproxy # "', []],
  ['log-format "a # secrets b"', 'log-format "a # secrets b"', []],
  ['# password changeable hunter22', '# ***', ['hunter22']],
  [
    'http-request set-var(txn.a) str(token=abc12345),lower',
    'http-request set-var(txn.a) str(***),lower',
    ['token=abc12345', 'abc12345'],
  ],
] as [string, string, string[]][]) {
  test(`what is hidden of ${JSON.stringify(text)} -> in its place, and these words in every other`, () => {
    assert.equal(redactConfiguration(text), redacted);
    assert.deepEqual([...secretsOf(text)].sort(), secrets.toSorted());
  });
}
