import assert from 'node:assert/strict';
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {ask} from '../../src/proxy/runtime.ts';
import {openFolder} from '../support/folder.ts';
import {missing} from '../support/parts.ts';
import {startServed} from '../support/served.ts';

const TOKEN = 'operators-token-for-a-test';

describe('HAProxy that was told something else', {skip: missing('haproxy'), timeout: 120_000}, () => {
  test('an operator drains a server by hand -> not in sync, named; left alone; reconfigure ends it', async () => {
    await using folder = await openFolder();
    const tokenFile = join(folder.path, 'token');
    await writeFile(tokenFile, TOKEN);
    await using served = await startServed({KONTROL_WARMUP: '0', KONTROL_TOKEN_FILE: tokenFile});
    const {daemon} = served;
    await ask(`${daemon.dataFolder}/haproxy.sock`, 'set server web/web-1 state maint', {timeoutMs: 5000});
    const status = await daemon.waitFor(seen => seen.drift.count > 0 && seen, 'the deviation seen');
    assert.deepEqual(
      status.drift.deviations.map(({server, what, found}) => [server, what, found]),
      [['web-1', 'state', 'maint']],
    );
    assert.equal(status.inSync, false);
    assert.match(JSON.stringify(status.problems), /web\/web-1: state is maint, not ready/);
    assert.match((await daemon.get('/metrics'))?.body ?? '', /^kontrol_drift_servers 1$/m);
    assert.equal(await served.fetch(), 'status 503');

    const answer = await fetch(`http://127.0.0.1:${daemon.statusPort}/reconfigure`, {
      method: 'POST',
      headers: {authorization: `Bearer ${TOKEN}`},
    });
    assert.equal(answer.status, 200);
    await daemon.waitFor(seen => seen.inSync && seen.drift.count === 0, 'in sync again');
    assert.equal(await served.fetch(), 'pod');
  });
});
