import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {findMeantErrors} from '../../src/proxy/meant-errors.ts';

const TEXT = `
frontend web
  use_backend closed if { path /shop }
  default_backend app
frontend any
  use_backend %[req.hdr(host)]
frontend all
  http-request return status 503 content-type text/html file /data/sorry.html
backend closed
  http-request deny deny_status 503
backend held
  http-request tarpit deny_status 500
backend app
  http-request return status 503 if { nbsrv eq 0 }
  http-request deny deny_status 503 unless { src 10.0.0.0/8 }
  http-request return status 200
  http-request set-header status 503
`;

describe('errors that are meant', () => {
  test('a rule that answers every request with 5xx -> its section; one with a condition, or with 200 -> not', () => {
    assert.deepEqual([...findMeantErrors(TEXT, []).of].sort(), ['all', 'closed', 'held']);
  });

  test('no text -> the names that are given', () => {
    assert.deepEqual([...findMeantErrors(undefined, ['app']).of], ['app']);
  });

  test('names that are given -> those as well', () => {
    assert.ok(findMeantErrors(TEXT, ['app']).of.has('app'));
  });

  test('where a frontend sends requests -> its backends; a name made of the request may be any', () => {
    const {leadsTo} = findMeantErrors(TEXT, []);
    const pairs = ['web', 'any', 'all'].map(frontend => [leadsTo(frontend, 'closed'), leadsTo(frontend, 'app')]);
    assert.deepEqual(pairs, [
      [true, true],
      [true, true],
      [false, false],
    ]);
    assert.equal(leadsTo('web', 'held'), false);
  });
});
