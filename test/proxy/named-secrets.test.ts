import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {hideNamedSecrets} from '../../src/proxy/named-secrets.ts';

const CASES: readonly (readonly [string, Parameters<typeof hideNamedSecrets>[0], unknown])[] = [
  [
    'names of credentials',
    {password: 'a', apiKey: 'b', 'x-token': 'c'},
    {password: '***', apiKey: '***', 'x-token': '***'},
  ],
  ['numbers below them', {pin: 1234, token: [5], tokens: 6}, {pin: '***', token: ['***'], tokens: 6}],
  [
    'all below such a name',
    {auth: {user: 'bob', list: ['a', {b: 'c'}]}},
    {auth: {user: '***', list: ['***', {b: '***'}]}},
  ],
  ['a list of names and values', [{name: 'DB_PASSWORD', value: 'a'}], [{name: 'DB_PASSWORD', value: '***'}]],
  ['others of such a list', [{name: 'COLOR', value: 'red'}], [{name: 'COLOR', value: 'red'}]],
  ['user and password of a URL', {dsn: 'postgres://bob:a@db/shop'}, {dsn: 'postgres://***@db/shop'}],
  ['a header', {note: 'Bearer abc'}, {note: 'Bearer ***'}],
  ['a query', 'http://a/?token=abc&b=c', 'http://a/?token=***&b=c'],
  ['a query whose token is empty', 'http://a/?token=&b=c', undefined],
  [
    'what operators look for',
    {color: 'green', weight: 20, sha: '3f2a1b4c5d6e7f80', ready: true, url: 'http://a:80/b'},
    undefined,
  ],
  ['nothing in it', {password: '', token: null, secret: false}, undefined],
  ['no object', 5, undefined],
];

describe('a payload as it is shown', () => {
  for (const [what, value, shown = value] of CASES) {
    test(`${what} -> ${JSON.stringify(shown)}`, () => {
      assert.deepEqual(hideNamedSecrets(value), shown);
    });
  }
});
