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

  test('/status -> all that is documented', async () => {
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
    assert.equal(answer.body, 'frontend web\n  bind :81\n');
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
    assert.match(answer.json().reason, /^GET \/nowhere is none of GET \/status, .*; .*POST \/check\b.*PUT \/log-level/);
    const [long] = /\/x+/.exec((await get(`/${'x'.repeat(300)}?y`)).json().reason) ?? [];
    assert.equal(long?.length, 200);
  });

  test('another method on a known path -> 405 that names those there are', async () => {
    const answer = await createStatus(ports).inject({method: 'POST', url: '/status'});
    assert.equal(answer.statusCode, 405);
    assert.equal(answer.headers.allow, 'GET');
    const change = await get('/rollback?pass=1');
    assert.deepEqual([change.statusCode, change.headers.allow], [405, 'POST']);
  });

  test('/members of an app -> only those; /members/gone -> who left and why', async () => {
    assert.deepEqual((await get('/members?app=api')).json(), []);
    assert.equal((await get('/members?app=web')).json().length, 1);
    const named = async (length: number) => (await get(`/members?app=${'a'.repeat(length)}`)).statusCode;
    assert.deepEqual([await named(63), await named(64)], [200, 400]);
    assert.equal((await get('/members/gone')).json()[0].why, 'down');
  });

  test('a timeline, by a name or however the IP is spelled -> the moments and the member; of a stranger -> 404', async () => {
    const {moments, member} = (await get('/members/::ffff:10.2.0.17/timeline')).json();
    assert.deepEqual([moments[0].what, member], ['first ping', MEMBER]);
    assert.equal((await get('/members/web-1/timeline')).json().ip, MEMBER.ip);
    assert.deepEqual((await get('/members/10.9.9.9/timeline')).json(), {
      error: 'unknown member',
      reason: 'no pod has had the address or name "10.9.9.9" since the daemon started',
    });
    const [long] = /x+/.exec((await get(`/members/${'x'.repeat(90)}/timeline`)).json().reason) ?? [];
    assert.equal(long?.length, 60);
    assert.equal((await get('/members/<script>/timeline')).statusCode, 404);
  });

  test('/history -> the newest first, as many as asked for; one pass by its number', async () => {
    const passes = async (url: string) => (await get(url)).json().map(({pass}: {pass: number}) => pass);
    assert.deepEqual(await passes('/history'), [3, 2, 1]);
    assert.deepEqual(await passes('/history?limit=1'), [3]);
    assert.equal((await get('/history/2')).json().pass, 2);
    assert.match((await get('/history/9')).json().reason, /passes 1 to 3/);
  });

  test('/config of a pass -> its text; of one that is gone -> 410; of none -> 404', async () => {
    assert.equal((await get('/config?pass=2')).body, 'frontend web\n  bind :80\n');
    assert.equal((await get('/config?pass=3')).statusCode, 410);
    assert.equal((await get('/config?pass=9')).statusCode, 404);
    assert.equal((await get('/config?pass=x')).statusCode, 400);
  });

  test('/config/diff -> between two passes, or to what serves now', async () => {
    const between = await get('/config/diff?from=1&to=2');
    assert.match(between.body, /^--- pass 1\n\+\+\+ pass 2\n@@ .*\n frontend web\n\+ {2}bind :80\n$/);
    assert.match((await get('/config/diff?from=2')).body, /\+\+\+ serving now\n.*\n.*\n- {2}bind :80\n\+ {2}bind :81/);
    assert.equal((await get('/config/diff')).statusCode, 400);
    assert.equal((await get('/config/diff?from=1&to=3')).statusCode, 410);
  });

  test('any answer -> not sniffed, not cached', async () => {
    const {headers} = await get('/status');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['cache-control'], 'no-store');
  });
});

describe('probes', () => {
  for (const [isReady, code] of [
    [true, 200],
    [false, 503],
  ] as const) {
    test(`/readyz, ready is ${isReady} -> ${code}; /livez -> 200`, async () => {
      const app = createProbes({isReady: () => isReady});
      const {statusCode, body} = await app.inject('/readyz');
      assert.deepEqual([statusCode, body], [code, isReady ? 'ok\n' : 'not ready\n']);
      assert.equal((await app.inject('/livez')).statusCode, 200);
    });
  }

  test('a request that is slow to come -> cut after 10 s; one that is never answered -> no reason not to close', async () => {
    const app = createProbes({isReady: () => true});
    const asked = Promise.withResolvers<void>();
    app.get('/never', () => {
      asked.resolve();
      return new Promise(() => {});
    });
    assert.equal(app.server.requestTimeout, 10_000);
    const address = await app.listen({port: 0, host: '127.0.0.1'});
    const answer = fetch(`${address}/never`).catch(() => 'cut');
    await asked.promise;
    await app.close();
    assert.equal(await answer, 'cut');
  });

  test('a slave has nothing else to show -> 404', async () => {
    assert.equal((await createProbes({isReady: () => true}).inject('/status')).statusCode, 404);
  });
});
