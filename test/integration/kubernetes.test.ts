import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {type ApiServer, startApiServer} from '../kubernetes/apiserver.ts';
import {openNamespace} from '../kubernetes/cluster.ts';
import {type Daemon, startDaemon} from '../support/daemon.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';
import {waitFor} from '../support/wait.ts';

const CONFIG = 'haproxy.unity3d.com/config';
const LABELS = {app: 'haproxy', role: 'balancer'};

/** A template whose answer names the version of it. */
const templateOf = (port: number, version: string): string => `
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s

frontend web
  bind 127.0.0.1:${port}
  http-request redirect location /${version}
`;

const locationAt = async (port: number): Promise<string | null | undefined> => {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/`, {redirect: 'manual', signal: AbortSignal.timeout(2000)});
    return answer.headers.get('location');
  } catch {
    return undefined;
  }
};

const seeServed = (port: number, version: string, daemon: Daemon, timeoutMs = 20_000) =>
  waitFor(async () => (await locationAt(port)) === `/${version}`, `${version} served`, {
    timeoutMs,
    evidence: () =>
      daemon.logs
        .slice(-15)
        .map(line => JSON.stringify(line))
        .join('\n'),
  });

describe('a pod in a cluster', {skip: missing('haproxy', 'apiserver', 'openssl'), timeout: 300_000}, () => {
  let api: ApiServer;
  before(async () => {
    api = await startApiServer();
  });
  after(() => api[Symbol.asyncDispose]());

  test('boot and a changed annotation -> served at once, status says where from', async () => {
    const space = await openNamespace(api);
    const port = await freePort();
    await space.createPod('haproxy-1', {
      labels: LABELS,
      annotations: {[CONFIG]: templateOf(port, 'one')},
      ip: '10.9.0.1',
    });
    await using daemon = await startDaemon({template: '', env: space.environment('haproxy-1')});
    await seeServed(port, 'one', daemon);
    await space.annotate('haproxy-1', {[CONFIG]: templateOf(port, 'two')});
    await seeServed(port, 'two', daemon);
    const status = await daemon.status();
    assert.equal(status?.kubernetes?.pod.sources.annotations, 'api');
    assert.equal(status?.kubernetes?.pod.node, 'forbidden');
  });
});
