import assert from 'node:assert/strict';
import {text} from 'node:stream/consumers';
import {describe, test} from 'node:test';
import {sendPing} from '../../src/slave/send.ts';
import {ipv6Missing} from '../http/ipv6.ts';
import {freePort} from '../support/free-port.ts';
import {openMaster} from './tiny-master.ts';

const never = new AbortController().signal;

describe('send', () => {
  test('two pings -> PUT /ping with length and type, a connection each', async t => {
    const seen: string[] = [];
    const master = await openMaster(t, async (request, response) => {
      const body = await text(request);
      const {'content-type': type, 'content-length': length} = request.headers;
      seen.push([request.method, request.url, type, length, body].join(' '));
      response.end();
    });
    for (let i = 0; i < 2; i++) {
      assert.deepEqual(await sendPing(master, '{"id": "é"}', never), {is: 'answered', status: 200});
    }
    assert.deepEqual(seen, Array(2).fill('PUT /ping application/json 12 {"id": "é"}'));
    assert.equal(master.connections(), 2);
  });

  test('IPv6 literal -> reached', {skip: ipv6Missing}, async t => {
    const master = await openMaster(t, (_request, response) => response.writeHead(204).end(), {host: '::1'});
    assert.deepEqual(await sendPing(master, '{}', never), {is: 'answered', status: 204});
  });

  test('refusals with a reason -> told; an answer that is none -> its status alone', async t => {
    for (const [status, told] of [
      [399, {}],
      [400, {reason: 'bad ping'}],
      [503, {reason: 'bad ping'}],
    ] as const) {
      const master = await openMaster(t, (_request, response) =>
        response.writeHead(status).end('{"reason": "bad ping"}'),
      );
      assert.deepEqual(await sendPing(master, '{}', never), {is: 'answered', status, ...told});
    }
  });

  test('redirect -> its status, not followed', async t => {
    const master = await openMaster(t, (_request, response) => response.writeHead(302, {location: '/ping'}).end());
    assert.deepEqual(await sendPing(master, '{}', never), {is: 'answered', status: 302});
    assert.equal(master.connections(), 1);
  });

  test('refused, cut, unresolvable, impossible -> failed with the reason', async t => {
    const closedPort = await freePort();
    const refused = await sendPing({host: '127.0.0.1', port: closedPort}, '{}', never);
    assert.deepEqual(refused, {is: 'failed', reason: `connect ECONNREFUSED 127.0.0.1:${closedPort}`});
    const cutting = await openMaster(t, (_request, response) => {
      response.writeHead(200, {'content-length': 5}).write('a', () => response.destroy());
    });
    assert.equal((await sendPing(cutting, '{}', never)).is, 'failed');
    assert.equal((await sendPing({host: '127.0.0.1', port: 70_000}, '{}', never)).is, 'failed');
    assert.equal((await sendPing({host: 'a b', port: 80}, '{}', never)).is, 'failed');
  });

  test('answer or body that hangs, aborted -> failed with the reason of the abort', async t => {
    const silent = await openMaster(t, () => {});
    const unending = await openMaster(t, (_request, response) => response.write('a'));
    for (const master of [silent, unending]) {
      const abort = new AbortController();
      setTimeout(() => abort.abort(new Error('no answer within 1000 ms')), 50);
      const outcome = await sendPing(master, '{}', abort.signal);
      assert.deepEqual(outcome, {is: 'failed', reason: 'no answer within 1000 ms'});
    }
  });
});
