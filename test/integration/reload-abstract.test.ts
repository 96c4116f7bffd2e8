import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {startReloading} from '../reload/reloading.ts';
import {startBackends} from '../support/backend.ts';
import {haproxiesUnderTest} from '../support/haproxies.ts';
import {haproxyIsAtLeast} from '../support/haproxy-version.ts';
import {startLoad} from '../support/load.ts';
import {allowMigration, openNamespaces, podIps} from '../support/namespaces.ts';
import {haproxiesOf} from '../support/processes.ts';
import {waitFor} from '../support/wait.ts';

const RELOADS = 2;

/** One section hands its connections to the next over a socket that is not TCP, as where TLS is ended apart. */
const template = (round: number, {bind, server = bind, globals = ''}: Inner) => `
global
  maxconn ${5000 + round}
  ${globals}
defaults
  mode http
  timeout connect 2s
  timeout client 15s
  timeout server 15s
listen outer
  bind *:80
  server inner ${server}
listen inner
  bind ${bind}
  server web-1 ${podIps[0]}:80
`;

interface Inner {
  readonly bind: string;
  /** How the section before reaches it. */
  readonly server?: string;
  readonly globals?: string;
  readonly since?: readonly [number, number];
}

const ABSTRACT: Inner = {bind: 'abns@kontrol-inner'};
// biome-ignore-start lint/suspicious/noTemplateCurlyInString: HAProxy's variables
const INNERS: readonly Inner[] = [
  ABSTRACT,
  {bind: '"abns@${INNER}"', server: '"abns@${INNER}"', globals: 'setenv INNER kontrol-set'},
  {bind: 'abns@${KONTROL_INNER}', server: 'abns@kontrol-env'},
  {bind: 'abnsz@kontrol-z', since: [3, 1]},
  {bind: '"${KONTROL_ADDRESS}"', server: 'abns@kontrol-all'},
  {bind: 'abns@kontrol-two,127.0.0.1:8081', server: 'abns@kontrol-two', globals: 'stats socket abns@kontrol-stats'},
  {bind: 'unix@/tmp/kontrol-inner-%.sock', server: 'unix@/tmp/kontrol-inner-%.sock'},
  {bind: 'uxst@/tmp/kontrol-inner-%.sock', server: 'unix@/tmp/kontrol-inner-%.sock', since: [2, 4]},
];
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: HAProxy's variables

const WAYS = ['auto', 'migrate', 'inherit', 'syn-drop', 'classic', 'plain'] as const;

for (const {name, binary, skip} of haproxiesUnderTest('root', 'netns', 'iptables')) {
  const cases = WAYS.flatMap(way =>
    (way === 'auto' || way === 'inherit' ? INNERS : [ABSTRACT]).map(inner => ({way, inner})),
  );
  describe(`reloads with a UNIX socket between sections, ${name}`, {skip, timeout: 600_000, concurrency: 2}, () => {
    for (const {way, inner} of cases) {
      const {since = [1, 7]} = inner;
      test(`${way}, ${inner.bind} -> each reload goes through, it is served`, {
        skip: skip === false && !haproxyIsAtLeast(since[0], since[1], binary) && `of HAProxy ${since.join('.')}`,
      }, async t => {
        await using net = await openNamespaces();
        await using _backends = await startBackends([{name: 'one', host: podIps[0], port: 80}], net.client);
        if (way === 'migrate') allowMigration(net.proxy);
        const text = (round: number) => template(round, inner).replaceAll('%', net.proxy.namespace ?? '');
        await using reloading = await startReloading(text(0), {
          place: net.proxy,
          env: {
            KONTROL_HAPROXY: binary,
            KONTROL_RELOAD: way,
            KONTROL_INNER: 'kontrol-env',
            KONTROL_ADDRESS: 'abns@kontrol-all',
          },
        });
        const target = {host: net.proxy.ip, port: 80, durationMs: 300_000};
        await using load = await startLoad({mode: 'connect', perSecond: 50, ...target}, net.client);
        for (let round = 1; round <= RELOADS; round += 1) {
          const {ok} = await load.report();
          await waitFor(async () => (await load.report()).ok > ok + 10, 'answers');
          const last = await reloading.change(text(round));
          assert.deepEqual([last.verdict, last.error], ['ok', null]);
          t.diagnostic(`${last.way}: ${last.why}`);
          await waitFor(() => haproxiesOf(reloading.daemon.dataFolder).length === 1, 'the end of the old generation');
        }
        const {ok} = await load.report();
        await waitFor(async () => (await load.report()).ok > ok + 10, 'answers');
        const report = await load.stop();
        t.diagnostic(JSON.stringify(report));
        if (way !== 'plain') assert.deepEqual(report.failures, {});
      });
    }
  });
}
