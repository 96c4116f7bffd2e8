import assert from 'node:assert/strict';
import {chown, mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {test} from 'node:test';
import {startDaemon} from '../support/daemon.ts';
import {haproxyIsAtLeast} from '../support/haproxy-version.ts';
import {openNamespaces, podIps} from '../support/namespaces.ts';
import {missing} from '../support/parts.ts';
import type {Place} from '../support/place.ts';

const NOBODY = 65_534;

const TEMPLATE = `
frontend proxy
  mode http
  bind *:8080
  timeout client 15s
  default_backend web
backend web
  mode http
  timeout connect 2s
  timeout server 15s
{%- for ip in hosts.web or [] %}
  server {{ip}} {{ip}}:80 non-stick
{%- endfor %}
`;

test('daemon without root or capabilities -> says what it lacks, and reloads in a way that needs none of it', {
  skip: missing('root', 'haproxy', 'netns'),
  timeout: 120_000,
}, async () => {
  await using net = await openNamespaces();
  const folder = await mkdtemp(join(tmpdir(), 'kontrol-nobody-'));
  await chown(folder, NOBODY, NOBODY);
  await using _folder = {[Symbol.asyncDispose]: () => rm(folder, {recursive: true, force: true})};
  const drop = ['setpriv', '--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups', '--inh-caps=-all'];
  const place: Place = {...net.proxy, exec: argv => net.proxy.exec([...drop, ...argv])};
  await using daemon = await startDaemon({template: TEMPLATE, place, dataFolder: folder});
  await daemon.waitFor(status => status.inSync, 'a running proxy', 30_000);
  // No version takes "non-stick" at run time, so that it is a reload.
  await daemon.slave({ip: podIps[0], place: net.client, localAddress: podIps[0]}).ping();
  const status = await daemon.waitFor(one => one.inSync && one.proxy.generation === 2 && one, 'a reload', 30_000);
  assert.equal(status.reload.way, haproxyIsAtLeast(1, 8) ? 'transfer' : 'inherit', status.reload.why);
  const {capabilities} = status.reload;
  assert.deepEqual([capabilities.netAdmin, capabilities.gate.is, capabilities.lowPorts], [false, 'unable', false]);
  assert.deepEqual([capabilities.bindOnly.able, capabilities.migrate], [true, false]);
});
