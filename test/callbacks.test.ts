import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {openMountedCertificates} from '../src/certs/mounted.ts';
import {followPrefix} from '../src/etcd/follow.ts';
import {openFleet} from '../src/fleet/fleet.ts';
import {openDownwardVolume} from '../src/kubernetes/downward-volume.ts';
import {openReflector} from '../src/kubernetes/reflector.ts';
import type {Clock} from '../src/ports/clock.ts';
import {openTrafficSampler} from '../src/proxy/traffic-sampler.ts';
import {openPayload} from '../src/slave/payload-file.ts';
import {openTemplateText} from '../src/template/source.ts';
import {openLogSink} from './members/fixtures.ts';
import {createFakeClock} from './support/fake-clock.ts';
import {takeUnhandled} from './support/unhandled.ts';

/** What a loop may use, beside what it follows; `bug` throws as a mistake in our own code does. */
interface Scene {
  readonly clock: Clock;
  readonly log: ReturnType<typeof openLogSink>['log'];
  readonly bug: () => never;
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
const HEADER = {cluster_id: '1', revision: '5'};

/** An etcd with no keys, whose watch tells of one; it answers all else with what a lease has. */
const gateway = {
  ask: async () => ({header: HEADER}),
  askEach: async () => [{ID: '7', TTL: '3'}],
  async *listen(_path: string, _request: unknown, signal: AbortSignal) {
    yield {created: true};
    yield {events: [{kv: {key: base64('/a/1'), value: base64('x'), mod_revision: '6'}}]};
    await new Promise(resolve => signal.addEventListener('abort', resolve, {once: true}));
  },
};

/** Text that is another one at each look. */
const createChangingText = () => {
  let looks = 0;
  return async () => `a="${looks++}"\n`;
};

const POD = {metadata: {name: 'a', namespace: 'x', resourceVersion: '1'}};

const openMirror = ({clock, log}: Scene, mirror: Partial<Parameters<typeof openReflector>[1]>) =>
  openReflector(
    {what: 'pods', path: '/api/v1/pods'},
    {replace: () => {}, upsert: () => {}, remove: () => {}, ...mirror},
    {
      api: {
        request: async () => ({items: [POD], metadata: {resourceVersion: '1'}}),
        async watch(_path, _query, onEvent) {
          onEvent({type: 'MODIFIED', object: POD});
        },
      },
      clock,
      log,
    },
  );

const follow = ({clock, log}: Scene, listeners: Partial<Parameters<typeof followPrefix>[0]>) =>
  followPrefix({
    gateway,
    prefix: '/a/',
    clock,
    log,
    onLoad: () => {},
    onEvents: () => {},
    onLinked: () => {},
    ...listeners,
  });

const LOOPS: Readonly<Record<string, (scene: Scene) => {close(): unknown} | Promise<{close(): unknown}>>> = {
  'etcd, loaded': scene => follow(scene, {onLoad: scene.bug}),
  'etcd, events': scene => follow(scene, {onEvents: scene.bug}),
  'etcd, watch runs': scene => follow(scene, {onLinked: scene.bug}),
  'kubernetes, listed': scene => openMirror(scene, {replace: scene.bug}),
  'kubernetes, watched': scene => openMirror(scene, {upsert: scene.bug}),
  'fleet, what we are': ({clock, log, bug}) => {
    const fleet = openFleet({
      gateway,
      follow: () => ({linked: true, relink: () => {}, close: () => {}}),
      leases: {grant: async () => '7', renew: async () => true, revoke: async () => {}},
      ...{prefix: '/r/', id: 'a', key: '/r/a', run: '1', onLost: () => {}, clock, log},
    });
    fleet.join(bug);
    return fleet;
  },
  'template file': ({clock, bug}) => {
    const change = createChangingText();
    const read = async () => ({is: 'file', bytes: Buffer.from(await change())}) as const;
    const text = openTemplateText({is: 'file', path: '/t'}, {read, clock, annotations: () => ({})});
    return {close: text.follow(bug)};
  },
  'downward volume': ({clock, log, bug}) => ({
    close: openDownwardVolume('/d', {files: {readText: createChangingText()}, clock, log}).follow(bug),
  }),
  'mounted certificates': ({clock, log, bug}) => {
    const files = {list: async () => ['tls'], readStamp: async () => '', readText: createChangingText()};
    return {close: openMountedCertificates('/c', {files, clock, log}).follow(bug)};
  },
  'payload file': async ({clock, log, bug}) => {
    const read = createChangingText();
    const payload = await openPayload({path: '/p', read: async () => JSON.stringify(await read()), clock, log});
    payload.follow(bug);
    return payload;
  },
  traffic: ({clock, log, bug}) =>
    openTrafficSampler({
      clock,
      log,
      readInfo: async () => new Map(),
      readRows: async () => [],
      readServers: async () => [],
      deaths: () => 0,
      onLook: () => {},
      onSample: bug,
    }),
  'look at the traffic': ({clock, log, bug}) =>
    openTrafficSampler({
      clock,
      log,
      readInfo: async () => new Map(),
      readRows: async () => [],
      readServers: async () => [],
      deaths: () => 0,
      onLook: bug,
      onSample: () => {},
    }),
};

describe('a bug in what a loop calls back', () => {
  for (const [name, open] of Object.entries(LOOPS)) {
    test(`${name} -> nobody takes it, nobody else is blamed`, async () => {
      using unhandled = takeUnhandled();
      const clock = createFakeClock();
      const {log, lines} = openLogSink();
      const bug = new TypeError('a planted bug');
      const throwIt = (): never => {
        throw bug;
      };
      const loop = await open({clock, log, bug: throwIt});
      await clock.advance(5000);
      assert.ok(unhandled.errors.includes(bug), JSON.stringify(lines));
      assert.deepEqual(
        lines.filter(line => JSON.stringify(line).includes('planted')),
        [],
      );
      await Promise.resolve(loop.close()).catch(() => {});
    });
  }
});
