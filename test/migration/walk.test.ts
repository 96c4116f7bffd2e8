import assert from 'node:assert/strict';
import {test} from 'node:test';
import {type Daemon, startDaemon} from '../support/daemon.ts';
import {startLoad} from '../support/load.ts';
import {missing} from '../support/parts.ts';
import {openReplicaNet} from '../support/replica-net.ts';
import {waitFor} from '../support/wait.ts';
import {fetchText} from '../support/web.ts';
import {createCluster, type Deployment, type RunningPod} from './cluster.ts';
import {readSteps, readWaysBack} from './guide.ts';
import {startOldPod} from './old-pod.ts';
import {startWebPod, type WebPod} from './web-pods.ts';

const MASTER = 'kontrol.unity3d.com/master';
const TTL_MS = 5000;

/** What a slave sends at once after a failure: beyond these it has gone unanswered. */
const RETRIES_AT_ONCE = 8;

const WEB_IPS = [1, 2, 3, 4, 5].flatMap(number =>
  Array.from({length: 2}, (_, index) => `10.78.${number}.${11 + index}`),
);

/** Of the examples of 2017, what the walk looks at; a selector was what the labels were. */
const deploymentOf = (name: string, labels: Record<string, string>, annotations = {}): Deployment => ({
  metadata: {name},
  spec: {selector: {matchLabels: labels}, template: {metadata: {labels, annotations}}},
});
const OLD = deploymentOf('haproxy', {app: 'haproxy', role: 'balancer', tier: 'traffic'});
const WEB = deploymentOf('web', {app: 'web', role: 'frontend'}, {[MASTER]: 'haproxy.default.svc'});
const OLD_SERVICE = {
  metadata: {name: 'haproxy'},
  spec: {selector: {app: 'haproxy'}, ports: [{port: 80}, {port: 443}, {port: 8000}]},
};

/** Of the pods of `web`; nobody else may be there, the proxies least of all. */
const hostsIn = (state: string): string[] => {
  const {web = [], ...others} = (JSON.parse(state) as {hosts: {web?: string[]}}).hosts;
  assert.deepEqual(others, {});
  return web.toSorted();
};

test('docs/migration.md, walked line by line -> no request fails, no slave goes unanswered; the ways back as well', {
  skip: missing('root', 'netns', 'iptables', 'haproxy', 'kustomize'),
  timeout: 300_000,
}, async () => {
  await using undo = new AsyncDisposableStack();
  const net = undo.use(await openReplicaNet(2, {podIps: WEB_IPS}));
  const {hub} = net;
  const [oldPlace = hub, newPlace = hub] = net.replicas;
  const webPods: WebPod[] = [];
  const gone: WebPod[] = [];
  let leftBefore = 0;
  const unused = [...WEB_IPS];
  let daemon: Daemon | undefined;
  let old: RunningPod | undefined;

  const startWeb = async (deployment: Deployment): Promise<void> => {
    const masters = (deployment.spec.template.metadata.annotations?.[MASTER] ?? '').split(',');
    const pod = await startWebPod({ip: unused.shift() ?? '', place: hub, masters}, cluster.resolve);
    webPods.push(undo.use(pod));
    await seeAnswered([pod]);
  };
  /** Each of their masters answers anew. */
  const seeAnswered = async (pods: readonly WebPod[]): Promise<void> => {
    for (const pod of pods) {
      const before = new Map(pod.answered);
      const isAnswered = () => [...pod.masters].every(name => (pod.answered.get(name) ?? 0) > (before.get(name) ?? 0));
      await waitFor(isAnswered, `an answer for ${pod.ip} of ${pod.masters.join(' and ')}`);
    }
  };
  /** The hosts that those have who get the traffic. */
  const served = async () =>
    hostsIn(await fetchText({host: cluster.resolve('haproxy'), port: 8000, path: '/state', place: hub}));

  const startNew = async (deployment: Deployment): Promise<void> => {
    const {metadata, spec} = deployment.spec.template;
    const env =
      spec?.containers[0]?.env?.flatMap(({name, value}) => (value === undefined ? [] : [[name, value]])) ?? [];
    const started = await startDaemon({
      place: newPlace,
      template: metadata.annotations?.['haproxy.unity3d.com/config'] ?? '',
      env: {
        ...Object.fromEntries(env),
        KONTROL_IP: newPlace.ip,
        KONTROL_TTL: String(TTL_MS / 1000),
        KONTROL_DAMPER: '0.5',
        KONTROL_WARMUP: '1',
      },
    });
    daemon = undo.use(started);
    const status = () => started.status();
    cluster.pods.add({
      ip: newPlace.ip,
      deployment,
      isReady: async () => (await status())?.ready === true,
      exec: async () => JSON.stringify(await status()),
      end: async () => started[Symbol.asyncDispose](),
    });
  };
  const startOld = async (): Promise<void> => {
    const master = {host: cluster.resolve('haproxy'), port: 8000};
    const pod = undo.use(await startOldPod({ip: oldPlace.ip, ttlMs: TTL_MS, master}, oldPlace));
    const running: RunningPod = {
      ip: oldPlace.ip,
      deployment: OLD,
      isReady: async () => true,
      end: async () => pod[Symbol.asyncDispose](),
    };
    old = running;
    cluster.pods.add(running);
  };

  const cluster = createCluster([hub, oldPlace], {
    async rollOut(deployment) {
      if (deployment.metadata.name !== 'web') return startNew(deployment);
      for (const pod of [...webPods]) {
        await startWeb(deployment);
        await pod.leave();
        gone.push(...webPods.splice(webPods.indexOf(pod), 1));
        await waitFor(async () => !(await served()).includes(pod.ip), `no traffic for ${pod.ip}`);
      }
    },
    async scale({metadata: {name}}, replicas) {
      if (replicas === 1) {
        assert.equal(name, 'haproxy');
        return startOld();
      }
      for (const pod of cluster.pods) {
        if (pod.deployment.metadata.name !== name) continue;
        cluster.pods.delete(pod);
        await cluster.sync();
        await pod.end?.();
      }
    },
  });

  cluster.addDeployment(OLD);
  cluster.addDeployment(WEB);
  cluster.addService(OLD_SERVICE);
  await startOld();
  await cluster.sync();
  const host = cluster.resolve('haproxy');
  await startWeb(WEB);
  await startWeb(WEB);
  const clients = undo.use(await startLoad({mode: 'connect', perSecond: 20, host, port: 80, durationMs: 290_000}, hub));

  const runAll = async (commands: readonly string[]): Promise<string[]> => {
    const printed: string[] = [];
    for (const command of commands) printed.push(await cluster.run(command));
    return printed;
  };
  /** After each step; pods that left before it end, long after their last request. */
  const look = async (step: string): Promise<void> => {
    for (const pod of gone.slice(0, leftBefore)) await pod[Symbol.asyncDispose]();
    leftBefore = gone.length;
    await seeAnswered(webPods);
    const report = await clients.report();
    assert.deepEqual(report.failures, {}, step);
    await waitFor(async () => (await clients.report()).ok > report.ok + 5, `answers after "${step}"`);
    for (const {ip, worst} of [...webPods, ...gone]) {
      assert.ok(worst.inARow <= RETRIES_AT_ONCE, `${ip}, in "${step}": ${JSON.stringify(worst)}`);
    }
  };
  const ofOld = () => fetchText({host: oldPlace.ip, port: 8000, path: '/state', place: hub}).then(hostsIn);
  const ofNew = () => daemon?.getMaster('/state').then(answer => hostsIn(answer?.body ?? ''));
  const theirs = () => webPods.map(({ip}) => ip).toSorted();

  const steps = readSteps();
  const commandsOf = (title: string) => steps.find(step => step.title === title)?.commands ?? [];
  const ways = readWaysBack();
  /** The old pods are there and pinged: gives them the traffic. */
  const giveBack = async (from: string): Promise<void> => {
    await waitFor(async () => (await ofOld()).join() === theirs().join(), 'every slave at the old pods');
    await runAll(ways['From step 4 to step 5'] ?? []);
    await look(`the way back ${from}`);
    assert.deepEqual([await served(), await ofOld()], [theirs(), theirs()]);
  };

  /** What has to be so when a step's commands have been run, under the titles of the guide. */
  const checks: Readonly<Record<string, (commands: readonly string[]) => Promise<void>>> = {
    async 'Start the new pods beside the old ones'(commands) {
      await runAll(commands);
      assert.deepEqual(await served(), theirs());
    },
    async 'Let the slaves ping both'(commands) {
      await runAll(commands);
      assert.deepEqual(await served(), theirs());
    },
    async Compare(commands) {
      await waitFor(async () => {
        const [before, after, status, page] = await runAll(commands);
        const {ready, inSync} = JSON.parse(status ?? '{}') as {ready?: boolean; inSync?: boolean};
        const isAlike = hostsIn(before ?? '').join() === hostsIn(after ?? '').join();
        return isAlike && ready && inSync && theirs().includes(page ?? '');
      }, 'old and new pods alike');
    },
    async 'Move the traffic'(commands) {
      await using kept = await startLoad(
        {mode: 'keepalive', clients: 2, gapMs: 100, host, port: 80, durationMs: 60_000},
        hub,
      );
      await waitFor(async () => (await kept.report()).ok > 5, 'connections to the old pods');
      await runAll(commands);
      await look('the traffic moved');
      await giveBack('from step 4');
      await runAll(commands);
      // Longer than a TTL: the old pods would have forgotten everybody.
      const movedAt = performance.now();
      await waitFor(() => performance.now() - movedAt > 1.5 * TTL_MS, 'a TTL and a half');
      assert.deepEqual([await ofOld(), await ofNew()], [theirs(), theirs()]);
      const {failures, breaks} = await kept.stop();
      assert.deepEqual({failures, breaks}, {failures: {}, breaks: 0});
    },
    async 'Let the old pods go'(commands) {
      await runAll(commands);
      assert.deepEqual(await served(), theirs());
      await look('no old pods');
      await runAll(ways['After step 5'] ?? []);
      await giveBack('after step 5');
      await runAll([...commandsOf('Move the traffic'), ...commands]);
      assert.deepEqual(await served(), theirs());
    },
    async 'Back to one master'(commands) {
      await runAll(commands);
      assert.deepEqual(
        webPods.flatMap(({masters}) => masters),
        Array(webPods.length).fill('haproxy.default.svc'),
      );
      assert.deepEqual(await ofNew(), theirs());
      await look('one master');
      await runAll(ways['After step 6'] ?? []);
      await giveBack('after step 6');
      await runAll([...commands, ...(ways['With the traffic on the old pods'] ?? [])]);
      assert.deepEqual([await served(), [...cluster.pods]], [theirs(), [old]]);
    },
  };
  assert.deepEqual(
    Object.entries(ways).map(([from, commands]) => [from, commands.length]),
    [
      ['From step 4 to step 5', 2],
      ['After step 5', 3],
      ['After step 6', 5],
      ['With the traffic on the old pods', 1],
    ],
  );
  assert.deepEqual(
    steps.map(({title}) => title),
    Object.keys(checks),
  );
  for (const {title, commands} of steps) {
    await checks[title]?.(commands);
    await look(title);
  }
  const report = await clients.stop();
  assert.deepEqual([report.failures, report.ok], [{}, report.sent]);
});
