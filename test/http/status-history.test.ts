import assert from 'node:assert/strict';
import {beforeEach, describe, test} from 'node:test';
import {createStatus} from '../../src/http/status.ts';
import {openLog} from '../../src/ports/log.ts';
import {createStatusPorts, entryOf, type FakeStatusPorts} from './status-ports.ts';

const logged: {msg: string; event?: string; outcome?: string}[] = [];
const {log} = openLog('info', {write: line => logged.push(JSON.parse(line))});

describe('history and configurations', () => {
  let ports: FakeStatusPorts;
  const get = async (url: string) => createStatus(ports).inject({url});
  const refusal = async (url: string) => {
    const answer = await get(url);
    return [answer.statusCode, answer.json().reason];
  };

  beforeEach(() => {
    ports = createStatusPorts(log);
  });

  test('how many passes -> from 1 to 200, all of them by default', async () => {
    const entries = Array.from({length: 201}, (_, index) => entryOf(index + 1));
    ports.history = {...ports.history, entries};
    assert.deepEqual(
      [(await get('/history')).json().length, (await get('/history?limit=199')).json().length],
      [200, 199],
    );
    assert.deepEqual(
      await Promise.all(['0', '201'].map(async limit => (await get(`/history?limit=${limit}`)).statusCode)),
      [400, 400],
    );
  });

  test('a pass that there is not -> 404 with those that there are, wherever it is asked for', async () => {
    const known = [404, 'there is no pass 9: the history holds passes 1 to 3'];
    for (const url of ['/history/9', '/config?pass=9', '/config/diff?from=9', '/config/diff?from=1&to=9']) {
      assert.deepEqual(await refusal(url), known, url);
    }
    ports.history = {...ports.history, entries: [], entry: () => undefined};
    assert.deepEqual(await refusal('/history/1'), [404, 'there is no pass 1: there has been no pass yet']);
    assert.equal((await get('/history/0')).statusCode, 400);
  });

  test('a pass whose text is gone -> 410; of a failed one, that it may have had none', async () => {
    assert.deepEqual(await refusal('/config?pass=3'), [
      410,
      'pass 3 has no configuration: it failed before it had a text, or the text is no longer kept',
    ]);
    ports.history = {...ports.history, configuration: async () => undefined};
    const gone = [410, 'pass 1 has no configuration: its text is no longer kept'];
    assert.deepEqual(await refusal('/config?pass=1'), gone);
    assert.deepEqual(await refusal('/config/diff?from=1'), gone);
  });

  describe('what is hidden', () => {
    const REVEALING = ['/config?reveal=1', '/config?pass=1&reveal=1', '/config/diff?from=1&to=2&reveal=1'];
    const ask = (url: string, authorization?: string) =>
      createStatus(ports).inject({url, headers: {...(authorization !== undefined && {authorization})}});

    beforeEach(() => {
      ports.loadToken = async () => 'open-sesame';
      ports.configuration = as => `serving ${as}\n`;
      ports.history = {...ports.history, configuration: async ({pass}, as) => `pass ${pass} ${as}\n`};
      logged.length = 0;
    });

    test('not asked for -> not shown, token or not, and nothing is logged', async () => {
      for (const url of ['/config', '/config?reveal=0', '/config?pass=1', '/config/diff?from=1&to=2']) {
        assert.doesNotMatch((await ask(url, 'Bearer open-sesame')).body, /revealed/);
        assert.match((await ask(url)).body, /shown/);
      }
      assert.deepEqual(logged, []);
    });

    test('asked for without the token, or with none configured -> refused and logged', async () => {
      for (const url of REVEALING) {
        assert.equal((await ask(url)).statusCode, 401);
        const wrong = await ask(url, 'Bearer wrong');
        assert.deepEqual([wrong.statusCode, wrong.json().error], [401, 'secrets are denied']);
        assert.match(String(wrong.headers['www-authenticate']), /^Bearer/);
        assert.doesNotMatch(wrong.body, /revealed/);
      }
      assert.equal(logged.length, 2 * REVEALING.length);
      assert.deepEqual(
        [logged[0]?.msg, logged[0]?.event, logged[0]?.outcome],
        ['operator was refused, or failed', 'GET /config?reveal=1', 'denied'],
      );
      ports.loadToken = undefined;
      const off = await ask('/config?reveal=1', 'Bearer open-sesame');
      assert.deepEqual([off.statusCode, off.headers['www-authenticate']], [403, undefined]);
    });

    test('asked for with the token -> shown, and who saw it is logged', async () => {
      const bodies = await Promise.all(REVEALING.map(async url => (await ask(url, 'Bearer open-sesame')).body));
      assert.deepEqual(bodies.slice(0, 2), ['serving revealed\n', 'pass 1 revealed\n']);
      assert.match(bodies[2] ?? '', /-pass 1 revealed\n\+pass 2 revealed/);
      assert.match((await ask('/config/diff?from=1&reveal=1', 'Bearer open-sesame')).body, /\+serving revealed/);
      assert.equal(logged.length, 4);
      assert.ok(logged.every(({msg}) => msg === 'operator reads a configuration with its secrets'));
    });

    test('neither 0 nor 1 -> 400', async () => {
      for (const reveal of ['2', 'yes']) assert.equal((await ask(`/config?reveal=${reveal}`)).statusCode, 400);
    });
  });

  test('the difference to what serves, nothing does -> 503', async () => {
    ports.configuration = () => undefined;
    assert.deepEqual(await refusal('/config/diff?from=1'), [503, 'HAProxy has not served anything yet']);
  });

  test('a difference of 4 MiB -> whole; a longer one -> cut, and said', async () => {
    const lineOf = (character: string, bytes: number) => `${character.repeat(bytes)}\n`;
    const diffOf = async (bytes: number) => {
      ports.history = {...ports.history, configuration: async ({pass}) => (pass === 1 ? '' : lineOf('x', bytes))};
      return (await get('/config/diff?from=1&to=2')).body;
    };
    const frame = (await diffOf(1)).length - '--- pass 1\n+++ pass 2\n'.length - 1;
    const most = (4 << 20) - frame;
    assert.doesNotMatch((await diffOf(most)).slice(-100), /too large/);
    assert.match((await diffOf(most + 1)).slice(-100), /\.\.\. too large to show in full\n$/);
  });
});
