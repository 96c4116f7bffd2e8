import assert from 'node:assert/strict';
import {test} from 'node:test';
import {openLog} from '../../src/ports/log.ts';
import type {StagedGeneration} from '../../src/reload/generation.ts';
import {checkServing} from '../../src/reload/serving-check.ts';
import {systemError} from '../support/system-error.ts';

const {log} = openLog('error', {write() {}});

const OPEN = '# pxname,svname,status,\nweb,FRONTEND,OPEN,\n';

/** A new HAProxy that is to listen on port 80, whose sockets are read by `listeningPorts`. */
const check = (listeningPorts: () => Promise<number[]>, answer = OPEN): Promise<void> =>
  checkServing(
    {
      text: 'frontend web\n  bind :80\n',
      paths: {socket: '/data/run/1.sock'},
      supervisor: {child: {pid: 7}},
    } as StagedGeneration,
    {ask: async () => answer, processes: {listeningPorts}, log},
  );

test('a new HAProxy that listens and whose frontends are open -> it serves', async () => {
  await check(async () => [80]);
});

test('one that does not listen where it should, or has a frontend shut -> refused, with what is lacking', async () => {
  const words = 'cannot switch to the new HAProxy: ';
  await assert.rejects(
    check(async () => [81]),
    {code: 'APPLY', message: `${words}it does not listen on 80`},
  );
  await assert.rejects(
    check(async () => [80], OPEN.replace('OPEN', 'STOP')),
    {code: 'APPLY', message: `${words}frontend web is STOP`},
  );
});

test('its sockets cannot be seen -> its frontends alone count; a bug while they are looked at -> thrown on', async () => {
  await check(() => Promise.reject(systemError('EACCES')));
  const bug = new TypeError('a bug');
  await assert.rejects(
    check(() => Promise.reject(bug)),
    bug,
  );
});
