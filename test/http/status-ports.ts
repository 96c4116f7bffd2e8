import type {JoinedMember} from '../../src/http/joined-members.ts';
import type {Seen} from '../../src/http/problems.ts';
import type {StatusPorts} from '../../src/http/status.ts';
import type {Problem, Status} from '../../src/http/status-types.ts';
import type {HistoryEntry} from '../../src/lifecycle/history.ts';
import type {Log} from '../../src/ports/log.ts';
import {createFakeClock} from '../support/fake-clock.ts';

export const MEMBER: Omit<JoinedMember, 'nonce'> = {
  app: 'web',
  id: 'web-1',
  ip: '10.2.0.17',
  key: 'bmviV',
  role: 'frontend',
  seq: 1,
  payload: '',
  firstSeenAt: 1_500_000_000_000,
  lastSeenAt: 1_500_000_001_000,
  expiresInMs: 24_000,
  held: false,
  quarantine: null,
  proxyState: 'down',
  servers: [
    {
      backend: 'web',
      server: 'web-1',
      address: '10.2.0.17:80',
      state: 'down',
      status: 'DOWN',
      sinceMs: 3000,
      check: {result: 'L4CON', reason: 'Connection refused'},
      weight: 1,
      sessions: 0,
      queue: 0,
      errors: 7,
    },
  ],
};

export const PROBLEM: Problem = {
  kind: 'store',
  subject: null,
  severity: 'bad',
  what: 'It broke',
  why: 'of this',
  todo: 'mend it',
  sinceAt: 1_500_000_000_000,
  sinceIs: 'began',
};

/** Nothing beside the status itself, whose moment is 1,000,000. */
export const NOTHING_SEEN: Seen = {
  nowAt: 1_000_000,
  troubles: [],
  sharedBinds: [],
  absent: [],
  canGoBack: true,
  unwritten: undefined,
  historyFault: undefined,
  isAnybodyThere: true,
  began: {down: null, failing: null, change: null, storeAway: null, silence: null},
};

/** What a daemon in its third generation would say of itself; nothing that may be absent is. */
export const STATUS: Required<Status> = {
  version: '1.0.0',
  mode: ['master'],
  uptimeMs: 61_000,
  ready: true,
  inSync: true,
  lastError: null,
  lifecycle: {state: 'configure', sinceMs: 12, error: null},
  digest: 'd41d8cd98f00b204e9800998ecf8427e',
  hosts: {web: ['10.2.0.17']},
  memberCount: 1,
  ttlMs: 25_000,
  store: {kind: 'embedded', healthy: true},
  guard: {held: 0, holds: 0},
  zerorpc: {connections: 0},
  refused: null,
  quarantined: [],
  drift: {lookedAt: 1_500_000_000_000, count: 0, deviations: []},
  fleet: [
    {id: 'proxy-1', version: '1.0.0', generation: 3, digest: 'd41d8cd9', inSync: true, startedAt: 1_500_000_000_000},
  ],
  proxy: {
    state: 'RUNNING',
    version: '1.7.5',
    pid: 17,
    generation: 3,
    restarts: 0,
    silentMs: 0,
    isHung: false,
    isDeaf: false,
    hangs: 0,
    draining: [{pid: 12, generation: 2, sinceMs: 1, connections: 3, endsInMs: 3_599_999}],
  },
  reload: {
    way: 'syn-drop',
    why: 'iptables',
    listeners: [{address: '*:80', way: 'syn-drop'}],
    capabilities: {
      haproxy: {version: '1.7.5', build: 'linux2628', transfer: false},
      gate: {is: 'able', families: ['ipv4', 'ipv6'], variant: 'nf_tables 1.8.9'},
      netAdmin: true,
      migrate: false,
      bindOnly: {able: false, why: 'not tried'},
      lowPorts: true,
      bindV6Only: false,
    },
    last: {
      pass: 9,
      generation: 3,
      way: 'syn-drop',
      why: 'iptables',
      cause: 'joined web 10.2.0.17',
      startedAt: 1_500_000_000_000,
      phasesMs: {render: 1, validate: 20, apply: 30},
      verdict: 'ok',
      error: null,
    },
  },
  rollback: {pass: 7, sinceAt: 1_500_000_000_000},
  held: {pass: 7, sinceAt: 1_500_000_000_000},
  notJudged: [],
  logLevel: 'info',
  accessLog: {port: 5140, written: 1, overRate: 0, slowOutput: 0, malformed: 0},
  problems: [],
  kubernetes: {
    pod: {
      namespace: 'default',
      id: 'proxy-1',
      ip: '10.2.0.2',
      eip: null,
      nodeName: 'node-1',
      image: 'registry.test/haproxy-kontrol:1.0.0',
      sources: {ip: 'api', nodeName: 'volume'},
      watch: {what: 'pod default/proxy-1', state: 'watching', synced: true, failures: 0, reason: null},
      node: 'known',
    },
    certificates: [{name: 'web', expiresAt: 1_500_000_000_000, fingerprint: 'ab:cd', names: 'web.test', problem: null}],
    mounted: {path: '/etc/certs', problem: null},
    services: {
      hosts: {db: ['10.2.0.30']},
      watch: {what: 'endpoints', state: 'failing', synced: false, failures: 2, reason: 'it does not answer'},
    },
    verify: {source: true, token: false, pods: {known: 1, watches: []}},
  },
};

const REF = {digest: 'a'.repeat(64), bytes: 13};

export const entryOf = (pass: number, changes: Partial<HistoryEntry> = {}): HistoryEntry => ({
  pass,
  generation: pass,
  way: 'syn-drop',
  why: 'iptables',
  cause: 'joined web 10.2.0.17',
  startedAt: 1_500_000_000_000 + pass,
  phasesMs: {render: 1, validate: 20, apply: 30},
  verdict: 'ok',
  error: null,
  joined: {pods: [{app: 'web', ip: '10.2.0.17', id: 'web-1'}], more: 0},
  left: {pods: [], more: 0},
  difference: {added: 1, removed: 0, text: '@@ -1,0 +1,1 @@\n+frontend web\n', tooLarge: false},
  secretsChanged: false,
  configuration: REF,
  template: REF,
  ...changes,
});

/** The configuration texts of passes 1 and 2; pass 3 has lost its own. */
export const TEXTS: Readonly<Record<number, string>> = {1: 'frontend web\n', 2: 'frontend web\n  bind :80\n'};

export type FakeStatusPorts = {-readonly [Name in keyof StatusPorts]: StatusPorts[Name]};

/** Ports whose answers a test may replace one by one. */
export function createStatusPorts(log: Log): FakeStatusPorts {
  const entries = [entryOf(1), entryOf(2), entryOf(3, {verdict: 'failed', error: 'no', configuration: null})];
  const done = async () => ({is: 'done', answer: {}}) as const;
  return {
    status: () => STATUS,
    members: async () => [{...MEMBER, nonce: undefined}],
    timeline: name =>
      name === MEMBER.ip || name === MEMBER.id
        ? {ip: MEMBER.ip, gone: false, moments: [{at: 1, what: 'first ping', app: 'web', id: 'web-1'}]}
        : undefined,
    departures: () => [{at: 1, app: 'web', id: 'web-0', ip: '10.2.0.16', why: 'down', heardAt: 1}],
    traffic: () => ({samples: [], proxies: []}),
    configuration: () => 'frontend web\n  bind :81\n',
    history: {
      entries,
      entry: pass => entries.find(entry => entry.pass === pass),
      configuration: async ({pass}) => TEXTS[pass],
    },
    isReady: () => true,
    metrics: async () => ({type: 'text/plain; version=0.0.4; charset=utf-8', text: 'up 1\n'}),
    events: {serve: (app, path) => void app.get(path, () => 'event: x\n\n')},
    greeting: () => [],
    serveDashboard: app => void app.get('/', (_request, reply) => reply.type('text/html').send('<!doctype html>')),
    recent: {
      daemon: {since: (after, limit) => [{number: after + 1, text: `{"limit":${limit}}`}]},
      access: {since: () => []},
    },
    actions: {reconfigure: done, rollback: done, release: done, check: done, setLogLevel: done},
    loadToken: undefined,
    hideSecrets: said => said.replaceAll('hunter2', '***'),
    hostNames: ['proxy-1'],
    clock: createFakeClock(),
    log,
  };
}
