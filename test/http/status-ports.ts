import type {Status, StatusPorts} from '../../src/http/status.ts';
import type {MemberView} from '../../src/members/member.ts';
import type {Log} from '../../src/ports/log.ts';

export const MEMBER: Omit<MemberView, 'nonce'> = {
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
};

/** What a daemon in its third generation would say of itself. */
export const STATUS: Status = {
  version: '1.0.0',
  mode: ['master'],
  uptimeMs: 61_000,
  ready: true,
  inSync: true,
  lastError: null,
  lifecycle: {state: 'configure', sinceMs: 12},
  digest: 'd41d8cd98f00b204e9800998ecf8427e',
  hosts: {web: ['10.2.0.17']},
  memberCount: 1,
  store: {kind: 'embedded', healthy: true},
  proxy: {
    state: 'RUNNING',
    version: '1.7.5',
    pid: 17,
    generation: 3,
    restarts: 0,
    draining: [{pid: 12, generation: 2, sinceMs: 1}],
  },
  reload: {way: 'syn-drop', why: 'iptables', listeners: [{address: '*:80', way: 'syn-drop'}], last: null},
};

export type FakeStatusPorts = {-readonly [Name in keyof StatusPorts]: StatusPorts[Name]};

/** Ports whose answers a test may replace one by one. */
export const createStatusPorts = (log: Log): FakeStatusPorts => ({
  status: () => STATUS,
  members: () => [{...MEMBER, nonce: undefined}],
  configuration: () => 'frontend web\n',
  isReady: () => true,
  metrics: async () => ({type: 'text/plain; version=0.0.4; charset=utf-8', text: 'up 1\n'}),
  log,
});
