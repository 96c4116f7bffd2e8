import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {DaemonError} from '../../src/errors.ts';
import {createBlockEffect} from '../../src/lifecycle/block-effect.ts';
import type {Visit} from '../../src/lifecycle/lifecycle.ts';
import {parseManifest} from '../../src/lifecycle/manifest.ts';
import type {BlockEnd} from '../../src/lifecycle/shell-block.ts';
import type {Hosts} from '../../src/members/member.ts';
import {type LogLine, openLogSink, WARN} from '../members/fixtures.ts';

const manifestWith = (configure: string) =>
  parseManifest(
    `initial: configure\nterminal: stop\nstates:\n  - {tag: configure, next: [configure], ${configure}}\n  - {tag: stop}\n`,
    'lifecycle.yml',
  );

const visitOf = (tag = 'configure'): Visit => ({tag, cause: 'web joined', origin: 'daemon', input: undefined});
const hostsWith = (...ips: string[]): Hosts => (ips.length === 0 ? new Map() : new Map([['web', ips]]));
const withApi = (ip: string): Hosts => new Map([...hostsWith('10.2.0.1'), ['api', [ip]]]);

/** What `proxy.cfg` holds, and HAProxy runs. */
const RUN = 'server web-1 10.2.0.1:80\n';

interface Case {
  readonly configure?: string;
  readonly tag?: string;
  readonly hosts?: Hosts;
  readonly served?: Hosts | undefined;
  /** What the block writes into files of the data folder. */
  readonly writes?: Readonly<Record<string, string>>;
  readonly end?: BlockEnd;
  readonly hasRestarted?: boolean;
  /** False: HAProxy failed to start. */
  readonly isUp?: boolean;
  readonly generation?: number;
  /** False: a manifest of today. */
  readonly isOf2017?: boolean;
  /** False: there is no `proxy.cfg` before the block. */
  readonly isThere?: boolean;
}

const FAILED: BlockEnd = {
  said: 'no etcd',
  fault: new DaemonError('LIFECYCLE', 'cannot finish state configure: its shell block ended with exit code 3'),
};

/** The first visit of a daemon that knows nobody, and has started no HAProxy. */
const FIRST: Case = {served: undefined, hosts: hostsWith(), isUp: false, generation: 0};

/** A visit from begin to check; gives what was logged. */
async function visit(given: Case): Promise<readonly LogLine[]> {
  const {log, lines} = openLogSink();
  let stamp = 0;
  const contents = new Map([
    ['/data/proxy.cfg', {text: RUN, stamp}],
    ['/data/rendered.before', {text: RUN, stamp}],
  ]);
  if (given.isThere === false) contents.delete('/data/proxy.cfg');
  const effect = createBlockEffect({
    log,
    manifest: {...manifestWith(given.configure ?? 'shell: x'), isOf2017: given.isOf2017 ?? true},
    path: '/data/proxy.cfg',
    files: {
      readText: async path => contents.get(path)?.text,
      readStamp: async path => contents.get(path)?.stamp.toString(),
      readSize: async path => contents.get(path)?.text.length,
      list: async folder => [...contents.keys()].map(path => path.slice(folder.length + 1)).sort(),
    },
    isServing: text => (given.isUp ?? true) && text === RUN,
    status: () => ({state: (given.isUp ?? true) ? 'RUNNING' : 'FATAL', generation: given.generation ?? 1}),
    hostsOf: () => given.hosts ?? hostsWith('10.2.0.1', '10.2.0.2'),
    servedHosts: () => ('served' in given ? given.served : hostsWith('10.2.0.1')),
  });
  const visit = visitOf(given.tag);
  await effect.begin(visit);
  for (const [name, text] of Object.entries(given.writes ?? {})) {
    contents.set(`/data/${name}`, {text, stamp: ++stamp});
  }
  effect.blockEnded(visit, given.end ?? {said: ''});
  await effect.check(visit, given.hasRestarted ?? false);
  return lines;
}

const LEFT =
  'cannot serve the changed hosts: the block of configure left /data/proxy.cfg and haproxy as they were; it ';

describe('what a block did about changed hosts', () => {
  const fine: readonly (readonly [string, Case])[] = [
    ['it restarted haproxy', {hasRestarted: true}],
    ['it wrote what HAProxy runs already', {writes: {'proxy.cfg': RUN}}],
    ['it wrote that beside, found it equal, and left it there', {writes: {'rendered.cfg': RUN}}],
    ['HAProxy runs all of them already, as after a start from disk', {served: undefined, hosts: hostsWith('10.2.0.1')}],
    ['of an app that the configuration does not use', {hosts: withApi('10.3.0.2'), served: withApi('10.3.0.1')}],
    ['nobody is left, and HAProxy was stopped', {hosts: hostsWith(), isUp: false}],
    ['it ended badly, and restarted haproxy before', {end: FAILED, hasRestarted: true}],
    ['it ended badly, and nothing was to be done', {end: FAILED, hosts: hostsWith('10.2.0.1')}],
    ['the hosts are those that are served', {hosts: hostsWith('10.2.0.1')}],
    ['the first visit, about nobody', {served: undefined, hosts: hostsWith()}],
    ['the first visit, about nobody, and it made no configuration', {...FIRST, isThere: false}],
    ['another state', {tag: 'expose-via-route53'}],
    ['a configure that renders', {configure: 'run: [render, validate, apply], shell: x'}],
  ];
  for (const [name, given] of fine) {
    test(`${name} -> fine`, async () => {
      await visit(given);
    });
  }

  test('it ended badly -> of 2017: a warning, of any state; of today: the state fails', async () => {
    const {fault: {message: reason} = {}} = FAILED;
    for (const tag of ['configure', 'expose-via-route53']) {
      const given = {tag, end: FAILED, hosts: hostsWith('10.2.0.1')};
      assert.deepEqual(
        (await visit(given)).map(({level, to, reason: why}) => [level, to, why]),
        [[WARN, tag, reason]],
      );
      assert.deepEqual(await visit({...given, end: {said: 'done'}}), []);
      await assert.rejects(visit({...given, isOf2017: false}), FAILED.fault);
    }
  });

  test('it did nothing -> a fault, with what it said last', async () => {
    await assert.rejects(visit({end: {said: 'no etcd | giving up'}}), {
      code: 'LIFECYCLE',
      message: `${LEFT}said last: no etcd | giving up`,
    });
    await assert.rejects(visit({served: undefined}), {message: `${LEFT}said nothing`});
    await assert.rejects(visit({end: FAILED}), {message: `${LEFT}ended with exit code 3`});
  });

  test('an app that was not there before, or a pod that left and is still named -> a fault', async () => {
    await assert.rejects(visit({hosts: withApi('10.3.0.1')}), {code: 'LIFECYCLE'});
    await assert.rejects(visit({hosts: hostsWith()}), {code: 'LIFECYCLE'});
    await assert.rejects(visit({hosts: new Map([['web', ['10.2.0.9']]])}), {code: 'LIFECYCLE'});
  });

  test('a file of an earlier visit, or another text -> shows nothing', async () => {
    await assert.rejects(visit({writes: {'rendered.cfg': 'server web-1 10.2.0.2:80\n'}}), {code: 'LIFECYCLE'});
  });

  test('more than 200 files beside proxy.cfg -> the first 200 are looked at', async () => {
    // In the order of their names, with `proxy.cfg` among them.
    const others = Array.from({length: 198}, (_, index) => [`log-${1000 + index}`, ''] as const);
    const beside = (name: string) => ({...Object.fromEntries(others), [name]: RUN});
    await visit({writes: beside('first')});
    await visit({writes: beside('rendered.200')});
    await assert.rejects(visit({writes: {...beside('rendered.200'), 'log-2000': ''}}), {code: 'LIFECYCLE'});
  });

  test('it ended badly and left no HAProxy, whoever it was for -> what it ended with', async () => {
    await assert.rejects(visit({end: FAILED, hosts: hostsWith(), served: undefined, isUp: false}), FAILED.fault);
  });

  test('it made a configuration that no HAProxy was started with, though nobody is known -> a fault; also where it was there', async () => {
    const end = {said: 'supervisorctl: not found'};
    const message = `cannot serve anything: the block of configure started no haproxy with /data/proxy.cfg; it said last: ${end.said}`;
    await assert.rejects(visit({...FIRST, end, isThere: false, writes: {'proxy.cfg': RUN}}), {
      code: 'LIFECYCLE',
      message,
    });
    await assert.rejects(visit({...FIRST, end}), {code: 'LIFECYCLE', message});
  });

  test('it wrote a configuration and left HAProxy with another one -> a fault', async () => {
    await assert.rejects(
      visit({writes: {'proxy.cfg': 'new\n'}}),
      /wrote \/data\/proxy\.cfg and did not restart haproxy; it said nothing$/,
    );
  });
});
