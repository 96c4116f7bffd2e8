import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {openSlaveRole} from '../../../src/commands/daemon/slave-role.ts';
import type {MasterAddress} from '../../../src/config/config.ts';
import {openLogSink} from '../../members/fixtures.ts';
import {waitFor} from '../../support/wait.ts';

const MASTER = 'kontrol.unity3d.com/master';

const [FIRST, SECOND]: readonly MasterAddress[] = [
  {host: 'first', port: 8000},
  {host: 'second', port: 8000},
];
assert.ok(FIRST !== undefined && SECOND !== undefined);

/** A role whose pings arrive at once; `heard` is what each master was told, with the token it came with. */
function openRole(masters: readonly MasterAddress[], changes: {ip?: string | undefined; slave?: boolean} = {}) {
  const {log, said} = openLogSink();
  const {ip, slave = true} = {ip: '10.2.0.17', ...changes};
  const self = {namespace: 'x', id: 'lb-1', ip, app: 'lb', role: 'balancer', labels: {}, annotations: {}};
  const heard: string[] = [];
  const role = openSlaveRole(
    {
      self: {...self, eip: undefined, node: {labels: {}, annotations: {}}},
      mode: {master: true, slave},
      ...{masters, port: 8000, ttlMs: 60_000, payloadFile: '/nowhere/payload'},
    },
    log,
    {tokens: ['token', 'older token']},
    token => async (master, body) => {
      heard.push(`${master.host} ${JSON.parse(body).down ? 'down' : 'up'} ${token()}`);
      return {is: 'answered', status: 200};
    },
  );
  return {role, said, heard};
}

describe('the slave role', () => {
  test('a master -> gets keepalives with the first token, and a goodbye', async () => {
    const {role, heard} = openRole([FIRST]);
    await (await role).close();
    assert.deepEqual(heard, ['first up token', 'first down token']);
  });

  test('switched off, or without an address -> nobody hears of it', async () => {
    for (const changes of [{slave: false}, {ip: undefined}]) {
      const {role, heard} = openRole([FIRST], changes);
      (await role).annotated({[MASTER]: 'second'});
      await (await role).close();
      assert.deepEqual(heard, []);
    }
  });

  test('other masters in the annotation -> those before are told down, the new ones up; the same again -> nothing', async () => {
    const {role, heard, said} = openRole([FIRST]);
    (await role).annotated({[MASTER]: 'first'});
    assert.deepEqual(said('masters changed'), []);
    (await role).annotated({[MASTER]: 'second'});
    await waitFor(() => heard.length === 3, 'a keepalive to the other master');
    await (await role).close();
    assert.deepEqual(heard, ['first up token', 'first down token', 'second up token', 'second down token']);
  });

  test('no master named -> those before are told down, and nobody else', async () => {
    const {role, heard} = openRole([FIRST]);
    (await role).annotated({});
    await waitFor(() => heard.length === 2, 'a goodbye');
    await (await role).close();
    assert.deepEqual(heard, ['first up token', 'first down token']);
  });

  test('an entry that is none -> the masters stay, with a warning', async () => {
    const {role, heard, said} = openRole([FIRST]);
    (await role).annotated({[MASTER]: 'second,!'});
    assert.equal(said('refused')[0]?.reason, '!');
    await (await role).close();
    assert.deepEqual(heard, ['first up token', 'first down token']);
  });

  test('changed while it is being closed -> the new masters never hear of it', async () => {
    const {role, heard} = openRole([FIRST]);
    const closing = (await role).close();
    (await role).annotated({[MASTER]: 'second'});
    await closing;
    await (await role).close();
    assert.deepEqual(heard, ['first up token', 'first down token']);
  });
});
