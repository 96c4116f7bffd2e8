import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {createInputLoader, createInputs, loadForPasses} from '../../../src/commands/daemon/input.ts';
import {DaemonError} from '../../../src/errors.ts';
import type {PodFacts} from '../../../src/kubernetes/facts.ts';
import type {Visit} from '../../../src/lifecycle/lifecycle.ts';
import {manifestOf} from '../../lifecycle/fixtures.ts';

const FACTS: PodFacts = {
  uid: undefined,
  ip: undefined,
  eip: undefined,
  nodeName: undefined,
  image: undefined,
  labels: {app: 'haproxy'},
  annotations: {a: 'b'},
  nodeLabels: {zone: 'x'},
  nodeAnnotations: {},
};

const VISIT: Visit = {tag: 'configure', cause: 'a test', origin: 'socket', input: undefined};

const CONTEXT = {config: {env: {KONTROL_TTL: '25'}}, pod: {facts: FACTS}};

/** `held` is the template of a rollback. */
const sourcesOf = (held?: string) => ({
  observation: {rollback: {current: held === undefined ? undefined : {pass: 1, template: held, sinceAt: 1}}},
  membership: {registry: {members: () => []}},
  cluster: {certificates: {paths: () => ({web: '/data/certs/web.pem'})}, serviceEndpoints: () => new Map()},
});

const hosts = () => new Map([['web', ['10.0.0.1']]]);

/** What a pass sees. */
const load = (visit?: Visit, held?: string) =>
  createInputLoader(CONTEXT, sourcesOf(held), {hosts, loadTemplate: async () => "today's"})(visit);

describe('what a template can see', () => {
  test('nothing asked for -> the hosts and facts of now', async () => {
    assert.deepEqual(await load(), {
      template: "today's",
      variables: {
        hosts: new Map([['web', ['10.0.0.1']]]),
        pods: [],
        node: {labels: {zone: 'x'}, annotations: {}},
        labels: {app: 'haproxy'},
        annotations: {a: 'b'},
        env: {KONTROL_TTL: '25'},
        certs: {web: '/data/certs/web.pem'},
        services: new Map(),
      },
    });
  });

  test('a pod -> what it says of itself, its payload with the text that it sent where that is known', async () => {
    const said = {app: 'web', id: 'web-1', ip: '10.0.0.1', key: '', role: 'backend', seq: 1, payload: {n: 1}};
    const members = [said, {...said, payloadText: '{"n":1.0}'}].map(one => ({
      ...one,
      ...{nonce: undefined, firstSeenAt: 1, lastSeenAt: 1, held: false, expiresInMs: 9},
    }));
    const sources = {...sourcesOf(), membership: {registry: {members: () => members}}};
    const {variables} = await createInputLoader(CONTEXT, sources, {hosts, loadTemplate: async () => ''})();
    assert.deepEqual(variables.pods, [said, {...said, payloadText: '{"n":1.0}'}]);
    assert.deepEqual(
      variables.pods.map(pod => 'payloadText' in pod),
      [false, true],
    );
  });

  test("the template -> a request's own, else the one that a rollback holds, else today's", async () => {
    const templateOf = async (...given: Parameters<typeof load>) => (await load(...given)).template;
    assert.equal(await templateOf({...VISIT, template: 'its own'}, 'held'), 'its own');
    assert.equal(await templateOf(VISIT, 'held'), 'held');
    assert.equal(await templateOf(VISIT), "today's");
  });

  test('hosts that came over the socket -> serve its pass; other input, and input of ours, is no hosts', async () => {
    const hostsOf = async (input: string, origin: Visit['origin'] = 'socket') =>
      Object.fromEntries((await load({...VISIT, origin, input: Buffer.from(input)})).variables.hosts);
    assert.deepEqual(await hostsOf('{"api": ["10.0.0.9"]}'), {api: ['10.0.0.9']});
    assert.deepEqual(await hostsOf('a word'), {web: ['10.0.0.1']});
    assert.deepEqual(await hostsOf('{"api": ["10.0.0.9"]}', 'daemon'), {web: ['10.0.0.1']});
    await assert.rejects(hostsOf('{"api": ["10.0.0"]}'), {code: 'RENDER', message: /^cannot use INPUT as hosts: /});
  });
});

describe('a template that cannot be read', () => {
  const unreadable = new DaemonError('RENDER', 'cannot read the template');
  const RENDERS = manifestOf('initial: configure\nterminal: configure\nstates:\n  - {tag: configure, run: [render]}\n');
  const SHELLS = manifestOf('initial: configure\nterminal: configure\nstates:\n  - {tag: configure, shell: make}\n');

  test('passes that render -> fail with it', async () => {
    const fail = loadForPasses(RENDERS, () => Promise.reject(unreadable));
    await assert.rejects(fail(), unreadable);
  });

  test('passes that render nothing -> do without; another fault is one still', async () => {
    const loadOr = (fault: Error) => loadForPasses(SHELLS, () => Promise.reject(fault))();
    assert.equal(await loadOr(unreadable), '');
    const others = [new DaemonError('CONFIG', 'no'), Object.assign(new TypeError('ours'), {code: 'RENDER'})];
    for (const other of others) await assert.rejects(loadOr(other), other);
    assert.equal(await loadForPasses(SHELLS, async () => 'text')(), 'text');
  });
});

test('a pod in quarantine -> kept from passes and previews alike, which have a template of their own; the whole is without any', async () => {
  const manifest = manifestOf(
    'initial: configure\nterminal: configure\nstates:\n  - {tag: configure, run: [render]}\n',
  );
  const inputs = createInputs(
    CONTEXT,
    {...sourcesOf('held'), ground: {manifest}},
    {
      hosts,
      load: async () => "today's",
      quarantine: {
        apply: ({template, variables}) => ({template, variables: {...variables, hosts: new Map()}}),
      },
    },
  );
  const seen = [
    await inputs.loadForPass(VISIT),
    await inputs.loadForPreview('asked for'),
    await inputs.loadForPreview(undefined),
    await inputs.loadWhole(),
  ];
  assert.deepEqual(
    seen.map(({template, variables}) => [template, variables.hosts.size]),
    [
      ['held', 0],
      ['asked for', 0],
      ['held', 0],
      ['held', 1],
    ],
  );
});
