import assert from 'node:assert/strict';
import {text} from 'node:stream/consumers';
import {describe, test} from 'node:test';
import {systemClock} from '../../src/ports/clock.ts';
import {openLog} from '../../src/ports/log.ts';
import {sendPing} from '../../src/slave/send.ts';
import {openSlave} from '../../src/slave/slave.ts';
import {freePort} from '../support/free-port.ts';
import {waitFor} from '../support/wait.ts';
import {openMaster} from './tiny-master.ts';

describe('slave with a real master', () => {
  test('refused, then 503, then 200, payload changed, closed -> joins, is warned once, tells, leaves', async t => {
    const port = await freePort();
    const logged: {msg: string; reason?: string}[] = [];
    let payload = '';
    let onChange = () => {};
    const slave = openSlave({
      masters: [{host: '127.0.0.1', port}],
      self: {app: 'web', id: 'web-1', ip: '10.2.0.17', role: 'frontend'},
      ttlMs: 25_000,
      payload: {
        text: () => JSON.stringify(payload),
        follow(call) {
          onChange = call;
          return () => {};
        },
      },
      deriveKey: () => 'bmviV',
      send: sendPing,
      clock: systemClock,
      log: openLog('info', {write: line => logged.push(JSON.parse(line))}).log,
    });
    await waitFor(() => logged.length === 1, 'the warning');
    assert.match(logged[0]?.reason ?? '', /ECONNREFUSED/);

    const bodies: {payload: string; down?: boolean}[] = [];
    await openMaster(
      t,
      async (request, response) => {
        bodies.push(JSON.parse(await text(request)));
        response.writeHead(bodies.length < 3 ? 503 : 200).end();
      },
      {port},
    );
    await waitFor(() => logged.length === 2, 'the recovery');
    assert.equal(bodies.length, 3);

    payload = 'new';
    onChange();
    await waitFor(() => bodies.length === 4, 'the ping with the new payload', {timeoutMs: 1000});
    assert.equal(bodies[3]?.payload, 'new');

    await slave.close();
    assert.deepEqual(
      bodies.map(({down}) => down),
      [undefined, undefined, undefined, undefined, true],
    );
    assert.deepEqual(
      logged.map(({msg}) => msg),
      ['master unreachable', 'master reachable'],
    );
  });
});
