import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {createBlockEffect} from '../../src/lifecycle/block-effect.ts';
import type {Visit} from '../../src/lifecycle/lifecycle.ts';
import {parseManifest} from '../../src/lifecycle/manifest.ts';
import type {Hosts} from '../../src/members/member.ts';

const manifestWith = (configure: string) =>
  parseManifest(
    `initial: configure\nterminal: stop\nstates:\n  - {tag: configure, next: [configure], ${configure}}\n  - {tag: stop}\n`,
    'lifecycle.yml',
  );

const visitOf = (tag = 'configure'): Visit => ({tag, cause: 'web joined', origin: 'daemon', input: undefined});
const hostsWith = (...ips: string[]): Hosts => (ips.length === 0 ? new Map() : new Map([['web', ips]]));

interface Case {
  readonly configure?: string;
  readonly tag?: string;
  readonly hosts?: Hosts;
  readonly served?: Hosts | undefined;
  /** What the block does to `proxy.cfg`; it holds `old`, which HAProxy runs. */
  readonly writes?: string;
  readonly said?: string;
  readonly hasRestarted?: boolean;
}

/** A visit from begin to check. */
async function visit(given: Case): Promise<void> {
  const file = {text: 'old\n', stamp: 1};
  const effect = createBlockEffect({
    manifest: manifestWith(given.configure ?? 'shell: x'),
    path: '/data/proxy.cfg',
    files: {readText: async () => file.text, readStamp: async () => String(file.stamp)},
    isServing: text => text === 'old\n',
    hostsOf: () => given.hosts ?? hostsWith('10.2.0.1', '10.2.0.2'),
    servedHosts: () => ('served' in given ? given.served : hostsWith('10.2.0.1')),
  });
  const visit = visitOf(given.tag);
  await effect.begin(visit);
  if (given.writes !== undefined) Object.assign(file, {text: given.writes, stamp: 2});
  effect.heard(visit, given.said ?? '');
  await effect.check(visit, given.hasRestarted ?? false);
}

const LEFT =
  'cannot serve the changed hosts: the block of configure left /data/proxy.cfg and haproxy as they were; it ';

describe('what a block did about changed hosts', () => {
  const fine: readonly (readonly [string, Case])[] = [
    ['it restarted haproxy', {hasRestarted: true}],
    ['it wrote what HAProxy runs already', {writes: 'old'}],
    ['the hosts are those that are served', {hosts: hostsWith('10.2.0.1')}],
    ['the first visit, about nobody', {served: undefined, hosts: hostsWith()}],
    ['another state', {tag: 'expose-via-route53'}],
    ['a configure that renders', {configure: 'run: [render, validate, apply], shell: x'}],
  ];
  for (const [name, given] of fine) test(`${name} -> fine`, () => visit(given));

  test('it did nothing -> a fault, with what it said last', async () => {
    await assert.rejects(visit({said: 'no etcd | giving up'}), {
      code: 'LIFECYCLE',
      message: `${LEFT}said last: no etcd | giving up`,
    });
    await assert.rejects(visit({served: undefined}), {message: `${LEFT}said nothing`});
  });

  test('it wrote a configuration and left HAProxy with another one -> a fault', async () => {
    await assert.rejects(
      visit({writes: 'new\n'}),
      /wrote \/data\/proxy\.cfg and did not restart haproxy; it said nothing$/,
    );
  });
});
