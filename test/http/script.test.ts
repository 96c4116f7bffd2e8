import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {fastify} from 'fastify';
import {acceptAnyBody} from '../../src/http/body.ts';
import {addScript} from '../../src/http/script.ts';
import type {Captured} from '../../src/ports/capture.ts';
import type {Command} from '../../src/ports/spawn.ts';
import {openLogSink} from '../members/fixtures.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {waitFor} from '../support/wait.ts';

const DONE: Captured = {code: 0, signal: undefined, stdout: Buffer.from('out\n'), ended: 'itself'};

function openBench(token: () => Promise<string> = async () => 'hush\n') {
  const {log, lines} = openLogSink();
  const runs: {command: Command; end: (captured?: Partial<Captured> | Error) => void}[] = [];
  const app = fastify();
  acceptAnyBody(app);
  addScript(app, {
    clock: createFakeClock(),
    log,
    loadToken: token,
    env: () => ({KONTROL_ID: 'proxy-1'}),
    capture(command) {
      const {promise, resolve, reject} = Promise.withResolvers<Captured>();
      runs.push({
        command,
        end: captured => (captured instanceof Error ? reject(captured) : resolve({...DONE, ...captured})),
      });
      return promise;
    },
  });
  const put = (payload: string, authorization: string | undefined = 'Bearer hush') =>
    app.inject({method: 'PUT', url: '/script', payload, ...(authorization && {headers: {authorization}})});
  /** A request whose command comes to that. */
  const ran = async (captured?: Partial<Captured> | Error) => {
    const count = runs.length;
    const answer = put('{"cmd":"id"}');
    await waitFor(() => runs.length > count, 'the command');
    runs[count]?.end(captured);
    return answer;
  };
  return {put, ran, runs, audit: () => lines.filter(({event}) => event === 'script')};
}

describe('PUT /script', () => {
  test('with the token -> runs in a shell with the whole request in INPUT, answers stdout, one audit line', async () => {
    const {ran, runs, audit} = openBench();
    const answer = await ran();
    assert.deepEqual([answer.statusCode, answer.body, answer.headers['x-exit-code']], [200, 'out\n', '0']);
    assert.deepEqual(runs[0]?.command, {
      file: '/bin/sh',
      args: ['-c', 'id'],
      env: {KONTROL_ID: 'proxy-1', INPUT: '{"cmd":"id"}'},
    });
    assert.deepEqual(
      audit().map(({level, status, cmd, remoteAddress, exitCode}) => [level, status, cmd, remoteAddress, exitCode]),
      [[40, 200, 'id', '127.0.0.1', 0]],
    );
  });

  for (const authorization of ['', 'Bearer ', 'Bearer hus', 'Bearer hushh', 'Bearer HUSH', 'hush', 'Basic aHVzaA==']) {
    test(`fault 7: authorization "${authorization}" -> 401, nothing runs, an audit line`, async () => {
      const {put, runs, audit} = openBench();
      const answer = await put('{"cmd":"id"}', authorization);
      assert.deepEqual([answer.statusCode, runs.length, audit()[0]?.status], [401, 0, 401]);
      assert.equal(answer.headers['www-authenticate'], 'Bearer');
    });
  }

  test('the scheme in lower case, which RFC 9110 leaves open -> runs', async () => {
    const {put, runs} = openBench();
    const answer = put('{"cmd":"id"}', 'bearer hush');
    await waitFor(() => runs.length === 1, 'the command');
    runs[0]?.end();
    assert.equal((await answer).statusCode, 200);
  });

  test('an empty or unreadable token file -> nobody is let in', async () => {
    for (const token of [async () => '\n', () => Promise.reject(new Error('ENOENT'))]) {
      assert.equal((await openBench(token).put('{"cmd":"id"}', 'Bearer ')).statusCode, 401);
    }
  });

  for (const body of ['', 'x', '[]', '{}', '{"cmd": 1}', '{"cmd": " "}', '{"cmd": "a\\u0000b"}']) {
    test(`body ${JSON.stringify(body)} -> 400`, async () => {
      const {put, runs} = openBench();
      assert.deepEqual([(await put(body)).statusCode, runs.length], [400, 0]);
    });
  }

  for (const [what, captured, status] of [
    ['an exit other than 0', {code: 3}, 500],
    ['over the time limit', {ended: 'timeout', code: undefined, signal: 'SIGTERM'}, 504],
    ['too much output', {ended: 'overflow'}, 507],
    ['cannot be started', new Error('EAGAIN'), 500],
  ] as const) {
    test(`${what} -> ${status}`, async () => {
      const {ran, audit} = openBench();
      assert.deepEqual([(await ran(captured)).statusCode, audit()[0]?.status], [status, status]);
    });
  }

  test('four run -> the fifth is refused; one ends, and there is room', async () => {
    const {put, ran, runs} = openBench();
    const four = [1, 2, 3, 4].map(() => put('{"cmd":"id"}'));
    await waitFor(() => runs.length === 4, 'four commands');
    assert.equal((await put('{"cmd":"id"}')).statusCode, 503);
    runs[0]?.end();
    await four[0];
    assert.equal((await ran()).statusCode, 200);
    for (const {end} of runs) end();
    await Promise.all(four);
  });
});
