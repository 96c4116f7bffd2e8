import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {type CheckedTemplate, describeFindings} from '../../src/terminal/findings.ts';

const ALL: readonly CheckedTemplate[] = [
  {
    name: 'a,b.yaml (Pod/p)',
    file: 'a,b.yaml',
    hosts: 'sampled',
    lines: undefined,
    findings: [
      {level: 'error', by: 'template', line: 3, column: 7, message: '100% <wrong> & "so"', detail: 'x\ny'},
      {level: 'warning', by: 'haproxy', line: undefined, column: undefined, message: 'hm\u0001', detail: ''},
    ],
  },
  {name: '-', file: '-', hosts: 'given', lines: 1, findings: []},
];

describe('findings', () => {
  test('as text -> places as compilers write them on stderr, verdicts on stdout', () => {
    assert.deepEqual(describeFindings(ALL, 'text'), {
      err: 'error: a,b.yaml:3:7: 100% <wrong> & "so"\nx\ny\nwarning: a,b.yaml: hm \n',
      out: 'a,b.yaml (Pod/p): not valid, with sample pods (1 error, 1 warning)\n-: valid (1 line, 0 warnings)\n',
    });
  });

  test('as text, what a start survives -> not called valid', () => {
    const finding = {level: 'warning', by: 'template', line: 3, column: 7, message: 'no', detail: ''} as const;
    const checked = {name: 'a.j2', file: 'a.j2', hosts: 'none', lines: undefined, findings: [finding]} as const;
    assert.equal(describeFindings([checked], 'text').out, 'a.j2: fails, without any pod (1 warning)\n');
  });

  test('words that hold control characters -> drive no terminal, in text and in what CI prints', () => {
    const evil = 'a\u001b]0;owned\u0007b\u001b[2Jc\rd\u009b1m\te';
    const finding = {
      level: 'error',
      by: 'haproxy',
      line: 1,
      column: 2,
      message: evil,
      detail: `${evil}\n${evil}`,
    } as const;
    const patch = {added: 1, removed: 0, text: `+${evil}\n`, tooLarge: false} as const;
    const checked: CheckedTemplate = {
      name: evil,
      file: evil,
      hosts: 'live',
      lines: 1,
      findings: [finding],
      live: {way: 'reload', why: evil, difference: patch, text: evil},
    };
    for (const format of ['text', 'github'] as const) {
      const {out, err} = describeFindings([checked], format);
      assert.doesNotMatch(`${out}${err}`, /[^\P{Cc}\n\t]/u, format);
      assert.match(`${out}${err}`, /abc d\te/, format);
    }
    const {err} = describeFindings([checked], 'text');
    assert.equal(err, 'error: abc d e:1:2: abc d e\nabc d\te\nabc d\te\n');
  });

  test("as GitHub's commands -> nothing in them ends one early", () => {
    const {out} = describeFindings(ALL, 'github');
    assert.match(out, /^::error file=a%2Cb\.yaml,line=3,col=7::100%25 <wrong> & "so"%0Ax%0Ay$/m);
    assert.match(out, /^::warning file=a%2Cb\.yaml::hm/m);
  });

  test('as JUnit -> a case each, XML that any reader takes', () => {
    const {out} = describeFindings(ALL, 'junit');
    assert.match(out, /<testsuites tests="2" failures="1" errors="0">/);
    assert.match(out, /<testsuite name="haproxy-kontrol check" tests="2" failures="1" errors="0">/);
    assert.match(out, /<failure message="100% &lt;wrong&gt; &amp; &quot;so&quot;">a,b\.yaml:3:7: /);
    assert.match(out, /<system-err>a,b\.yaml: hm\?<\/system-err>/);
    assert.match(out, /<testcase classname="haproxy-kontrol check" name="-">\n {4}<\/testcase>/);
  });

  test('as JSON -> all of it, and whether each is valid', () => {
    const {valid, templates} = JSON.parse(describeFindings(ALL, 'json').out);
    assert.deepEqual([valid, ...templates.map((one: {valid: boolean}) => one.valid)], [false, false, true]);
    assert.deepEqual(templates[0].findings, JSON.parse(JSON.stringify(ALL[0]?.findings)));
  });
});
