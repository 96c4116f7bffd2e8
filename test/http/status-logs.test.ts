import assert from 'node:assert/strict';
import {test} from 'node:test';
import {createStatus} from '../../src/http/status.ts';
import {openLog} from '../../src/ports/log.ts';
import {createStatusPorts} from './status-ports.ts';

const {log} = openLog('error', {write: () => {}});

/** What is asked of the daemon's and of the access log's last lines. */
async function ask(query: string): Promise<{status: number; asked: readonly unknown[]}> {
  const asked: unknown[] = [];
  const since = (kind: string) => (after: number, limit: number) => {
    asked.push(kind, after, limit);
    return [];
  };
  const recent = {daemon: {since: since('daemon')}, access: {since: since('access')}};
  const app = createStatus({...createStatusPorts(log), recent});
  const answer = await app.inject({url: `/logs${query}`, headers: {host: 'localhost'}, remoteAddress: '127.0.0.1'});
  return {status: answer.statusCode, asked};
}

test('logs, nothing else said -> the last 100 lines of the daemon', async () => {
  assert.deepEqual(await ask(''), {status: 200, asked: ['daemon', 0, 100]});
});

test('logs, kind, place and number -> those', async () => {
  assert.deepEqual(await ask('?kind=access&after=7&limit=1'), {status: 200, asked: ['access', 7, 1]});
  assert.deepEqual(await ask('?limit=1000'), {status: 200, asked: ['daemon', 0, 1000]});
});

test('logs, another kind, a number out of bounds -> 400', async () => {
  for (const query of ['?kind=x', '?after=-1', '?limit=0', '?limit=1001']) {
    assert.deepEqual(await ask(query), {status: 400, asked: []}, query);
  }
});
