import assert from 'node:assert/strict';
import {beforeEach, describe, test} from 'node:test';
import {DaemonError} from '../../src/errors.ts';
import {createStatus} from '../../src/http/status.ts';
import {admit} from '../../src/http/token.ts';
import {openLog} from '../../src/ports/log.ts';
import {createStatusPorts, type FakeStatusPorts} from './status-ports.ts';

const logged: {level: number; msg: string; event?: string; outcome?: string; reason?: string}[] = [];
const {log} = openLog('debug', {write: line => logged.push(JSON.parse(line))});
const AUTHORIZED = {authorization: 'Bearer open-sesame'};
const CHANGES = [
  ['POST', '/reconfigure'],
  ['POST', '/rollback?pass=1'],
  ['POST', '/release'],
  ['POST', '/check'],
  ['PUT', '/log-level'],
] as const;

describe('changes over HTTP', () => {
  let ports: FakeStatusPorts;
  const ask = (method: 'POST' | 'PUT', url: string, headers = {}, payload?: object) =>
    createStatus(ports).inject({method, url, headers, ...(payload && {payload})});

  beforeEach(() => {
    ports = {...createStatusPorts(log), loadToken: async () => 'open-sesame\n'};
    logged.length = 0;
  });

  for (const [method, url] of CHANGES) {
    test(`${method} ${url}, no token configured -> 403 that says how to switch it on, and a line in the log`, async () => {
      ports.loadToken = undefined;
      const answer = await ask(method, url, AUTHORIZED, method === 'PUT' ? {level: 'debug'} : undefined);
      assert.equal(answer.statusCode, 403);
      assert.match(answer.json().reason, /KONTROL_TOKEN_FILE/);
      assert.deepEqual(
        logged.map(({event, outcome}) => [event, outcome]),
        [[`${method} ${url}`, 'off']],
      );
    });

    test(`${method} ${url}, no or a wrong token -> 401, nothing is done`, async () => {
      let done = false;
      const act = async () => {
        done = true;
        return {is: 'done', answer: {}} as const;
      };
      ports.actions = {reconfigure: act, rollback: act, release: act, check: act, setLogLevel: act};
      for (const headers of [{}, {authorization: 'Bearer wrong'}, {authorization: 'Basic open-sesame'}]) {
        const answer = await ask(method, url, headers, method === 'PUT' ? {level: 'debug'} : undefined);
        assert.equal(answer.statusCode, 401);
        assert.match(String(answer.headers['www-authenticate']), /^Bearer/);
      }
      assert.equal(done, false);
    });

    test(`${method} ${url}, the token -> done and audited, the token not in the log`, async () => {
      const answer = await ask(method, url, AUTHORIZED, method === 'PUT' ? {level: 'debug'} : undefined);
      assert.equal(answer.statusCode, 200, answer.body);
      assert.deepEqual(
        logged.map(({msg, event, outcome}) => [msg, event, outcome]),
        [['operator changed something', `${method} ${url}`, 'done']],
      );
      assert.doesNotMatch(JSON.stringify(logged), /sesame/);
    });
  }

  test('a template to check -> its bytes, whatever it is called; too large, none, or too many -> 413, 400, 429', async () => {
    const seen: string[] = [];
    ports.actions = {
      ...ports.actions,
      async check(bytes) {
        seen.push(Buffer.from(bytes).toString());
        if (bytes.length === 0) return {is: 'malformed', reason: 'send the template as the body'};
        return seen.length > 3 ? {is: 'busy', reason: 'later'} : {is: 'shown', answer: {works: true}};
      },
    };
    const post = (body: string, headers: Readonly<Record<string, string>> = {}) =>
      createStatus(ports).inject({method: 'POST', url: '/check', headers: {...AUTHORIZED, ...headers}, body});
    const types = ['text/plain', 'application/json', 'application/x-www-form-urlencoded'];
    for (const type of types) {
      const answer = await post('{{ a }}\n', {'content-type': type});
      assert.deepEqual([answer.statusCode, answer.json()], [200, {works: true}]);
    }
    assert.deepEqual(seen, ['{{ a }}\n', '{{ a }}\n', '{{ a }}\n']);
    assert.equal((await post('x')).statusCode, 429);
    assert.equal((await post('')).statusCode, 400);
    const most = 4 * 1024 * 1024;
    assert.equal((await post('x'.repeat(most + 1))).statusCode, 413);
    assert.equal((await post('x'.repeat(most))).statusCode, 429);
    assert.equal(logged.filter(({msg}) => msg === 'operator looked at a change').length, 3);
  });

  for (const [method, url, type, body, status, reason] of [
    ['POST', '/rollback', 'application/json', '', 400, 'give one of pass, at, last'],
    ['POST', '/rollback?pass=x', 'application/json', '', 400, 'querystring/pass must be integer'],
    [
      'PUT',
      '/log-level',
      'application/x-www-form-urlencoded',
      '{"level": "info"}',
      415,
      /Content-Type: application\/json/,
    ],
    [
      'PUT',
      '/log-level',
      'application/json',
      '{"level": "loud"}',
      400,
      /allowed values: trace, debug, info, warn, error$/,
    ],
    ['PUT', '/log-level', 'application/json', '{"level', 400, /not valid JSON/],
    ['POST', '/check', 'text/plain', 'x'.repeat((4 << 20) + 1), 413, /too large/],
  ] as const) {
    test(`${method} ${url} with the token and nonsense -> ${status}, what to send, and one line in the log`, async () => {
      const headers = {...AUTHORIZED, ...(body !== '' && {'content-type': type})};
      const answer = await createStatus(ports).inject({method, url, headers, ...(body !== '' && {body})});
      assert.equal(answer.statusCode, status);
      assert.match(answer.json().reason, typeof reason === 'string' ? new RegExp(`^${reason}$`) : reason);
      assert.deepEqual(
        logged.map(line => [line.msg, line.event, line.outcome, line.reason]),
        [['operator was refused, or failed', `${method} ${url}`, 'malformed', answer.json().reason]],
      );
    });
  }

  test('a rollback whose pass fails -> 422 with what HAProxy said, but for secrets', async () => {
    ports.actions = {
      ...ports.actions,
      rollback: () =>
        Promise.reject(new DaemonError('VALIDATE', 'cannot validate x: hunter2', {detail: '[ALERT] hunter2'})),
    };
    const answer = await ask('POST', '/rollback?pass=1', AUTHORIZED);
    assert.deepEqual(
      [answer.statusCode, answer.json()],
      [422, {error: 'the pass failed', reason: 'cannot validate x: ***', detail: '[ALERT] ***'}],
    );
    assert.deepEqual([logged[0]?.outcome, logged[0]?.reason], ['failed', 'cannot validate x: ***']);
  });

  test('an action with nothing to act on -> 404, 410 or 409 with the reason, audited as such', async () => {
    for (const [is, code] of [
      ['unknown', 404],
      ['gone', 410],
      ['idle', 409],
    ] as const) {
      logged.length = 0;
      ports.actions = {...ports.actions, release: async () => ({is, reason: 'as it is'})};
      const answer = await ask('POST', '/release', AUTHORIZED);
      assert.deepEqual([answer.statusCode, answer.json()], [code, {error: 'not done', reason: 'as it is'}]);
      assert.deepEqual(
        logged.map(({msg, outcome, reason}) => [msg, outcome, reason]),
        [['operator was refused, or failed', is, 'as it is']],
      );
    }
  });

  test('a body of 4 KiB -> read; a longer one -> 413', async () => {
    const bodyOf = (bytes: number) => ({
      level: 'debug',
      padding: 'x'.repeat(bytes - '{"level":"debug","padding":""}'.length),
    });
    assert.equal((await ask('PUT', '/log-level', AUTHORIZED, bodyOf(4096))).statusCode, 200);
    assert.equal((await ask('PUT', '/log-level', AUTHORIZED, bodyOf(4097))).statusCode, 413);
  });

  test('a rollback to nothing, a level that is none -> 400 that names the field', async () => {
    assert.match((await ask('POST', '/rollback', AUTHORIZED)).json().reason, /pass/);
    assert.match((await ask('PUT', '/log-level', AUTHORIZED, {level: 'loud'})).json().reason, /level/);
  });

  test('what is asked for -> reaches the action as it was said, as a preview or for good', async () => {
    const asked: unknown[] = [];
    const note = (name: string) => async (ofWhat: unknown, isPreview?: boolean) => {
      asked.push([name, ofWhat, isPreview]);
      return {is: 'done', answer: {}} as const;
    };
    ports.actions = {
      ...ports.actions,
      reconfigure: note('reconfigure'),
      rollback: note('rollback'),
      release: note('release'),
    };
    for (const [url, ...wanted] of [
      ['/reconfigure', 'reconfigure', false, undefined],
      ['/reconfigure?preview=1', 'reconfigure', true, undefined],
      ['/release', 'release', false, undefined],
      ['/release?preview=1', 'release', true, undefined],
      ['/rollback?pass=1', 'rollback', {is: 'pass', pass: 1}, false],
      ['/rollback?last=1&preview=1', 'rollback', {is: 'last'}, true],
      ['/rollback?at=0', 'rollback', {is: 'time', at: 0}, false],
      ['/rollback?at=8640000000000000', 'rollback', {is: 'time', at: 8.64e15}, false],
    ]) {
      assert.equal((await ask('POST', `${url}`, AUTHORIZED)).statusCode, 200);
      assert.deepEqual(asked.splice(0), [wanted]);
    }
    for (const wish of ['pass=0', 'at=-1', 'at=8640000000000001', 'last=2']) {
      assert.equal((await ask('POST', `/rollback?${wish}`, AUTHORIZED)).statusCode, 400, wish);
    }
    assert.deepEqual(asked, []);
  });

  test('a token file that went away -> 503, nobody is let in', async () => {
    ports.loadToken = () => Promise.reject(new Error('ENOENT'));
    assert.equal((await ask('POST', '/release', AUTHORIZED)).statusCode, 503);
    ports.loadToken = async () => '\n';
    assert.equal((await ask('POST', '/release', {authorization: 'Bearer '})).statusCode, 503);
  });

  test('logs, from loopback -> there; through a name of its own or from afar -> the token is needed', async () => {
    const logs = (headers: object, remoteAddress = '127.0.0.1') =>
      createStatus(ports).inject({url: '/logs?limit=7&after=4', headers: {...headers}, remoteAddress});
    assert.deepEqual((await logs({host: 'localhost:8001'})).json(), [{number: 5, text: '{"limit":7}'}]);
    assert.equal((await logs({host: 'rebound.example'})).statusCode, 421);
    assert.equal((await logs({host: 'localhost'}, '10.0.0.9')).statusCode, 401);
    assert.equal((await logs({host: 'localhost', ...AUTHORIZED}, '10.0.0.9')).statusCode, 200);
  });
});

test('token, any prefix or suffix of it -> denied', async () => {
  const judge = async (given: string) => (await admit(`Bearer ${given}`, async () => 'abcdef')).is;
  assert.equal(await judge('abcdef'), 'admitted');
  for (const given of ['', 'a', 'abcde', 'abcdefg', 'ABCDEF']) assert.equal(await judge(given), 'denied');
});

test('token file that is empty, cannot be read, or holds what no header carries -> 503 that says which', async () => {
  const judge = async (loadToken: () => Promise<string>) => {
    const admission = await admit('Bearer abcdef', loadToken);
    return 'status' in admission ? [admission.status, admission.reason] : [];
  };
  assert.deepEqual(await judge(async () => '\r\n'), [503, 'the token file is empty']);
  assert.deepEqual(await judge(() => Promise.reject(new Error('EIO'))), [503, 'the token file cannot be read']);
  const several = 'the token file has more than one line, or characters that no HTTP header can have';
  for (const text of ['abcdef\nabcdef\n', 'abc\0def', 'žluť'])
    assert.deepEqual(await judge(async () => text), [503, several]);
});
