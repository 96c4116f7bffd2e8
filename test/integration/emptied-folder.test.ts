import assert from 'node:assert/strict';
import {readdir, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {test} from 'node:test';
import {startBackends} from '../support/backend.ts';
import {missing} from '../support/parts.ts';
import {type Served, startServed} from '../support/served.ts';
import {fetchText} from '../support/web.ts';

const OTHER_IP = '127.0.9.2';
const WARM = {KONTROL_WARMUP: '0', KONTROL_DAMPER: '0'};
const skip = missing('haproxy');

const answers = async ({port}: Served): Promise<string> => {
  const all = await Promise.all(Array.from({length: 6}, () => fetchText({port})));
  return [...new Set(all)].sort().join();
};

const empty = async (folder: string): Promise<void> => {
  for (const name of await readdir(folder)) await rm(join(folder, name), {recursive: true, force: true});
};

test('the data folder is emptied -> HAProxy that dies is started anew, and pods come and go', {
  skip,
  timeout: 120_000,
}, async () => {
  await using served = await startServed(WARM);
  const {daemon} = served;
  await using _pods = await startBackends([{name: 'other', host: OTHER_IP, port: served.podPort}]);
  await empty(daemon.dataFolder);
  process.kill(await served.pid(), 'SIGKILL');
  await daemon.waitFor(async ({proxy}) => proxy.restarts === 1 && (await served.fetch()) === 'pod', 'HAProxy anew');
  assert.match(await served.committed(), /server web-1 /);

  await empty(daemon.dataFolder);
  const other = daemon.slave({ip: OTHER_IP});
  using _silence = {[Symbol.dispose]: other.silence};
  other.run(500);
  await daemon.waitFor(async ({inSync}) => inSync && (await answers(served)) === 'other,pod', 'who joins served');
  assert.match(await served.committed(), /server web-2 /);
});
