import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {buildStatus, type StatusParts} from '../../src/http/build-status.ts';
import {digestHosts} from '../../src/members/hosts.ts';
import {NOTHING_SEEN, STATUS} from './status-ports.ts';

const {version: _, ...PROXY} = STATUS.proxy;
const {last, ...RELOAD} = STATUS.reload;
const COUNTS = {written: 4, overRate: 3, slowOutput: 2, malformed: 1};

/** Everything is there: etcd, a rollback, an access log. */
const PARTS: StatusParts = {
  version: '1.0.0',
  mode: {master: true, slave: true},
  nowMs: 5000.6,
  startedMs: 1000,
  ready: true,
  inSync: true,
  lastError: null,
  lifecycle: {state: {tag: 'configure', sinceMs: 12}, lastFault: null},
  hosts: new Map([['web', ['10.2.0.17']]]),
  memberCount: 1,
  ttlMs: 25_000,
  store: STATUS.store,
  guard: {held: 2, holds: 1},
  zerorpc: {connections: 0},
  replicas: STATUS.fleet?.map(replica => ({...replica, run: 'ours alone', leaving: false})),
  proxy: PROXY,
  drains: {maxAgeMs: 3_600_000, connectionsOf: () => 3},
  haproxy: {text: '2.6.12'},
  reload: RELOAD,
  lastPass: last ?? undefined,
  drift: STATUS.drift,
  quarantined: [],
  refusal: {reason: 'no', sinceAt: 1_500_000_000_000, serving: null},
  rollback: {pass: 7, sinceAt: 1_500_000_000_000},
  notJudged: ['polls'],
  logLevel: 'debug',
  accessLog: {port: 5140, counts: COUNTS},
  kubernetes: STATUS.kubernetes,
  seen: NOTHING_SEEN,
  noteProblems: problems =>
    problems.map(({beganAt, ...words}) => ({...words, sinceAt: beganAt ?? 1_500_000_000_000, sinceIs: 'began'})),
};

describe('status', () => {
  test('parts, all there -> each in its place, the problems that they amount to', () => {
    const {problems, ...status} = buildStatus(PARTS);
    assert.deepEqual(status, {
      version: '1.0.0',
      mode: ['master', 'slave'],
      uptimeMs: 4001,
      ready: true,
      inSync: true,
      lastError: null,
      lifecycle: {state: 'configure', sinceMs: 12, error: null},
      digest: digestHosts(PARTS.hosts),
      hosts: {web: ['10.2.0.17']},
      memberCount: 1,
      ttlMs: 25_000,
      store: {kind: 'embedded', healthy: true},
      guard: {held: 2, holds: 1},
      zerorpc: {connections: 0},
      fleet: STATUS.fleet,
      proxy: {...PROXY, version: '2.6.12'},
      reload: {...RELOAD, last},
      kubernetes: STATUS.kubernetes,
      rollback: {pass: 7, sinceAt: 1_500_000_000_000},
      held: {pass: 7, sinceAt: 1_500_000_000_000},
      drift: STATUS.drift,
      refused: {reason: 'no', sinceAt: 1_500_000_000_000, serving: null},
      quarantined: [],
      notJudged: ['polls'],
      logLevel: 'debug',
      accessLog: {port: 5140, ...COUNTS},
    });
    assert.deepEqual(
      problems.map(({what}) => what),
      [
        'The template of 2017-07-14 02:40 UTC is refused, and the last good one fails with the pods of today',
        '2 silent members are held',
        'Rolled back to the template of pass 7',
      ],
    );
  });

  test('what is not there -> null, its own replicas alone absent', () => {
    const status = buildStatus({
      ...PARTS,
      replicas: undefined,
      lastPass: undefined,
      rollback: undefined,
      refusal: undefined,
      accessLog: undefined,
    });
    assert.deepEqual([status.reload.last, status.rollback, status.refused, status.accessLog], [null, null, null, null]);
    assert.equal('fleet' in status, false);
  });

  test('one that drains -> with its connections where they are known, and when it is ended; never, with no maximum', () => {
    const drainOf = (sinceMs: number, maxAgeMs: number, connections?: number) =>
      buildStatus({
        ...PARTS,
        proxy: {...PROXY, draining: [{pid: 12, generation: 2, sinceMs}]},
        drains: {maxAgeMs, connectionsOf: pid => (pid === 12 ? connections : undefined)},
      }).proxy.draining[0];
    assert.deepEqual(drainOf(1000, 5000, 3), {pid: 12, generation: 2, sinceMs: 1000, connections: 3, endsInMs: 4000});
    assert.deepEqual([drainOf(6000, 5000)?.endsInMs, drainOf(6000, 5000)?.connections], [0, null]);
    assert.deepEqual([drainOf(0, 1)?.endsInMs, drainOf(1000, 0)?.endsInMs], [1, null]);
  });

  test('more in quarantine than anybody reads -> the first hundred', () => {
    const one = {app: 'web', id: 'a', reason: '', sinceAt: 1, served: 'not at all', overBound: false} as const;
    const quarantined = Array.from({length: 101}, (_, n) => ({...one, ip: `10.2.0.${n}`}));
    assert.deepEqual(buildStatus({...PARTS, quarantined}).quarantined, quarantined.slice(0, 100));
  });

  test('mode -> the roles it has', () => {
    const modeOf = (master: boolean, slave: boolean) => buildStatus({...PARTS, mode: {master, slave}}).mode;
    assert.deepEqual([modeOf(true, false), modeOf(false, true)], [['master'], ['slave']]);
  });

  test('what a part knows beyond that -> stays inside', () => {
    const rollback = {pass: 7, sinceAt: 1, template: 'secret'};
    const store = {kind: 'etcd', healthy: false, endpoints: 'secret'};
    const guard = {held: 0, holds: 0, silent: 'secret'};
    assert.doesNotMatch(JSON.stringify(buildStatus({...PARTS, rollback, store, guard})), /secret/);
  });
});
