import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {decodeDocument, encodeDocument} from '../../src/members/etcd/document.ts';
import type {Member} from '../../src/members/member.ts';
import {parsePing} from '../../src/members/ping.ts';
import {decodeSnapshot, encodeSnapshot} from '../../src/members/snapshot.ts';
import {createEngine} from '../../src/template/engine.ts';
import {missing} from '../support/parts.ts';
import {fc, seed} from '../support/properties.ts';
import {askJinjaAsWritten, type Outcome} from './oracle.ts';

const PAYLOADS = [
  '1.0',
  '-0.0',
  '-0',
  '1e3',
  '1E-2',
  '1.50',
  '1e16',
  '123456789012345678.0',
  '1e400',
  '-1e400',
  '9007199254740991',
  '9007199254740993',
  '-9007199254740993',
  '123456789012345678901234567890',
  '{"x": 1.0, "y": 2, "z": [1e2, 2.5, {"10": 1, "9": 1.0, "a": 0}]}',
  '{"b": 1, "10": 2, "9": 3, "a": 4, "-1": 5, "01": 6}',
  '{"10": 1, "9": 2, "10": 3.0}',
  '{"x": 9007199254740993, "y": 3, "z": "a: 1.0"}',
  '{"x": "é\\u00e9\\"1.0\\\\", "2": {"1": {}}, "1": [], "y": true, "z": null}',
  '{"x": 10, "y": 4.0, "z": [3.0, 1, 2e0]}',
];

const TEMPLATES = [
  '{{ p }}',
  '{{ p.x }}|{{ p.y }}|{{ p.z }}',
  '{{ p|tojson }}',
  '{{ p|int }}|{{ p|float }}|{{ p|string }}|{{ p|round }}',
  '{{ p + 1 }}|{{ p / 2 }}|{{ p // 2 }}|{{ p % 7 }}|{{ p * 3 }}|{{ -p }}',
  '{{ p.x + p.y }}|{{ p.x / p.y }}|{{ p.x // p.y }}|{{ p.x ** 2 }}',
  '{{ p == 1 }}|{{ p > 9007199254740992 }}|{{ p is number }}|{{ p is integer }}|{{ p is float }}|{{ 1.0 == p }}',
  '{{ p.x == 1 }}|{{ p.x is integer }}|{{ p.y is float }}|{{ p.x|int }}',
  '{% for k in p %}{{ k }},{% endfor %}',
  '{% for k, v in p.items() %}{{ k }}={{ v }},{% endfor %}',
  '{{ p.keys()|list }}{{ p.values()|list }}{{ p|dictsort }}',
  "{{ '%d' % p }}|{{ '%s' % p }}|{{ '%.1f' % p }}",
  '{{ p.z|sort }}|{{ p.z|sum }}|{{ p.z|join("-") }}',
  '{{ p["10"] }}|{{ p["9"] }}|{{ p|first }}|{{ p|length }}',
  '{{ pods[0] }}',
  "{{ pods|map(attribute='payload')|list }}",
];

/** What a template sees of a pod that pings this. */
const FIELDS = {app: 'web', id: 'web-1', ip: '10.2.0.17', key: 'bmviV', role: 'frontend'};

const pingWith = (payload: string): string => `{"payload": ${payload}, ${JSON.stringify(FIELDS).slice(1)}`;

function memberFrom(payload: string): Member {
  const parsed = parsePing(Buffer.from(pingWith(payload)), {remoteAddress: '10.2.0.17'}, () => undefined);
  if (parsed.is === 'fault') throw new Error(parsed.reason);
  const {down: _, nonce: _nonce, ...pod} = parsed.ping;
  return {...pod, nonce: undefined, seq: 1, firstSeenAt: 0, lastSeenAt: 0};
}

const engine = createEngine(Date.now);

/** What our templates make of it, all the way from the body of the ping. */
function renderOurs(template: string, {firstSeenAt: _, lastSeenAt: _last, nonce: _nonce, ...member}: Member): Outcome {
  const {app, id, ip, key, role, seq, ...payload} = member;
  const head = JSON.stringify({timeoutMs: 5000, tracksLines: false, names: ['pods']});
  const source = `{% set p = pods[0].payload %}${template}`;
  const pods = JSON.stringify([{app, id, ip, key, role, seq, ...payload}]);
  const [answer, text] = engine([head, source, pods]);
  const {is, kind, message} = JSON.parse(answer);
  return is === 'rendered' ? {ok: true, text} : {ok: false, error: `${kind}: ${message}`};
}

const caseFor = (template: string, payload: string): string => {
  const pod = `{${JSON.stringify({...FIELDS, seq: 1}).slice(1, -1)}, "payload": ${payload}}`;
  return `{"template": ${JSON.stringify(`{% set p = pods[0].payload %}${template}`)}, "context": {"pods": [${pod}]}}`;
};

function differences(pairs: readonly (readonly [template: string, payload: string])[]): string[] {
  const answers = askJinjaAsWritten(pairs.map(pair => caseFor(...pair)));
  return pairs.flatMap(([template, payload], index) => {
    const theirs = answers[index] ?? {ok: false, error: 'no answer'};
    const ours = renderOurs(template, memberFrom(payload));
    const agrees = theirs.ok && ours.ok ? theirs.text === ours.text : theirs.ok === ours.ok;
    return agrees
      ? []
      : [`${payload} in ${template}\n  jinja2: ${JSON.stringify(theirs)}\n  ours:   ${JSON.stringify(ours)}`];
  });
}

/** Any JSON whose numbers and keys JavaScript would change. */
const anyNumber = fc.oneof(
  fc
    .tuple(fc.integer({min: -99, max: 99}), fc.constantFrom('', '.0', '.50', 'e2', 'e-3', '.0E+1'))
    .map(([int, end]) => `${int}${end}`),
  fc.bigInt({min: -(2n ** 80n), max: 2n ** 80n}).map(String),
  fc.double({noNaN: true, noDefaultInfinity: true}).map(number => JSON.stringify(number)),
);
const anyKey = fc.oneof(fc.integer({min: 0, max: 30}).map(String), fc.constantFrom('a', 'b', 'é', '1.0', '-1'));
const {anyWritten} = fc.letrec<{anyWritten: string}>(tie => ({
  anyWritten: fc.oneof(
    {depthSize: 'small', withCrossShrink: true},
    anyNumber,
    fc.constantFrom('true', 'null', '"a: 1.0"', '"\\u00e9"'),
    fc.array(tie('anyWritten'), {maxLength: 3}).map(items => `[${items.join(', ')}]`),
    fc
      .array(fc.tuple(anyKey, tie('anyWritten')), {maxLength: 4})
      .map(entries => `{${entries.map(([key, value]) => `${JSON.stringify(key)}: ${value}`).join(', ')}}`),
  ),
}));

describe('payloads', {skip: missing('jinja2')}, () => {
  test('numbers and keys as JSON wrote them, printed, computed with, looped over -> what Jinja2 makes of them', () => {
    const pairs = PAYLOADS.flatMap(payload => TEMPLATES.map(template => [template, payload] as const));
    assert.deepEqual(differences(pairs), []);
  });

  test('any JSON, 200 of them -> what Jinja2 prints', () => {
    const pairs = fc
      .sample(anyWritten, {seed, numRuns: 200})
      .map(payload => ['{{ p }} {{ p|tojson }}', payload] as const);
    assert.deepEqual(differences(pairs), [], `seed ${seed}`);
  });
});

test('payload, written down in the snapshot and in etcd -> the same for a template when read back', () => {
  for (const payload of PAYLOADS) {
    const member = memberFrom(payload);
    const snapshot = decodeSnapshot(encodeSnapshot({seq: 1, members: [member]}, 0), 0);
    const document = decodeDocument(encodeDocument({is: 'alive', member, sharesLease: false}));
    assert.deepEqual(snapshot.is === 'fresh' && snapshot.snapshot.members[0], member);
    assert.deepEqual(document?.member, member);
  }
});
