// biome-ignore-all lint/suspicious/noTemplateCurlyInString: HAProxy's variables look the same
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {parseBinds} from '../../src/proxy/binds.ts';
import {deriveDifference} from '../../src/proxy/difference.ts';
import {parseGlobals} from '../../src/proxy/globals.ts';
import {hideSecrets} from '../../src/proxy/hide-secrets.ts';
import {replaceBinds} from '../../src/proxy/inherited.ts';
import {parseLines} from '../../src/proxy/lines.ts';
import {redactConfiguration, secretsOf} from '../../src/proxy/redact.ts';
import {parseServedPorts} from '../../src/proxy/served.ts';
import {parseStateFile} from '../../src/proxy/server-state.ts';
import {fc} from '../support/properties.ts';
import {budget} from './budget.ts';
import {mutatedText} from './mutated.ts';

const VALID = [
  `global
  maxconn 500 # comment
  setenv PORT 80
  stats socket /run/h.sock mode 600 level admin
defaults
  mode http
  timeout client 5s
userlist people
  user tiger password $6$k6y3o.eP$JlKBx9za9667qe4 groups G1
  user scott insecure-password elgato
frontend web
  bind *:80,[::]:81 v6only ssl crt "/a b.pem"
  bind "127.0.0.1:\${PORT}"
  stats auth admin:s3cret
  use_backend app if { path_beg /a\\ b }
backend app
  balance leastconn
  default-server weight 7 check
  server s1 10.0.0.1:80
  server s2 [fd00::1]:8080 disabled weight 0
`,
  'listen a\n bind :80-90\n server x 127.0.0.1\n .if defined(X)\n bind :91\n .endif\n',
];
const WORDS = [
  'bind ',
  'server ',
  'listen ',
  'backend ',
  'stats auth ',
  ':80',
  '"',
  "'",
  '\\ ',
  '\\x3a',
  '$PORT',
  '${PORT-1}',
  '#',
  'default-server ',
];

const texts = mutatedText(VALID, WORDS);

test('words, any text -> in order, each within the line that it is told to be on', () => {
  fc.assert(
    fc.property(texts, text => {
      const lines = text.split('\n');
      const starts = lines.map((_, index) => lines.slice(0, index).join('\n').length + (index === 0 ? 0 : 1));
      for (const {number, words} of parseLines(text)) {
        let before = starts[number - 1] ?? 0;
        const end = before + (lines[number - 1]?.length ?? 0);
        for (const word of words) {
          assert.ok(word.start >= before && word.end > word.start && word.end <= end, JSON.stringify(word));
          before = word.end;
        }
      }
    }),
    budget(),
  );
});

test('binds, any text -> ports that are ports; nothing replaced is nothing changed', () => {
  fc.assert(
    fc.property(texts, text => {
      for (const bind of parseBinds(text)) {
        if (bind.is === 'tcp') assert.ok(bind.from >= 1 && bind.from <= bind.to && bind.to <= 65_535);
      }
      assert.equal(replaceBinds(text, new Map()), text);
      const served = parseServedPorts(text) ?? [];
      assert.deepEqual(
        served,
        [...new Set(served)].sort((a, b) => a - b),
      );
      assert.ok(Number.isFinite(parseGlobals(text).nbproc));
      assert.equal(typeof parseStateFile(text).isWanted, 'boolean');
    }),
    budget(),
  );
});

test('difference, any text and itself -> nothing to do, or a doubt that is said; with another one never a fault', () => {
  fc.assert(
    fc.property(texts, texts, (text, other) => {
      const same = deriveDifference(text, text, {release: 2.6});
      if (same.is === 'runtime') assert.deepEqual(same.changes, []);
      else assert.match(same.why, /^there are two /);
      const difference = deriveDifference(text, other, {release: 2.6});
      if (difference.is === 'reload') assert.doesNotMatch(difference.why, /\n/);
    }),
    budget(),
  );
});

test('redaction, any text -> the same lines, none of its secrets, no password that HAProxy would read', () => {
  fc.assert(
    fc.property(texts, text => {
      const redacted = redactConfiguration(text);
      assert.equal(redacted.split('\n').length, text.split('\n').length);
      assert.equal(hideSecrets(redacted, secretsOf(text)), redacted);
      for (const {words} of parseLines(redacted)) {
        const [first, second, third] = words.map(word => word.text);
        if (first === 'stats' && second === 'auth' && third !== undefined) assert.match(third, /\*\*\*$/);
      }
    }),
    budget(),
  );
});
