import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {chown, mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {loadManifest} from '../kubernetes/cluster.ts';
import {PATIENCE_MS} from '../kubernetes/served.ts';
import {startDaemon} from '../support/daemon.ts';
import {getSegments} from '../support/exchange.ts';
import {openNamespaces, podIps} from '../support/namespaces.ts';
import {missing} from '../support/parts.ts';
import type {Place} from '../support/place.ts';

const TEMPLATE = `
frontend web
  mode http
  bind *:80
  timeout client 15s
  http-request redirect location /served-{{ hosts.web|default([])|length }}
`;

interface PodSpec {
  readonly securityContext: {
    readonly runAsUser: number;
    readonly sysctls: readonly {readonly name: string; readonly value: string}[];
  };
  readonly containers: readonly {
    readonly securityContext: {
      readonly allowPrivilegeEscalation: boolean;
      readonly capabilities: {readonly drop: readonly string[]};
    };
  }[];
}

async function loadPodSpec(): Promise<PodSpec> {
  const [deployment] = await loadManifest('base/deployment.yaml');
  return (deployment as {spec: {template: {spec: PodSpec}}} | undefined)?.spec.template.spec ?? assert.fail();
}

/** What the kubelet makes of a pod's security context, in a network namespace: the container runtime itself is not here. */
async function openContainer(place: Place, {securityContext, containers}: PodSpec, undo: AsyncDisposableStack) {
  const [container] = containers;
  assert.deepEqual(container?.securityContext.capabilities.drop, ['ALL']);
  assert.equal(container?.securityContext.allowPrivilegeEscalation, false);
  const user = securityContext.runAsUser;
  const folder = await mkdtemp(join(tmpdir(), 'kontrol-user-'));
  undo.defer(() => rm(folder, {recursive: true, force: true}));
  await chown(folder, user, user);
  const identity = [`--reuid=${user}`, `--regid=${user}`, '--clear-groups'];
  const drop = ['setpriv', ...identity, '--bounding-set=-all', '--inh-caps=-all', '--no-new-privs'];
  return {folder, place: {...place, exec: (argv: readonly string[]) => place.exec([...drop, ...argv])}};
}

const setSysctl = (place: Place, {name, value}: {readonly name: string; readonly value: string}) => {
  const path = `/proc/sys/${name.replaceAll('.', '/')}`;
  const [file = '', ...args] = place.exec(['sh', '-c', 'echo "$1" > "$0"', path, value]);
  execFileSync(file, args);
};

describe('the shipped pod, a plain user without capabilities', {
  skip: missing('root', 'haproxy', 'netns'),
  timeout: 300_000,
}, () => {
  test('with its sysctl -> HAProxy serves port 80, and is reloaded there', async () => {
    await using net = await openNamespaces();
    await using undo = new AsyncDisposableStack();
    const spec = await loadPodSpec();
    for (const sysctl of spec.securityContext.sysctls) setSysctl(net.proxy, sysctl);
    const {folder, place} = await openContainer(net.proxy, spec, undo);
    await using daemon = await startDaemon({template: TEMPLATE, place, dataFolder: folder});
    const seeServed = (members: number) =>
      daemon.waitFor(
        async () => {
          const segments = getSegments('/', 'web');
          const outcome = await net.client.exchange({host: net.proxy.ip, port: 80, segments, timeoutMs: 2000});
          return outcome.is === 'answered' && outcome.answer.headers.location === `/served-${members}`;
        },
        `${members} members served on port 80`,
        PATIENCE_MS,
      );
    await seeServed(0);
    await daemon.slave({ip: podIps[0], place: net.client, localAddress: podIps[0]}).ping();
    await seeServed(1);
    // The new HAProxy answers beside the old one before it is the one that serves.
    const {reload} = await daemon.waitFor(status => status.proxy.generation >= 2 && status, 'a reload');
    assert.deepEqual([reload.capabilities.lowPorts, reload.capabilities.netAdmin], [true, false]);
  });

  test('without the sysctl, as on a cluster before 1.22 -> one line that names the port, and an exit code', async () => {
    await using net = await openNamespaces();
    await using undo = new AsyncDisposableStack();
    const {folder, place} = await openContainer(net.proxy, await loadPodSpec(), undo);
    setSysctl(net.proxy, {name: 'net.ipv4.ip_unprivileged_port_start', value: '1024'});
    await using daemon = await startDaemon({template: TEMPLATE, place, dataFolder: folder});
    const {code} = await daemon.exited;
    assert.notEqual(code, 0);
    assert.match(JSON.stringify(daemon.logs.at(-1)), /80/);
  });
});
