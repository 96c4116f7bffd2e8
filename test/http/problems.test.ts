import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {deriveProblems, type Seen} from '../../src/http/problems.ts';
import type {Status} from '../../src/http/status-types.ts';
import {writeFault} from '../../src/ports/write-fault.ts';
import {systemError} from '../support/system-error.ts';
import {NOTHING_SEEN, STATUS} from './status-ports.ts';

const WELL: Status = {...STATUS, rollback: null};

/** Severity and words of all problems, one a line. */
const problemsOf = (changes: Partial<Status>, seen: Partial<Seen> = {}): string[] =>
  deriveProblems({...WELL, ...changes}, {...NOTHING_SEEN, ...seen}).map(
    ({severity, what, why}) => `${severity}: ${what}: ${why}`,
  );

describe('problems', () => {
  test('all is well -> none', () => {
    assert.deepEqual(problemsOf({}), []);
  });

  describe('HAProxy', () => {
    const proxyIn = (state: string, generation: number, restarts = 2) =>
      problemsOf({proxy: {...WELL.proxy, state, generation, restarts}, uptimeMs: 1_000_400});

    test('starting -> bad, with the generation and the time since the start', () => {
      assert.deepEqual(proxyIn('STARTING', 3), [
        'bad: HAProxy does not serve yet: generation 3 is starting (1000 s up)',
      ]);
    });

    test('nothing has ever served -> bad, whatever state it is in', () => {
      for (const state of ['STARTING', 'BACKOFF', 'STOPPED']) {
        assert.deepEqual(proxyIn(state, 0), [
          'bad: HAProxy does not serve yet: no generation has served yet (1000 s up)',
        ]);
      }
    });

    test('served once, down now -> bad, with its state and restarts', () => {
      assert.deepEqual(proxyIn('BACKOFF', 3), [
        'bad: HAProxy is BACKOFF: generation 3, restarted 2 times: see proxy.out and the log',
      ]);
    });

    test('an earlier pass is offered where there is one alone', () => {
      const status = {...WELL, proxy: {...WELL.proxy, state: 'BACKOFF'}};
      const todoOf = (canGoBack: boolean) => deriveProblems(status, {...NOTHING_SEEN, canGoBack})[0]?.todo;
      assert.equal(todoOf(true), 'mend what HAProxy complains of, or go back to an earlier pass');
      assert.equal(todoOf(false), 'mend what HAProxy complains of');
    });

    test('stopped, not failed -> how to start it comes first', () => {
      const status = {...WELL, proxy: {...WELL.proxy, state: 'STOPPED'}};
      assert.equal(
        deriveProblems(status, {...NOTHING_SEEN, canGoBack: false})[0]?.todo,
        'haproxy-kontrol ctl start haproxy, if it was stopped by hand; else mend what HAProxy complains of',
      );
    });

    test('running before its first pass has ended -> nothing of HAProxy', () => {
      assert.deepEqual(proxyIn('RUNNING', 0), []);
    });
  });

  test('servers are drained, answers are cut -> said of both kinds that look the same', () => {
    const whyOf = (trouble: Seen['troubles'][number]) => problemsOf({}, {troubles: [trouble]}).join();
    assert.match(whyOf({is: 'down', name: 'web', beganAt: 1}), /in maintenance or drained/);
    const cut = {is: 'errors', of: 'cut', name: 'web', percent: 50, requests: 20, beganAt: 1} as const;
    assert.match(whyOf(cut), /a part of the body, or \(HAProxy 1\.7\) nothing at all$/);
  });

  test('HAProxy does not answer -> bad, long before it counts as hung, and nothing of what follows from it', () => {
    const silent = (silentMs: number, isHung: boolean) =>
      problemsOf({proxy: {...WELL.proxy, silentMs, isHung}, ready: !isHung, inSync: !isHung});
    const why = 'PID 17 says nothing over its runtime socket, so clients are not served either';
    assert.deepEqual(silent(4400, false), [`bad: HAProxy has not answered for 4 s: ${why}`]);
    assert.deepEqual(silent(900_000, true), [`bad: HAProxy has not answered for 900 s: ${why}`]);
    assert.deepEqual(problemsOf({proxy: {...WELL.proxy, silentMs: 20_000, isDeaf: true}}), [
      'bad: HAProxy has not answered for 20 s: it serves, but others seem to hold all connections to its runtime sockets, so changes take longer',
    ]);
  });

  test('others listen where HAProxy does -> bad, one for each address, with those that can be seen', () => {
    const at = (address: string, pid: number) => ({address, owner: {pid, args: ['/usr/bin/thief', '-secret']}});
    const sharedBinds = [at('*:80', 7), at('*:80', 8), {address: '*:81', owner: undefined}];
    assert.deepEqual(problemsOf({}, {sharedBinds}), [
      "bad: Somebody else listens on *:80 as well: PID 7 (thief), PID 8 (thief) took the same address (SO_REUSEPORT), so a part of HAProxy's clients get to it instead",
      "bad: Somebody else listens on *:81 as well: a process that cannot be seen from here took the same address (SO_REUSEPORT), so a part of HAProxy's clients get to it instead",
    ]);
  });

  test("what HAProxy's counters say -> by kind and name, each with what to do", () => {
    const seen: Seen = {
      ...NOTHING_SEEN,
      troubles: [
        {is: 'down', name: 'app', beganAt: 1},
        {is: 'queue', name: 'app', waiting: 3, beganAt: 2},
        {is: 'full', name: 'web', limit: 10, beganAt: 3},
        {is: 'full-process', limit: 50, beganAt: 4},
        {is: 'errors', of: 'frontend', name: 'web', percent: 20, requests: 600, beganAt: null},
        {is: 'errors', of: 'backend', name: 'app', percent: 100, requests: 13, beganAt: 5},
        {is: 'errors', of: 'connections', name: 'db', percent: 80, requests: 20, beganAt: 5},
        {is: 'errors', of: 'given-up', name: 'app', percent: 94, requests: 35, beganAt: 5},
        {is: 'errors', of: 'cut', name: 'app', percent: 15, requests: 35, beganAt: 5},
        {is: 'unanswered', name: 'one', requests: 9, isLate: false, beganAt: 5},
        {is: 'unanswered', name: 'two', requests: 9, isLate: true, beganAt: 5},
        {is: 'hanging', name: 'one', servers: ['a'], requests: 9, beganAt: 5},
        {is: 'hanging', name: 'two', servers: [...'abcdefg'], requests: 9, beganAt: 5},
        {is: 'handshakes', name: 'web', percent: 97, handshakes: 40, beganAt: 5},
        {is: 'rate', name: 'web', limit: 5, beganAt: 5},
        {is: 'rate-process', of: 'connections', limit: 1, beganAt: 5},
        {is: 'stopped', name: 'web', beganAt: 6},
        {is: 'emptied', name: 'app', beganAt: 7},
      ],
    };
    const problems = deriveProblems(WELL, seen);
    assert.deepEqual(
      problems.map(({severity, kind, subject, what, beganAt}) => `${severity} ${kind} ${subject} ${beganAt}: ${what}`),
      [
        'bad backend-down app 1: No server of backend app is up',
        'notice queue app 2: 3 requests wait for a server of backend app',
        'bad sessions web 3: Frontend web takes no more connections',
        'bad sessions null 4: HAProxy takes no more connections',
        'bad errors web null: 20 % of what web answers are errors of class 5xx',
        'bad errors app 5: 100 % of what backend app answers are errors of class 5xx',
        'bad errors db 5: 80 % of the connections to backend db fail',
        'bad unanswered app 5: Clients of backend app give up before it answers',
        'bad cut app 5: Answers of backend app are cut off half-way',
        'bad unanswered one 5: No server of backend one answers',
        'bad unanswered two 5: Backend two answers too late',
        'bad unanswered one 5: A server of backend one takes requests and answers none',
        'bad unanswered two 5: 7 servers of backend two take requests and answer none',
        'bad handshakes web 5: 97 % of the TLS handshakes of frontend web fail',
        'bad rate web 5: Frontend web takes new sessions no faster',
        'bad rate null 5: HAProxy takes new connections no faster',
        'bad stopped web 6: Frontend web listens no more',
      ],
    );
    for (const {todo, what} of problems) assert.notEqual(todo, '', what);
    const whyOf = (start: string) => problems.find(({what}) => what.startsWith(start))?.why ?? '';
    assert.match(whyOf('7 servers'), /^a, b, c, d, e and 2 more had 9 requests since/);
    assert.match(whyOf('No server of backend one'), /^9 requests came since, and none was answered/);
    assert.match(whyOf('Backend two'), /each of 9 requests waits for long/);
  });

  test('five servers of a backend hang -> each is named', () => {
    const hanging = {is: 'hanging', name: 'web', servers: [...'abcde'], requests: 9, beganAt: 5} as const;
    assert.match(problemsOf({}, {troubles: [hanging]}).join(), /: a, b, c, d, e had 9 requests since/);
  });

  test('nobody is left -> bad, since the last of all was there; an app of several -> a notice, bad where a backend has nobody', () => {
    const absent = [
      {app: 'web', lastThereAt: 7},
      {app: 'api', lastThereAt: 5},
    ];
    const told = (seen: Partial<Seen>) =>
      deriveProblems(WELL, {...NOTHING_SEEN, ...seen}).map(({severity, what, beganAt}) => [severity, what, beganAt]);
    assert.deepEqual(told({absent, isAnybodyThere: false}), [['bad', 'Nobody is left to serve', 7]]);
    const unknown = [...absent, {app: 'db', lastThereAt: null}];
    assert.deepEqual(told({absent: unknown, isAnybodyThere: false}), [['bad', 'Nobody is left to serve', null]]);
    assert.deepEqual(told({absent}), [
      ['notice', 'No pod of web is left', 7],
      ['notice', 'No pod of api is left', 5],
    ]);
    assert.deepEqual(told({isAnybodyThere: false}), []);
    const [web] = absent;
    const emptied = (...names: string[]): Partial<Seen> => ({
      absent: web ? [web] : [],
      troubles: names.map(name => ({is: 'emptied', name, beganAt: 8})),
    });
    assert.deepEqual(told(emptied('b-web')), [['bad', 'No pod of web is left', 7]]);
    assert.match(problemsOf({}, emptied('b-web')).join(), /but b-web has no server any more/);
    assert.match(problemsOf({}, emptied('b-web', 'c-web')).join(), /but b-web, c-web have no server any more/);
  });

  test('many of a kind -> 20 of each are listed', () => {
    const apps = Array.from({length: 21}, (_, index) => `app-${index}`);
    const seen: Seen = {
      ...NOTHING_SEEN,
      troubles: apps.map(name => ({is: 'down', name, beganAt: null})),
      absent: apps.map(app => ({app, lastThereAt: null})),
    };
    const kinds = deriveProblems(WELL, seen).map(({kind}) => kind);
    assert.deepEqual(kinds, [...Array(20).fill('backend-down'), ...Array(20).fill('members')]);
  });

  test('certificates -> bad when one is over or not taken, a notice a week before', () => {
    const DAY_MS = 86_400_000;
    const nowAt = Date.parse('2026-11-29T12:00:00Z');
    const told = (days: number | null, problem: string | null) => {
      const expiresAt = days === null ? null : nowAt + days * DAY_MS;
      const certificate = {name: 'web', expiresAt, fingerprint: null, names: null, problem};
      const kubernetes = {...WELL.kubernetes, certificates: [certificate]};
      return deriveProblems({...WELL, kubernetes}, {...NOTHING_SEEN, nowAt}).map(
        ({severity, subject, what, why, beganAt}) => [severity, subject, `${what}: ${why}`, beganAt],
      );
    };
    assert.deepEqual(told(7.01, null), []);
    assert.deepEqual(told(7, null), [
      ['notice', 'web', 'Certificate web expires at 2026-12-06 12:00 UTC: no newer one was offered', nowAt],
    ]);
    const [over] = told(0, 'its key is of another');
    assert.deepEqual(over, [
      'bad',
      'web',
      'Certificate web expired at 2026-11-29 12:00 UTC: a newer one was not taken: its key is of another',
      nowAt,
    ]);
    assert.deepEqual(told(90, 'its key is of another'), [
      ['bad', 'web', 'Certificate web is not taken: the last good one is served: its key is of another', null],
    ]);
    assert.deepEqual(told(null, 'there is no Secret web'), [
      ['bad', 'web', 'Certificate web is not taken: there is none to serve: there is no Secret web', null],
    ]);
  });

  test('the folder of KONTROL_CERTS is not there -> bad, with what to do', () => {
    const kubernetes = {...WELL.kubernetes, mounted: {path: '/etc/certs', problem: 'there is no folder /etc/certs'}};
    const [{kind, severity, subject, what, todo} = assert.fail()] = deriveProblems({...WELL, kubernetes}, NOTHING_SEEN);
    assert.deepEqual([kind, severity, subject], ['certificate', 'bad', '/etc/certs']);
    assert.equal(what, 'No certificate is taken from /etc/certs (KONTROL_CERTS)');
    assert.match(todo, /^mount the TLS Secrets there, each in a sub-folder of its own/);
  });

  test('since when -> when it began, wherever that can be known', () => {
    const began = {down: 11, failing: 12, change: 13, storeAway: 14, silence: 15};
    const refused = {reason: 'no', sinceAt: 16, serving: null};
    const member = {app: 'web', ip: '10.0.0.1', id: 'a', reason: '', served: 'not at all', overBound: false} as const;
    const deviation = {
      subject: 'web/a',
      backend: 'web',
      server: 'a',
      what: 'state',
      expected: 'ready',
      found: 'maint',
      sinceAt: 19,
    };
    for (const [changes, kind, expected] of [
      [{proxy: {...WELL.proxy, silentMs: 4000}}, 'hung', 996_000],
      [{proxy: {...WELL.proxy, state: 'BACKOFF'}}, 'down', 11],
      [{proxy: {...WELL.proxy, state: 'STARTING'}}, 'down', 11],
      [{proxy: {...WELL.proxy, state: 'STARTING', generation: 0}, uptimeMs: 3000}, 'down', 997_000],
      [{lastError: 'no'}, 'pass', 12],
      [{inSync: false}, 'sync', 13],
      [{inSync: false, reload: {...WELL.reload, last: null}, uptimeMs: 3000}, 'sync', 997_000],
      [{store: {kind: 'etcd', healthy: false}}, 'store', 14],
      [{guard: {held: 1, holds: 1}}, 'guard', 15],
      [{refused, lastError: 'no'}, 'template', 16],
      [{rollback: {pass: 1, sinceAt: 17}}, 'rollback', 17],
      [
        {
          quarantined: [
            {...member, sinceAt: 20},
            {...member, sinceAt: 18},
          ],
        },
        'quarantine',
        18,
      ],
      [{ready: false, uptimeMs: 3000}, 'ready', 997_000],
      [{lifecycle: {state: 'stop', sinceMs: 2000, error: null}}, 'stop', 998_000],
      [{drift: {lookedAt: 1, count: 1, deviations: [deviation]}}, 'drift', null],
      [{lifecycle: {state: 'configure', sinceMs: 2000, error: 'exit 3'}}, 'lifecycle', null],
    ] as const satisfies readonly (readonly [Partial<Status>, string, number | null])[]) {
      const [problem] = deriveProblems({...WELL, ...changes}, {...NOTHING_SEEN, began});
      assert.deepEqual([problem?.kind, problem?.beganAt], [kind, expected]);
    }
  });

  test('pods in quarantine -> bad, with their number, the first of them and why', () => {
    const first = {
      app: 'web',
      ip: '10.0.0.1',
      id: 'web-1',
      reason: 'weight',
      sinceAt: 0,
      served: 'not at all',
      overBound: false,
    } as const;
    const whyOf = (ip: string) => `web ${ip} (web-1), served not at all: weight`;
    const why = whyOf('10.0.0.1');
    assert.deepEqual(problemsOf({quarantined: [first]}), [
      `bad: A pod is in quarantine: no configuration can be made with what it says: ${why}`,
    ]);
    assert.deepEqual(problemsOf({quarantined: [first, {...first, ip: '10.0.0.2'}]}), [
      `bad: 2 pods are in quarantine: no configuration can be made with what they say: ${why}; ${whyOf('10.0.0.2')}`,
    ]);
    const many = Array.from({length: 7}, () => ({...first, overBound: true}));
    assert.deepEqual(problemsOf({quarantined: many}), [
      'bad: 7 pods are in quarantine: no configuration can be made with what they say; more of web than ' +
        `KONTROL_QUARANTINE allows, so the template may be to blame: ${Array(5).fill(why).join('; ')}; and 2 more: ` +
        'haproxy-kontrol members',
    ]);
    assert.ok(problemsOf({quarantined: many.slice(0, 5)})[0]?.endsWith(Array(5).fill(why).join('; ')));
    const told = (count: number) => problemsOf({quarantined: Array(count).fill(first)}).join();
    assert.match(told(99), /^bad: 99 pods are/);
    assert.match(told(100), /^bad: At least 100 pods are/);
  });

  describe('sync', () => {
    const FAILED = 'bad: The last pass failed: the last good configuration serves: unknown keyword';

    test('the last pass failed -> bad with its error, and nothing more of sync', () => {
      assert.deepEqual(problemsOf({inSync: false, lastError: 'unknown keyword'}), [FAILED]);
    });

    test('a rollback is offered where there is something to go back to alone', () => {
      const status = {...WELL, inSync: false, lastError: 'unknown keyword'};
      const todoOf = (canGoBack: boolean) => deriveProblems(status, {...NOTHING_SEEN, canGoBack})[0]?.todo;
      assert.equal(todoOf(true), 'mend the template, or go back: haproxy-kontrol history, haproxy-kontrol rollback');
      assert.equal(todoOf(false), 'mend the template');
    });

    test('a file of HAProxy cannot be written -> no template is to be mended', () => {
      const {message} = writeFault('/data/run/3.cfg', systemError('ENOTDIR'));
      const serving = {pass: 1, sinceAt: 0, replica: null};
      for (const refused of [null, {reason: message, sinceAt: 0, serving}]) {
        const [problem] = deriveProblems({...WELL, inSync: false, lastError: message, refused}, NOTHING_SEEN);
        assert.equal(problem?.todo, 'make that file one that can be written: the pass is tried again by itself');
      }
    });

    test('the members cannot be written down -> bad, once that lasts, with the file and why', () => {
      const {message: reason} = writeFault('/data/members.json', systemError('EROFS'));
      const problemsAt = (ms: number) =>
        deriveProblems(WELL, {...NOTHING_SEEN, nowAt: 5000 + ms, unwritten: {reason, sinceAt: 5000}});
      assert.deepEqual(problemsAt(2999), []);
      const [problem, ...others] = problemsAt(3000);
      assert.deepEqual(
        [problem?.kind, problem?.severity, problem?.why, problem?.beganAt],
        ['data', 'bad', reason, 5000],
      );
      assert.deepEqual(others, []);
    });

    test('the passes cannot be written down -> a notice with the reason', () => {
      const reason = 'history not written: EROFS: read-only file system';
      const [problem, ...others] = deriveProblems(WELL, {...NOTHING_SEEN, historyFault: reason});
      assert.deepEqual(
        [problem?.kind, problem?.subject, problem?.severity, problem?.why],
        ['data', 'history', 'notice', reason],
      );
      assert.deepEqual(others, []);
    });

    test('a frontend answers 5xx, backends of it too many -> they are named, five at the most', () => {
      const whyOf = (backends?: readonly string[]) =>
        deriveProblems(WELL, {
          ...NOTHING_SEEN,
          troubles: [
            {
              is: 'errors',
              of: 'frontend',
              name: 'web',
              percent: 20,
              requests: 600,
              beganAt: 5,
              ...(backends && {backends}),
            },
          ],
        })[0]?.why ?? '';
      assert.match(whyOf(), /^of its last 600 requests \(KONTROL_5XX/);
      assert.match(whyOf(['shop']), /^of its last 600 requests, too many also of those to backend shop \(KONTROL_5XX/);
      assert.match(whyOf([...'abcdef']), / to backend a, b, c, d, e and 1 more \(/);
      assert.match(whyOf([...'abcde']), / to backend a, b, c, d, e \(/);
    });

    test('the first pass failed -> nothing is said to serve', () => {
      const proxy = {...WELL.proxy, generation: 0, state: 'STOPPED'};
      const [, failed] = problemsOf({inSync: false, lastError: 'unknown keyword', proxy});
      assert.equal(failed, 'bad: The last pass failed: nothing has served yet: unknown keyword');
      const seen = {...WELL, inSync: false, lastError: 'unknown keyword', proxy};
      const todos = deriveProblems(seen, NOTHING_SEEN).map(({todo}) => todo);
      assert.equal(todos[1], 'mend the template');
    });

    test('a template is refused -> bad: since when, why, and what serves instead', () => {
      const [at, earlier] = [Date.parse('2026-11-28T12:04:00Z'), Date.parse('2026-11-28T11:30:00Z')];
      const refused = {reason: 'unknown keyword', sinceAt: at, serving: {pass: 6, sinceAt: earlier, replica: null}};
      assert.deepEqual(problemsOf({inSync: false, lastError: 'unknown keyword', refused}), [
        'bad: The template of 2026-11-28 12:04 UTC is refused: the one of pass 6 (2026-11-28 11:30 UTC) serves the pods of today: unknown keyword',
      ]);
    });

    test('HAProxy runs something else -> bad, with the first server and the way out; no change is on its way', () => {
      const sinceAt = Date.parse('2026-11-28T12:04:00Z');
      const deviation = {
        subject: 'web/a',
        backend: 'web',
        server: 'a',
        what: 'state',
        expected: 'ready',
        found: 'maint',
        sinceAt,
      };
      const problems = (count: number) =>
        problemsOf({inSync: false, drift: {lookedAt: 1, count, deviations: [deviation]}});
      assert.match(
        problems(1).join(),
        /^bad: HAProxy runs something else than its configuration in one place: web\/a: state is maint, not ready; somebody told HAProxy so, /,
      );
      assert.match(problems(3).join(), /in 3 places: /);
    });

    test('a change waits -> a notice', () => {
      assert.deepEqual(problemsOf({inSync: false}), [
        'notice: A change is on its way: it waits for quiet (KONTROL_DAMPER), or its pass runs',
      ]);
    });

    test('no pass has ended yet -> bad', () => {
      assert.deepEqual(problemsOf({inSync: false, reload: {...WELL.reload, last: null}}), [
        'bad: Not in sync: no pass has ended since the daemon started',
      ]);
    });

    test('HAProxy is down -> that is told, not the sync that follows from it', () => {
      const proxy = {...WELL.proxy, state: 'BACKOFF'};
      assert.equal(problemsOf({inSync: false, proxy}).length, 1);
      assert.deepEqual(problemsOf({inSync: false, proxy, lastError: 'unknown keyword'})[1], FAILED);
    });
  });

  describe('readiness', () => {
    const NOT_READY =
      'notice: Not ready: slaves that were here before are given one keepalive period to come back (KONTROL_WARMUP)';

    test('not ready while HAProxy runs -> a notice', () => {
      assert.deepEqual(problemsOf({ready: false}), [NOT_READY]);
    });

    test('not ready since HAProxy does not run -> HAProxy alone', () => {
      assert.equal(problemsOf({ready: false, proxy: {...WELL.proxy, state: 'STARTING'}}).length, 1);
    });

    test('stopping -> told, and not that it is unready, nor that HAProxy finishes its connections', () => {
      const lifecycle = {...WELL.lifecycle, state: 'stop'};
      for (const state of ['RUNNING', 'STOPPING', 'STOPPED']) {
        assert.deepEqual(problemsOf({ready: false, lifecycle, proxy: {...WELL.proxy, state}}), [
          'notice: Stopping: the daemon was told to stop: connections are drained',
        ]);
      }
    });
  });

  test('the store does not answer -> bad, with its kind', () => {
    assert.deepEqual(problemsOf({store: {kind: 'etcd', healthy: false}}), [
      'bad: The etcd store does not answer: members are kept as they were known; new ones sort last until it is back',
    ]);
  });

  test('silent members are held -> a notice with their number; that it happened once is none', () => {
    assert.deepEqual(problemsOf({guard: {held: 1, holds: 1}}), [
      'notice: 1 silent members are held: more than half of an app fell silent at once: they stay for 2 x KONTROL_TTL, in case it is not them',
    ]);
    assert.deepEqual(problemsOf({guard: {held: 0, holds: 1}}), []);
  });

  test('a state failed -> bad; not twice when it is what the last pass failed of', () => {
    const lifecycle = {state: 'configure', sinceMs: 1, error: 'exit 3'};
    assert.deepEqual(problemsOf({lifecycle}), ['bad: State configure failed: exit 3']);
    assert.equal(problemsOf({lifecycle, lastError: 'exit 3'}).length, 1);
    assert.equal(problemsOf({lifecycle, lastError: 'other'}).length, 2);
  });

  test('a rollback holds -> a notice with its pass and the way out', () => {
    assert.deepEqual(problemsOf({rollback: {pass: 7, sinceAt: 1}}), [
      'notice: Rolled back to the template of pass 7: template changes are not applied until it is released (POST /release)',
    ]);
  });
});
