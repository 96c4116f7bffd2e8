import assert from 'node:assert/strict';
import {beforeEach, describe, test} from 'node:test';
import {createProbes, createStatus} from '../../src/http/status.ts';
import {openLog} from '../../src/ports/log.ts';
import {createStatusPorts, type FakeStatusPorts, MEMBER, STATUS} from './status-ports.ts';

const logged: {level: number; msg: string; url?: string}[] = [];
const {log} = openLog('debug', {write: line => logged.push(JSON.parse(line))});

describe('status port', () => {
  let ports: FakeStatusPorts;
  const get = async (url: string) => createStatus(ports).inject({url});

  beforeEach(() => {
    ports = createStatusPorts(log);
    logged.length = 0;
  });

  test('/status -> all that DESIGN promises', async () => {
    const answer = await get('/status');
    assert.equal(answer.statusCode, 200);
    assert.match(String(answer.headers['content-type']), /^application\/json/);
    assert.deepEqual(answer.json(), STATUS);
  });

  test('/members -> the members, /hosts -> the map', async () => {
    assert.deepEqual((await get('/members')).json(), [MEMBER]);
    assert.deepEqual((await get('/hosts')).json(), STATUS.hosts);
  });

  test('/config while something serves -> its text as plain text', async () => {
    const answer = await get('/config');
    assert.match(String(answer.headers['content-type']), /^text\/plain/);
    assert.equal(answer.body, 'frontend web\n');
  });

  test('/config before anything serves -> 503 and why', async () => {
    ports.configuration = () => undefined;
    const answer = await get('/config');
    assert.equal(answer.statusCode, 503);
    assert.match(answer.json().reason, /HAProxy has not served/);
  });

  test('/metrics -> the exposition with its own content type', async () => {
    const answer = await get('/metrics');
    assert.equal(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    assert.equal(answer.body, 'up 1\n');
  });

  test('/metrics, the reading fails -> 500, the reason in the log only', async () => {
    ports.metrics = () => Promise.reject(new Error('secret'));
    const answer = await get('/metrics');
    assert.equal(answer.statusCode, 500);
    assert.doesNotMatch(answer.body, /secret/);
    assert.equal(logged[0]?.msg, 'status request failed');
    assert.equal(logged[0]?.url, '/metrics');
  });

  test('an unknown path -> 404 that names those there are', async () => {
    const answer = await get('/nowhere');
    assert.equal(answer.statusCode, 404);
    assert.match(answer.json().reason, /\/status/);
  });

  test('another method on a known path -> not taken', async () => {
    const answer = await createStatus(ports).inject({method: 'POST', url: '/status'});
    assert.equal(answer.statusCode, 404);
  });
});

describe('probes', () => {
  for (const [isReady, code] of [
    [true, 200],
    [false, 503],
  ] as const) {
    test(`/readyz, ready is ${isReady} -> ${code}; /livez -> 200`, async () => {
      const app = createProbes({isReady: () => isReady});
      assert.equal((await app.inject('/readyz')).statusCode, code);
      assert.equal((await app.inject('/livez')).statusCode, 200);
    });
  }

  test('a slave has nothing else to show -> 404', async () => {
    assert.equal((await createProbes({isReady: () => true}).inject('/status')).statusCode, 404);
  });
});
