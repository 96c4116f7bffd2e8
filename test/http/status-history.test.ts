import assert from 'node:assert/strict';
import {beforeEach, describe, test} from 'node:test';
import {createStatus} from '../../src/http/status.ts';
import {openLog} from '../../src/ports/log.ts';
import {createStatusPorts, entryOf, type FakeStatusPorts} from './status-ports.ts';

const {log} = openLog('error', {write: () => {}});

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
