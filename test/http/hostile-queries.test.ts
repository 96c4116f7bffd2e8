import assert from 'node:assert/strict';
import {test} from 'node:test';
import {createStatus} from '../../src/http/status.ts';
import {openLog} from '../../src/ports/log.ts';
import {fc} from '../support/properties.ts';
import {createStatusPorts, MEMBER} from './status-ports.ts';

const logged: string[] = [];
const {log} = openLog('debug', {write: line => logged.push(line)});
const app = createStatus(createStatusPorts(log));

/** What a pattern, a path or an object would do something with. */
const HOSTILE = [
  ...['.*', 'w.b', '^web$', '[a-z]+', '(a+)+$', '(?:a|a)*b', '\\', '%', '../../etc/passwd', '__proto__', 'constructor'],
  ...['web\u0000', 'web ', ' web', 'WEB', '{{7*7}}', "' OR 1=1", '<script>', `${'a'.repeat(62)}!`],
];

test('an app that looks like a pattern -> text like any other: no member has it', async () => {
  for (const name of HOSTILE) {
    const answer = await app.inject({url: '/members', query: {app: name}});
    assert.deepEqual([answer.statusCode, answer.json()], [200, []], name);
  }
  assert.deepEqual((await app.inject({url: '/members', query: {app: 'web'}})).json(), [MEMBER]);
});

test('parameters that are given twice, nested or not known, too long -> 400, or as if they were not there', async () => {
  for (const query of [
    'app=a&app=b',
    'app[]=a',
    'app[x]=a',
    'app.x=a',
    '__proto__[x]=1',
    'constructor=1',
    'x'.repeat(8000),
  ]) {
    const {statusCode} = await app.inject({url: `/members?${query}`});
    assert.ok(statusCode === 200 || statusCode === 400, `${query.slice(0, 40)}: ${statusCode}`);
  }
  assert.equal(Reflect.get({}, 'x'), undefined);
});

test('any query on any path -> an answer that is no fault of ours', async () => {
  const paths = [
    '/members',
    '/history',
    '/config',
    '/config/diff',
    '/logs',
    '/traffic',
    '/hosts',
    '/members/x/timeline',
  ];
  const name = fc.constantFrom('app', 'limit', 'pass', 'from', 'to', 'reveal', 'after', 'kind', '__proto__');
  const value = fc.oneof(fc.constantFrom(...HOSTILE, '1e999', '-1', '0x10', 'NaN', '9'.repeat(400)), fc.string());
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...paths),
      fc.array(fc.tuple(name, value), {maxLength: 4}),
      async (path, pairs) => {
        logged.length = 0;
        const query = pairs.map(([one, other]) => `${one}=${encodeURIComponent(other.toWellFormed())}`).join('&');
        const {statusCode} = await app.inject({url: `${path}?${query}`});
        assert.ok(statusCode < 500, `${path}?${query}: ${statusCode}`);
        assert.ok(!logged.some(line => line.includes('status request failed')));
      },
    ),
  );
});
